"""A text in both languages, as titles and messages of data files carry it."""

from __future__ import annotations

import msgspec


class Text(msgspec.Struct, frozen=True):
    """Chinese first, English beside it."""

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.zh


def both(text: Text | str) -> Text:
    """A title that a site gave once serves in both languages."""
    return text if isinstance(text, Text) else Text(text, text)
