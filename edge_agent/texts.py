"""The catalogue of texts: one key, one sentence in each language, placeholders by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from configs import FOLDER
from configs.load import load
from configs.text import Text

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def catalogue(language: Language, folder: Path = FOLDER / "texts") -> dict[str, str]:
    """Every text of one language by its key."""
    return load(folder / f"{language}.yaml", dict[str, str], f"texts/{language}.yaml").value


class Texts:
    """Says things in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, /, **fields: object) -> str:
        """The sentence of `key` with its placeholders filled; raises KeyError for an unknown key."""
        return catalogue(self.language)[key].format_map(fields)

    def has(self, key: str) -> bool:
        """Whether the catalogue knows the key."""
        return key in catalogue(self.language)

    def why(self, code: str | None) -> str:
        """A reason as people say it, or the code itself where nobody has worded it; empty for none."""
        key = f"why.{code}"
        return self(key) if self.has(key) else code or ""

    def title(self, text: Text) -> str:
        """A title of a data file in this language."""
        return text[self.language]
