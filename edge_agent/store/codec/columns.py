"""The rows of one tag as parallel columns, and which of the rows of one moment counts.

A later row for the same moment supersedes an earlier one and both are kept: `until` asks what was recorded by a time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

from drivers.reading import Quality

FOREVER = 2**62
LONGEST_REASON = 64  # characters of a reason; the longest code of ours has 19
_QUALITIES = list(Quality)


class Sample(NamedTuple):
    """One stored reading: the register, secondary side, in the quantity's unit."""

    at: int
    seen: int
    value: float | None
    quality: Quality
    reason: str | None


@dataclass(slots=True)
class Columns:
    """Row i is one reading; rows of one moment stand in the order in which they were written."""

    at: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at)

    def extend(self, other: Columns) -> None:
        """Append the rows of others, which were written later."""
        self.at += other.at
        self.seen += other.seen
        self.values += other.values
        self.qualities += other.qualities
        self.reasons += other.reasons

    def slice(self, start: int, end: int) -> Columns:
        """The rows from index to index, end excluded."""
        if start <= 0 and end >= len(self):
            return self
        part = slice(max(start, 0), end)
        return Columns(self.at[part], self.seen[part], self.values[part], self.qualities[part], self.reasons[part])

    def pick(self, rows: Sequence[int]) -> Columns:
        """The rows of these indices."""
        return Columns(
            [self.at[i] for i in rows],
            [self.seen[i] for i in rows],
            [self.values[i] for i in rows],
            [self.qualities[i] for i in rows],
            [self.reasons[i] for i in rows],
        )

    def between(self, start: int, end: int) -> Columns:
        """The rows from moment to moment, both included, of ordered rows."""
        return self.slice(bisect_left(self.at, start), bisect_right(self.at, end))

    def ordered(self) -> Columns:
        """All rows by their moment; those of one moment keep their order."""
        if self.at == sorted(self.at):  # quicker than to look from row to row
            return self
        return self.pick(sorted(range(len(self)), key=self.at.__getitem__))

    def valid(self, until: int = FOREVER) -> Columns:
        """Of ordered rows the newest of each moment among those seen by a time."""
        if len(set(self.at)) == len(self) and (until >= FOREVER or max(self.seen, default=0) <= until):
            return self
        newest = {at: i for i, (at, seen) in enumerate(zip(self.at, self.seen, strict=True)) if seen <= until}
        return self.pick(list(newest.values()))

    def sample(self, index: int) -> Sample:
        """Row `index`."""
        quality = _QUALITIES[self.qualities[index]]
        return Sample(self.at[index], self.seen[index], self.values[index], quality, self.reasons[index])

    def samples(self) -> Iterator[Sample]:
        """Every row."""
        good = repeat(Quality.GOOD, len(self))
        qualities = map(_QUALITIES.__getitem__, self.qualities) if any(self.qualities) else good
        rows = zip(self.at, self.seen, self.values, qualities, self.reasons, strict=True)
        return map(tuple.__new__, repeat(Sample), rows)  # half the time of Sample._make


def storable(rows: Columns) -> Columns:
    """The rows as they are stored: a NaN, which SQLite takes for no value, is none; a reason is cut to its length."""
    rows.values = [None if value != value else value for value in rows.values]
    if any(rows.reasons):
        rows.reasons = [why and why[:LONGEST_REASON] for why in rows.reasons]
    return rows


def joined(parts: Sequence[Columns]) -> Columns:
    """The rows of all, those of later parts written later; a single part itself."""
    if len(parts) == 1:
        return parts[0]
    rows = Columns()
    for part in parts:
        rows.extend(part)
    return rows
