"""A file of amounts and past readings to requests for the writer; every wrong line is named and costs no other.

Columns: tag,from,to,value,unit,note. For an amount, from and to bound its period, `to` excluded.
For a register or gauge `from` is empty and `to` is the reading's time. An empty value withdraws
an amount; of a reading it says that there was none. The note may begin with quality and reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from configs.problem import Problem, nearest
from configs.quantity import quantities
from configs.scalars import ScalarError, number
from drivers.reading import Kind, Quality, Tag
from edge_agent.inbox import Request
from edge_agent.intake_line import COLUMNS, Line, lines, noted
from edge_agent.ledger import Person
from edge_agent.period import US, Calendar
from edge_agent.requests import CHUNK
from edge_agent.site import MANUAL, Site
from edge_agent.store.reader import Reader
from edge_agent.time.clock import AHEAD_US
from edge_agent.when import YearError, moment

DAY_US = 86_400 * US  # a month may be filed on the evening of its last day
NOT_FILED = "not_filed"  # why a reading that was filed has no value
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass
class Intake:
    """What a file or a part of it says: rows ready to be written, the faults of the rest, and what looks odd."""

    amounts: list[list[Any]] = field(default_factory=list)
    past: list[list[Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.amounts) + len(self.past)

    def requests(self, by: Person, now: int) -> list[Request]:
        """The rows in pieces that one transaction takes, in the order of the file."""
        found = []
        for kind, rows in (("amounts", self.amounts), ("past", self.past)):
            found += [Request(kind, rows[i : i + CHUNK], by, now) for i in range(0, len(rows), CHUNK)]
        return found


def read_file(path: Path, site: Site, now: int) -> Iterator[Intake]:
    """A file in parts of at most CHUNK rows or faults; raises OSError when there is none."""
    parser = _Parser(site, path.name, now)
    for line in lines(path):
        parser.take(line)
        if len(parser.out) + len(parser.out.problems) >= CHUNK:
            yield parser.out
            parser.out = Intake()
    yield parser.out


def read_csv(path: Path, site: Site, now: int) -> Intake:
    """A small file at once."""
    whole = Intake()
    for part in read_file(path, site, now):
        whole.amounts += part.amounts
        whole.past += part.past
        whole.problems += part.problems
        whole.warnings += part.warnings
    return whole


class _Parser:
    """What is understood so far and nobody has taken yet is in `out`."""

    def __init__(self, site: Site, name: str, now: int) -> None:
        self.site, self.name, self.now = site, name, now
        self.tags = site.tags()
        self.out = Intake()
        self.filed: dict[str, list[tuple[int, int]]] = {}

    def take(self, line: Line) -> None:
        """Add one line of the file."""
        if line.code:
            return self._wrong(line.number, line.code, **dict(line.said))
        return self._row(line.number, line.cells)

    def _wrong(self, line: int, code: str, **fields: str) -> None:
        self.out.problems.append(Problem(code, self.name, line, fields))

    def _row(self, line: int, cells: list[str]) -> None:
        if len(cells) < 4:
            return self._wrong(line, "csv_columns", value=str(len(cells)))
        name, start, end, value, unit, note = (*cells, "", "")[:6]
        tag = self.tags.get(name)
        if tag is None:
            hint = nearest(name, self.tags)
            return self._wrong(line, "no_tag", key="tag", value=name, nearest=hint)
        try:
            amount = self._value(tag, value, unit)
            if tag.kind == Kind.AMOUNT:
                return self._amount(line, tag, self._time(start), self._time(end), amount, note)
            return self._reading(line, tag, start, self._time(end), amount, note)
        except ScalarError as error:
            return self._wrong(line, error.code, key=name, value=error.allowed)

    def _value(self, tag: Tag, text: str, unit: str) -> float | None:
        quantity = quantities()[tag.quantity]
        factor = quantity.factor(unit)
        if factor is None:
            allowed = ", ".join([quantity.unit, *quantity.accepts])
            raise ScalarError("csv_unit", f"{unit} ({allowed})")
        if not text:
            return None
        if "_" in text or ("," in text and not _GROUPED.fullmatch(text)):
            raise ScalarError("not_a_number", text)  # 1,5 is one and a half somewhere, and 15 nowhere
        try:
            value = number(text.replace(",", "")) * factor
        except ScalarError:
            raise ScalarError("not_a_number", text) from None
        if not math.isfinite(value):
            raise ScalarError("not_a_number", text)
        return value

    def _time(self, text: str) -> int:
        try:
            return moment(text, self.site.zone)
        except YearError:
            raise ScalarError("csv_year", text) from None
        except (ValueError, OverflowError):
            raise ScalarError("csv_time", text) from None

    def _amount(self, line: int, tag: Tag, start: int, end: int, value: float | None, note: str) -> None:
        if end <= start:
            return self._wrong(line, "csv_period", key=tag.name)
        if value is not None and end > self.now + DAY_US:
            return self._wrong(line, "csv_not_over", key=tag.name)
        if value is not None and value < 0:
            return self._wrong(line, "csv_negative", key=tag.name, value=f"{value:g}")
        spans = self._spans(tag.name)
        if value is None:
            spans[:] = [span for span in spans if span != (start, end)]
        clash = next((s for s in spans if s != (start, end) and s[0] < end and start < s[1]), None)
        if clash and value is not None:
            return self._wrong(line, "csv_overlap", key=tag.name, value=self._days(clash))
        if value is not None:
            spans.append((start, end))
        self.out.amounts.append([tag.name, start, end, value, note])
        first, last = (self._local(t) for t in (start, end))
        if first.day == 1 and last.hour == 0 and (self._local(end + 86_400 * US)).day == 1 and last.day > 27:
            self.out.warnings.append(Problem("csv_inclusive", self.name, line, {"key": tag.name}))
        return None

    def _reading(self, line: int, tag: Tag, start: str, at: int, value: float | None, note: str) -> None:
        if start:
            return self._wrong(line, "csv_from", key=tag.name)
        if at > self.now + AHEAD_US:
            return self._wrong(line, "csv_ahead", key=tag.name)
        top = self._top(tag.name)
        if value is not None and tag.kind == Kind.COUNTER and not 0 <= value <= top:
            return self._wrong(line, "csv_beyond_register", key=tag.name, value=f"{value:g}", top=f"{top:g}")
        said, why, text = noted(note)
        trusted = said is None or said <= Quality.UNCERTAIN
        if value is not None and not trusted:
            return self._wrong(line, "csv_untrusted", key=tag.name, value=note)
        quality = said or (Quality.GOOD if value is not None else Quality.ABSENT)
        if value is None and not said:
            quality = Quality.ABSENT
        why = why or (None if quality <= Quality.UNCERTAIN else NOT_FILED)
        self.out.past.append([tag.name, at, value, int(quality), why, text])
        return None

    def _top(self, name: str) -> float:
        """The highest value that the register of a device can show, in the quantity's unit."""
        device, _, item = name.partition(".")
        if device == MANUAL:
            return math.inf
        spec = self.site.profiles[self.site.plant.devices[device].profile].items[item]
        scale = quantities()[spec.quantity].factor(spec.unit) or 1.0
        return math.inf if spec.modulus is None else spec.modulus * scale

    def _spans(self, name: str) -> list[tuple[int, int]]:
        """The periods that are filed for a tag, in the database and in this file."""
        if name not in self.filed:
            self.filed[name] = [(a.start, a.end) for a in Reader(self.site.data).amounts(name)]
        return self.filed[name]

    def _local(self, at: int) -> datetime:
        return Calendar(self.site.zone).local(at)

    def _days(self, span: tuple[int, int]) -> str:
        return f"{self._local(span[0]):%Y-%m-%d}..{self._local(span[1]):%Y-%m-%d}"


__all__ = ["COLUMNS", "Intake", "read_csv", "read_file"]
