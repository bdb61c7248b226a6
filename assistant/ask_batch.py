"""Questions from a file of JSON lines, answered one document a line in input order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.exit import Exit, Stop

CARRIED = ("id", "conversation")  # keys of a line that its answer repeats


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a batch: its text, what its answer carries, or why it cannot be read."""

    text: str
    carried: dict[str, Any] = field(default_factory=dict)
    error: str = ""  # a key of the catalogue


def read_batch(path: Path, key: str) -> Iterator[Line]:
    """The lines of a batch with the text found under `key`; raises Stop when there is no such file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Stop(Exit.USAGE, "error.batch_unreadable", file=path, why=error.strerror) from None
    for number, line in enumerate(raw.split(b"\n"), 1):
        if line.strip():
            yield _line(line, key, number)


def _line(raw: bytes, key: str, number: int) -> Line:
    where = {"line": number}
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Line("", {"id": None, **where}, "error.batch_not_json")
    if not isinstance(found, dict):
        return Line("", {"id": None, **where}, "error.batch_not_json")
    carried = {"id": None, **{name: found[name] for name in CARRIED if name in found}}
    text = found.get(key)
    if not isinstance(text, str) or not text.strip():
        return Line("", {**carried, **where}, "error.batch_no_text")
    return Line(text, carried)
