"""The table of losses: what is no longer there, why, and since when. Rows join, and none is ever forgotten."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from edge_agent.store.codec.columns import FOREVER

_COLUMNS = "why, start, end, grain, after, tags, readings, decided"
_NOT_BACK = " AND NOT (after IS NULL AND readings IS 0)"
_PUT = f"INSERT INTO gap ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SAME = f"SELECT id, {_COLUMNS} FROM gap WHERE why = ? AND grain = ? AND after IS ? AND start <= ? AND end >= ?"


UNDATED, DESTROYED = "undated", "destroyed"  # the two that say only up to when the readings were written
EVER = -FOREVER  # their start
_BACK = """SELECT id, start, end, readings FROM gap
WHERE why = 'damage' AND after IS NULL AND readings > 0 AND start <= ? AND end > ? ORDER BY end - start, id"""


class Gap(NamedTuple):
    """One loss, from start to end, the end excluded; microseconds UTC."""

    why: str  # budget, reserve, disk, damage, clock, undated, destroyed
    start: int
    end: int
    grain: int  # what was there before (grain.py)
    after: int | None  # what is there since; None: nothing
    tags: int | None  # the most that lost readings at once; None when nobody knows
    readings: int | None  # that are gone; None when nobody knows
    decided: int

    def joined(self, other: Gap) -> Gap:
        """Both as one; of the same time the tags add up, of neighbouring times the larger number counts."""
        same = (self.start, self.end) == (other.start, other.end)
        tags = None if self.tags is None or other.tags is None else max(self.tags, other.tags)
        if same and self.tags is not None and other.tags is not None:
            tags = self.tags + other.tags
        readings = None if self.readings is None or other.readings is None else self.readings + other.readings
        span = min(self.start, other.start), max(self.end, other.end)
        return Gap(self.why, *span, self.grain, self.after, tags, readings, max(self.decided, other.decided))


class Gaps:
    """The losses of one writer's connection; inside a transaction of the store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, gap: Gap) -> None:
        """Enter a loss; one of the very same time takes it in, and those before that touch each other become one."""
        beside = self._touching(gap)
        same = next((number for number, other in beside if other[1:3] == gap[1:3]), None)
        if same is not None:
            self._join([same], gap)
            return
        for _, other in beside:
            self._join([number for number, _ in self._touching(other)])
        self._db.execute(_PUT, gap)

    def heal(self, moments: Iterable[int]) -> None:
        """Readings of these moments came back: what damage took of their time is so many fewer, each counted once."""
        left = sorted(moments)
        if not left:
            return
        for number, start, end, readings in self._db.execute(_BACK, (left[-1], left[0])).fetchall():
            first = bisect_left(left, start)
            last = min(bisect_left(left, end), first + readings)
            self._db.execute("UPDATE gap SET readings = readings - ? WHERE id = ?", (last - first, number))
            del left[first:last]

    def _touching(self, gap: Gap) -> list[tuple[int, Gap]]:
        found = self._db.execute(_SAME, (gap.why, gap.grain, gap.after, gap.end, gap.start))
        return [(number, Gap(*row)) for number, *row in found.fetchall()]

    def _join(self, numbers: list[int], *more: Gap) -> None:
        """Make rows one, with others that are none yet."""
        rows = [
            self._db.execute(f"SELECT {_COLUMNS} FROM gap WHERE id = ?", (number,)).fetchone() for number in numbers
        ]
        gaps = [*(Gap(*row) for row in rows if row), *more]
        if len(gaps) > 1:
            self._db.executemany("DELETE FROM gap WHERE id = ?", [(number,) for number in numbers])
            self._db.execute(_PUT, reduce(Gap.joined, gaps))


def gaps_between(db: sqlite3.Connection, start: int, end: int) -> list[Gap]:
    """The losses with time between start and end, end excluded, oldest first; not those that came back whole."""
    statement = f"SELECT {_COLUMNS} FROM gap WHERE start < ? AND end > ?{_NOT_BACK} ORDER BY start, end, id"
    return [Gap(*row) for row in db.execute(statement, (end, start)).fetchall()]
