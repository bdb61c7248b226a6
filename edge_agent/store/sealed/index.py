"""Finding the sealed blocks of a tag by time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Literal, NamedTuple

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.slot import Slot
from edge_agent.store.codec.summary import Summary
from edge_agent.store.sealed.blocks import HEADER, TAGS, body, slots_of
from edge_agent.store.sealed.span import DAY, LONGEST_US, MERGED, MONTH, PART, Days, days_of

Wanted = Literal["n", "usable", "good"]  # any row, one with a value, one with a good value
WANTED: tuple[Wanted, ...] = ("n", "usable", "good")
_PART = f"seal JOIN block ON block.id = seal.id * {TAGS} + ?1"
_HEADER = ", ".join(f"block.{name}" for name in HEADER.split(", "))
# Level, start, up to where it holds others, number to be held by, id, header. SQLite takes as long to prepare a
# statement as to answer it, so there is one for all levels and the rows are ordered here.
_OVERLAPPING = f"""
SELECT level, start, holds, id, id, grain, {HEADER} FROM block
WHERE tag = ?1 AND level < 3 AND level IN {MERGED}
  AND start > ?2 - {max(LONGEST_US.values())} AND start <= ?3 AND first_at <= ?3 AND last_at >= ?2
UNION ALL
SELECT {PART}, seal.start, 0, seal.id, block.id, grain, {_HEADER} FROM {_PART}
WHERE seal.first_at <= ?3 AND seal.last_at >= ?2 AND block.first_at <= ?3 AND block.last_at >= ?2"""
_LEVEL_HOLDS_NUMBER = itemgetter(0, 2, 3)
_OLDEST = f"""
SELECT MIN(COALESCE(MIN((
  SELECT first_at FROM block WHERE block.tag = tag.id AND level < 3 AND level = kind.column1
  ORDER BY start, first_at LIMIT 1)), {2**62}), COALESCE((SELECT MIN(first_at) FROM seal), {2**62}))
FROM tag, (VALUES {", ".join(f"({level})" for level in MERGED)}) AS kind"""


def _nearest(which: str, wanted: Wanted, at: str, bound: str, order: str) -> str:
    """One moment of the nearest block: the index leads to the merged ones, the parts are few.

    What a block counts is about its newest rows; where some were got after ?3 an earlier row may be the wanted one.
    """
    found = [
        f"""
SELECT * FROM (SELECT {at} AS at FROM block WHERE tag = ?1 AND level < 3 AND level = {level}
  AND ({wanted} > 0 OR seen > ?3) AND {bound.format(longest=LONGEST_US[level])}
  ORDER BY start {order}, {at} {order} LIMIT 1)"""
        for level in MERGED
    ]
    reach = "block.first_at <= ?2" if which == "MAX" else "block.last_at >= ?2"
    found.append(
        f"SELECT {which}(block.{at}) FROM {_PART} WHERE ({wanted} > 0 OR seen > ?3) AND {reach} AND seal.{reach[6:]}"
    )
    return f"SELECT {which}(at) FROM ({' UNION ALL '.join(found)})"


_BEFORE, _AFTER = "start <= ?2 AND first_at <= ?2", "start > ?2 - {longest} AND last_at >= ?2"
_LATEST = {wanted: _nearest("MAX", wanted, "first_at", _BEFORE, "DESC") for wanted in WANTED}
_EARLIEST = {wanted: _nearest("MIN", wanted, "last_at", _AFTER, "ASC") for wanted in WANTED}


class Piece(NamedTuple):
    """Rows of one tag that lie together; `read` gives those from moment to moment, both included, by moment.

    seen: the newest time at which one of them was got; summary: None where only reading tells.
    slots: by time what `thinned` rows came to, of which only those remain that are read.
    """

    first_at: int
    last_at: int
    seen: int
    summary: Summary | None
    read: Callable[[int, int], Columns]
    slots: Callable[[], list[Slot]] = list[Slot]
    thinned: bool = False


class Index:
    """The blocks of one connection, by time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self.days = db, days_of(db)

    def pieces(self, tag: int, start: int, end: int) -> list[Piece]:
        """The blocks with rows from moment to moment, both included, in the order of writing."""
        pieces: list[Piece] = []
        held: dict[int, dict[int, int]] = {MONTH: {}, DAY: {}}  # by level and start: up to where it holds shorter ones
        found = sorted(self._db.execute(_OVERLAPPING, (tag, start, end)), key=_LEVEL_HOLDS_NUMBER)
        for level, day, holds, number, block, grain, seen, *header in found:
            if holds:
                held[level][day] = holds
            if grain or number > _holder(held, level, day, self.days):  # no block holds a thinned one
                told, read = Summary(*header), partial(body, self._db, block)
                slots = partial(slots_of, self._db, block) if grain else list[Slot]
                pieces.append(Piece(told.first_at, told.last_at, seen, told, read, slots, grain > 0))
        return pieces

    def latest(self, tag: int, at: int, wanted: Wanted, until: int = FOREVER) -> int | None:
        """The latest first moment, not after `at`, of a block that may have a wanted row among those seen by a time."""
        return self._one(_LATEST[wanted], tag, at, until)

    def earliest(self, tag: int, at: int, wanted: Wanted, until: int = FOREVER) -> int | None:
        """The earliest last moment, not before `at`, of a block that may have a wanted row among those seen by then."""
        return self._one(_EARLIEST[wanted], tag, at, until)

    def oldest(self) -> int | None:
        """The first moment of all."""
        found = self._one(_OLDEST)
        return None if found == 2**62 else found

    def _one(self, statement: str, *values: int) -> int | None:
        found: int | None = self._db.execute(statement, values).fetchone()[0]
        return found


def _holder(held: dict[int, dict[int, int]], level: int, start: int, days: Days) -> int:
    """Up to where the longer block of the time holds blocks of a level."""
    if level == PART:
        return held[DAY].get(start, 0)
    month = days.month(start) if level == DAY and held[MONTH] else None
    return held[MONTH].get(month[0], 0) if month else 0
