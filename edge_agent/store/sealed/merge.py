"""Merging parts into days and days into months once they are over: tag by tag, and at last what was merged goes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from edge_agent.store.codec.columns import joined
from edge_agent.store.rescue.aside import set_aside
from edge_agent.store.sealed.blocks import TAGS, Blocks, body
from edge_agent.store.sealed.span import DAY, DAY_US, GRACE_US, MONTH, is_slow

MERGED_ROWS = 200_000  # the most in one block; a day that has more gets several
STEP_ROWS = 50_000  # rows merged in one step, and one block more
STEP_BLOCKS = 5000  # blocks taken out in one step, and one seal more
_DAY = "SELECT start, MAX(id) FROM seal WHERE start <= ? GROUP BY start ORDER BY start LIMIT 1"
_DAY_TAGS = f"""
SELECT DISTINCT tag FROM seal JOIN block ON block.id >= seal.id * {TAGS} AND block.id < (seal.id + 1) * {TAGS}
WHERE seal.start = ? AND seal.id <= ? ORDER BY tag DESC"""
_PARTS = f"""
SELECT seal.id, block.id, n, step, holds, grain FROM seal JOIN block ON block.id = seal.id * {TAGS} + ?1
WHERE seal.start = ?2 AND seal.id > ?3 ORDER BY seal.id"""
_MERGED = """
SELECT id, id, n, step, holds, grain FROM block WHERE tag = ? AND level < 3 AND level = ? AND start >= ? AND start < ?
ORDER BY holds, id"""
_MONTH = "SELECT due FROM block WHERE due <= ? ORDER BY due LIMIT 1"
_MONTH_TAGS = "SELECT tag, start, MAX(id) FROM block WHERE due = ? GROUP BY tag ORDER BY tag DESC"


class _Block(NamedTuple):
    """A block that is merged; `number` is what a longer one may hold it by."""

    number: int
    id: int
    n: int
    step: int | None
    holds: int
    grain: int


@dataclass
class _Round:
    """What is merged in one go, up to the seal or the id `last`: the day `start`, or the months that are `due`."""

    last: int
    start: int | None = None
    due: int | None = None
    tags: list[tuple[int, int]] = field(default_factory=list)  # still to be merged, with a moment of the span


class Merger:
    """What is to be merged in the database of one writer; a round that is broken off is begun anew."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self._blocks = db, Blocks(db)
        self._round: _Round | None = None

    def forget(self) -> None:
        """Begin anew, after a transaction that failed."""
        self._round = None

    def due(self, now: int) -> bool:
        """Whether there is a step to do by then."""
        self._round = self._round or self._begin(now)
        return self._round is not None

    def step(self, now: int) -> None:
        """Merge some tags, or take out what was merged."""
        if not self.due(now) or self._round is None:
            return
        this = self._round
        rows = 0
        while this.tags and rows < STEP_ROWS:
            rows += self._merge_day(this) if this.due is None else self._merge_month(this)
        if not rows and not this.tags and self._erase(this):
            self._round = None

    def _begin(self, now: int) -> _Round | None:
        day = self._db.execute(_DAY, (now - DAY_US - GRACE_US,)).fetchone()
        if day:
            tags = self._db.execute(_DAY_TAGS, day).fetchall()
            return _Round(day[1], start=day[0], tags=[(tag, day[0]) for (tag,) in tags])
        month = self._db.execute(_MONTH, (now,)).fetchone()
        if not month:
            return None
        found = self._db.execute(_MONTH_TAGS, month).fetchall()
        return _Round(max(last for *_, last in found), due=month[0], tags=[(tag, start) for tag, start, _ in found])

    def _merge_day(self, this: _Round) -> int:
        """The parts of a day of one tag, or as many as go into one block; answers how many rows were put."""
        tag, start = this.tags[-1]
        days = self._blocks_of(_MERGED, tag, DAY, start, start + DAY_US)
        parts = self._blocks_of(_PARTS, tag, start, _holds(days))
        month = self._blocks_of(_MERGED, tag, MONTH, *(self._blocks.days.month(start) or (start, start)))
        old = [day for day in days if day.number > _holds(month) and not day.grain]
        most = len(parts)
        if _rows(old) + _rows(parts) > MERGED_ROWS:
            old = []
            most = max(sum(rows <= MERGED_ROWS for rows in accumulate(part.n for part in parts)), 1)
        if most >= len(parts):
            this.tags.pop()
        return self._put(tag, DAY, start, old, parts[:most])

    def _merge_month(self, this: _Round) -> int:
        """The days of a month of one tag, unless one of them is of a faster time."""
        tag, start = this.tags.pop()
        month = self._blocks.days.month(start) or (start, start)
        old = self._blocks_of(_MERGED, tag, MONTH, *month)
        days = [day for day in self._blocks_of(_MERGED, tag, DAY, *month) if day.number > _holds(old)]
        thinned = any(block.grain for block in (*old, *days))  # what is gone cannot be merged with
        if thinned or _rows(old) + _rows(days) > MERGED_ROWS or not all(is_slow(day.step) for day in days):
            self._db.executemany("UPDATE block SET due = NULL WHERE id = ?", [(day.id,) for day in days])
            return 0
        return self._put(tag, MONTH, month[0], old, days)

    def _blocks_of(self, statement: str, *values: int) -> list[_Block]:
        return [_Block(*row) for row in self._db.execute(statement, values)]

    def _put(self, tag: int, level: int, start: int, old: list[_Block], new: list[_Block]) -> int:
        """Put a block of old ones, which go, and of new ones, which it holds."""
        if not new:
            return 0
        rows = joined([body(self._db, block.id) for block in [*old, *new]]).ordered()
        set_aside(self._db, rows, [block.id for block in [*old, *new]])
        self._blocks.erase([block.id for block in old])
        self._blocks.put(tag, level, start, rows, new[-1].number)
        return len(rows)

    def _erase(self, this: _Round) -> bool:
        """Take out some of what was merged; whether that was all."""
        if this.due is not None:
            statement = "SELECT id FROM block WHERE due = ? AND id <= ? ORDER BY id LIMIT ?"
            found = self._db.execute(statement, (this.due, this.last, STEP_BLOCKS)).fetchall()
            self._blocks.erase([block for (block,) in found])
            return len(found) < STEP_BLOCKS
        count = 0
        statement = "SELECT id FROM seal WHERE start = ? AND id <= ? ORDER BY id"
        for (seal,) in self._db.execute(statement, (this.start, this.last)).fetchall():
            if count >= STEP_BLOCKS:
                return False
            count += self._blocks.erase_seal(seal)
        return True


def _holds(blocks: list[_Block]) -> int:
    return max((block.holds for block in blocks), default=0)


def _rows(blocks: list[_Block]) -> int:
    return sum(block.n for block in blocks)
