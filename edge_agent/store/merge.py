"""Merging parts into days and days into months once they are over: tag by tag, and at last what was merged goes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from edge_agent.store.blocks import Blocks

STEP_ROWS = 50_000  # rows merged in one step, and one tag more
STEP_BLOCKS = 5000  # blocks taken out in one step
# Parts before days: those of the last day of a month belong into it.
_DUE = "SELECT due, level FROM block WHERE due <= ? ORDER BY due, level DESC LIMIT 1"
_TAGS = "SELECT tag, start, MAX(id) FROM block WHERE due = ? AND level = ? GROUP BY tag"
_MERGED = "SELECT id FROM block WHERE due = ? AND level = ? AND id <= ? ORDER BY id LIMIT ?"


@dataclass
class _Round:
    """The blocks of one level that are due at one time; `tags` with a start are still to be merged."""

    due: int
    level: int
    last: int = 0  # id; later blocks wait for the next round
    tags: list[tuple[int, int]] = field(default_factory=list)


class Merger:
    """What is to be merged in the database of one writer; a round that is broken off is begun anew."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self._blocks = db, Blocks(db)
        self._round: _Round | None = None

    def forget(self) -> None:
        """Begin anew, after a transaction that failed."""
        self._round = None

    def due(self, now: int) -> bool:
        """Whether there is a step to do."""
        return self._round is not None or self._db.execute(_DUE, (now,)).fetchone() is not None

    def step(self, now: int) -> None:
        """Merge some tags, or take out what was merged."""
        this = self._round = self._round or self._begin(now)
        rows = 0
        while this.tags and rows < STEP_ROWS:
            tag, start = this.tags.pop()
            rows += self._blocks.merge(tag, this.level, start)
        if rows or this.tags:
            return
        found = self._db.execute(_MERGED, (this.due, this.level, this.last, STEP_BLOCKS)).fetchall()
        self._blocks.erase([block for (block,) in found])
        if len(found) < STEP_BLOCKS:
            self._round = None

    def _begin(self, now: int) -> _Round:
        due, level = self._db.execute(_DUE, (now,)).fetchone()
        found = self._db.execute(_TAGS, (due, level)).fetchall()
        return _Round(due, level, max(last for *_, last in found), [(tag, start) for tag, start, _ in found])
