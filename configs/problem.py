"""What is wrong in a data file: a code, where it stands, and the fields a text needs to say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one file; the text is found under `problem.<code>` in the catalogue."""

    code: str
    file: str
    line: int  # counted from 1; 0 when the file as a whole is meant
    fields: Mapping[str, str] = field(default_factory=dict)


class ConfigError(Exception):
    """A file, or several, cannot be used; `problems` holds every fault found, never only the first.

    `salvage` is what could be read all the same, for further checks only; None when nothing could.
    """

    def __init__(self, problems: Iterable[Problem], salvage: Any = None) -> None:
        self.problems = tuple(problems)
        self.salvage = salvage
        super().__init__("; ".join(f"{p.file}:{p.line}: {p.code}" for p in self.problems))


def nearest(word: str, allowed: Iterable[str]) -> str:
    """The allowed word that looks most like `word`, or an empty text."""
    found = get_close_matches(word, list(allowed), n=1, cutoff=0.55)
    return found[0] if found else ""
