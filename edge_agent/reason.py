"""Why a value is unknown, a criterion unmet, or a figure to be read with care: a code and its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_agent.texts import Texts


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; its sentence is `reason.<code>` in the catalogue."""

    code: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def say(self, texts: Texts) -> str:
        """The sentence in one language."""
        return texts(f"reason.{self.code}", **self.fields)

    def as_json(self, texts: Texts) -> dict[str, Any]:
        """`{code, text}` and the fields."""
        return {"code": self.code, "text": self.say(texts), **self.fields}


def reason(code: str, /, **fields: Any) -> Reason:
    """Shorthand for a reason with its fields."""
    return Reason(code, fields)


def merged(*groups: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """All reasons once, in the order they came."""
    kept: list[Reason] = []
    for group in groups:
        kept += [r for r in group if r not in kept]
    return tuple(kept)
