"""Reasons whose fields may be titles in both languages, or days."""

from __future__ import annotations

from datetime import date
from typing import Any

from configs.text import Text
from edge_agent.reason import Reason
from edge_agent.texts import Texts


class Said(Reason):
    """A reason that picks the language of its titles when it is said."""

    __slots__ = ()

    def say(self, texts: Texts) -> str:
        return texts(f"reason.{self.code}", **self._plain(texts))

    def as_json(self, texts: Texts) -> dict[str, Any]:
        return {"code": self.code, "text": self.say(texts), **self._plain(texts)}

    def _plain(self, texts: Texts) -> dict[str, Any]:
        return {name: _plain(value, texts) for name, value in self.fields.items()}


def said(code: str, **fields: Any) -> Said:
    """Shorthand for a reason with titles or days among its fields."""
    return Said(code, fields)


def _plain(value: Any, texts: Texts) -> Any:
    if isinstance(value, Text):
        return texts.title(value)
    return value.isoformat() if isinstance(value, date) else value
