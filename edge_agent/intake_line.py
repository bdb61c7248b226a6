"""The lines of a file of readings and amounts, CSV or JSON, one at a time: their cells, or why there are none.

A line that cannot be read costs itself and no other. What a note says of a reading stands here too.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from drivers.reading import Quality
from edge_agent.store.codec.columns import LONGEST_REASON

COLUMNS = ["tag", "from", "to", "value", "unit", "note"]
LONGEST_NOTE = 50  # physical lines that a quoted note may have; after more the quote was never closed
_OF_PERIODS = "coverage"  # only computed values have it: what was computed is not filed again
SHOWN = 60  # characters of a wrong first line that are repeated
PIECE = 1 << 16
_OPEN = "unexpected end of data"  # what the csv module says of an open quote
_SAID = re.compile(r"(good|uncertain|stale|bad|absent)(?::(\w+))?(?:; (.*))?", re.DOTALL)


class Line(NamedTuple):
    """One line by its number; `code` and `said` where it cannot be read."""

    number: int
    cells: list[str]
    code: str = ""
    said: tuple[tuple[str, str], ...] = ()


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file after its header, those that hold nothing left out; raises OSError when there is none."""
    with path.open(encoding=_encoding(path), errors="replace", newline="") as file:
        first = file.read(1)
        file.seek(0)
        yield from _objects(file) if first == "{" or path.suffix == ".jsonl" else _rows(file)


def noted(note: str) -> tuple[Quality | None, str | None, str]:
    """What a note says: quality, reason as far as it is stored, and what people wrote."""
    said = _SAID.fullmatch(note)
    if not said:
        return None, None, note
    return Quality[said[1].upper()], said[2] and said[2][:LONGEST_REASON], said[3] or ""


def said_of(quality: Quality, reason: str | None, text: str) -> str:
    """The note of which `noted` tells the same."""
    plain = quality == Quality.GOOD and reason is None
    if plain and not _SAID.fullmatch(text):
        return text
    said = f"{quality.code}:{reason}" if reason else quality.code
    return f"{said}; {text}" if text else "" if plain else said


def _encoding(path: Path) -> str:
    """UTF-8, or what Excel writes on a Chinese desktop."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def _rows(file: TextIO) -> Iterator[Line]:
    head = [cell.strip() for cell in next(csv.reader([file.readline()]), [])]
    if head[: len(COLUMNS)] != COLUMNS:
        first, header = ",".join(head)[:SHOWN], ",".join(COLUMNS)
        yield Line(1, [], "csv_header" if first.strip(",") else "csv_empty", (("value", first), ("header", header)))
        return
    for number, found in _records(file):
        if isinstance(found, csv.Error):
            yield Line(number, [], "csv_open_quote" if str(found) == _OPEN else "csv_quotes")
        elif any(cell.strip() for cell in found):
            yield Line(number, [cell.strip() for cell in found])


def _records(file: TextIO) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Each record with the number of its first line; a quote that is never closed costs its own line only."""
    number = 2
    waiting: list[str] = []
    again: list[str] = []  # lines after a faulty one, the next one last
    while True:
        text = again.pop() if again else file.readline()
        waiting += [text] if text else []
        if not waiting:
            return
        found = _record(waiting)
        if found is None and text and len(waiting) < LONGEST_NOTE:
            continue
        if isinstance(found, list):
            yield number, found
            number += len(waiting)
        else:
            yield number, found or csv.Error(_OPEN)
            number += 1
            again += reversed(waiting[1:])
        waiting = []


def _record(texts: list[str]) -> list[str] | csv.Error | None:
    """The cells of a record; None where its last line leaves a quote open."""
    try:
        return next(csv.reader(texts, strict=True), [])
    except csv.Error as error:
        return None if str(error) == _OPEN else error


def _objects(file: TextIO) -> Iterator[Line]:
    for number, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
            if not isinstance(found, dict):
                raise ValueError("not an object")
            if _OF_PERIODS in found:
                yield Line(number, [], "period_values")
            else:
                yield Line(number, [_cell(found.get(name)) for name in COLUMNS])
        except (ValueError, RecursionError) as error:
            yield Line(number, [], "json_line", (("why", str(error)),))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    raise ValueError(f"{value!r}")
