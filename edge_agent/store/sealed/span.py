"""The spans of time that blocks cover: months, days and parts of a day, cut where the site's own days begin."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from operator import sub

from edge_agent.store.codec.columns import Columns

MONTH, DAY, PART = 1, 2, 3  # levels; of one moment, a row of a higher level was written later
MERGED = (MONTH, DAY)
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
LONGEST_US = {MONTH: 31 * DAY_US, DAY: DAY_US}
GRACE_US = HOUR_US  # for readings that come in after their day or month has ended
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS = date.max.toordinal() - _EPOCH - 31  # later ones are no dates: a device made them up


@dataclass(frozen=True, slots=True)
class Days:
    """The days and months of a clock that is `cut` microseconds ahead of UTC, in summer too."""

    cut: int = 0

    def start(self, at: int) -> int:
        """When the day of a moment begins."""
        return at - (at + self.cut) % DAY_US

    def month(self, at: int) -> tuple[int, int] | None:
        """Start and end of the month of a moment; None for what is no date of the agent's time."""
        day = (at + self.cut) // DAY_US
        if not 0 <= day < _DAYS:
            return None
        first = date.fromordinal(_EPOCH + day).replace(day=1)
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return (first.toordinal() - _EPOCH) * DAY_US - self.cut, (after.toordinal() - _EPOCH) * DAY_US - self.cut

    def by(self, rows: Columns) -> Iterator[tuple[int, Columns]]:
        """Ordered rows, day by day: its start and the rows in it."""
        return by(rows, DAY_US, self.cut)


def days_of(db: sqlite3.Connection) -> Days:
    """Where a database cuts, from its first day to its last."""
    return Days(*db.execute("SELECT value FROM mark WHERE name = 'cut'").fetchone())


def by(rows: Columns, length: int, cut: int = 0) -> Iterator[tuple[int, Columns]]:
    """Ordered rows, span by span of a length in microseconds: its start and the rows in it."""
    first = 0
    while first < len(rows):
        start = (rows.at[first] + cut) // length * length - cut
        last = bisect_left(rows.at, start + length, first)
        yield start, rows.slice(first, last)
        first = last


def is_over(end: int, now: int) -> bool:
    """Whether a span that ends then is complete but for stragglers."""
    return end + GRACE_US <= now


def median_step(rows: Columns) -> int | None:
    """The median microseconds from one moment of ordered rows to the next; None for a single one."""
    at = rows.valid().at
    steps = sorted(map(sub, at[1:], at))
    return steps[len(steps) // 2] if steps else None


def is_slow(step: int | None) -> bool:
    """Whether readings come less than once a minute."""
    return step is None or step > MINUTE_US
