"""Finding the sealed blocks of a tag by time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from edge_agent.store.blocks import HEADER, TAGS, body
from edge_agent.store.columns import FOREVER, Columns
from edge_agent.store.span import DAY, LONGEST_US, MERGED, MONTH, PART, month_of
from edge_agent.store.summary import Summary

Wanted = Literal["n", "usable", "good"]  # any row, one with a value, one with a good value
WANTED: tuple[Wanted, ...] = ("n", "usable", "good")
_PART = f"seal JOIN block ON block.id = seal.id * {TAGS} + ?1"
_HEADER = ", ".join(f"block.{name}" for name in HEADER.split(", "))
# Level, start, up to where it holds others, number to be held by, id, header.
_OVERLAPPING = " UNION ALL ".join(
    [
        f"""
SELECT level, start, holds, id AS number, id, {HEADER} FROM block WHERE tag = ?1 AND level < 3 AND level = {level}
  AND start > ?2 - {LONGEST_US[level]} AND start <= ?3 AND first_at <= ?3 AND last_at >= ?2"""
        for level in MERGED
    ]
    + [
        f"""
SELECT {PART}, seal.start, 0, seal.id, block.id, {_HEADER} FROM {_PART}
WHERE seal.first_at <= ?3 AND seal.last_at >= ?2 AND block.first_at <= ?3 AND block.last_at >= ?2"""
    ]
)
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


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one tag that lie together; `read` gives those from moment to moment, both included, by moment.

    seen: the newest time at which one of them was got; summary: None where only reading tells.
    """

    first_at: int
    last_at: int
    seen: int
    summary: Summary | None
    read: Callable[[int, int], Columns]


class Index:
    """The blocks of one connection, by time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def pieces(self, tag: int, start: int, end: int) -> list[Piece]:
        """The blocks with rows from moment to moment, both included, in the order of writing."""
        pieces: list[Piece] = []
        held: dict[tuple[int, int], int] = {}  # by level and start: up to where a block holds shorter ones
        statement = f"SELECT * FROM ({_OVERLAPPING}) ORDER BY level, holds, number"
        for level, day, holds, number, block, first, last, seen, *header in self._db.execute(
            statement, (tag, start, end)
        ):
            if holds:
                held[level, day] = holds
            if number > _holder(held, level, day):
                pieces.append(Piece(first, last, seen, Summary(*header), partial(body, self._db, block)))
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


def _holder(held: dict[tuple[int, int], int], level: int, start: int) -> int:
    """Up to where the longer block of the time holds blocks of a level."""
    if not held or level == MONTH:
        return 0
    if level == PART:
        return held.get((DAY, start), 0)
    month = month_of(start)
    return held.get((MONTH, month[0]), 0) if month else 0
