"""Finding the sealed blocks of a tag by time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from edge_agent.store.blocks import HEADER, body
from edge_agent.store.columns import Columns
from edge_agent.store.span import DAY, LEVELS, LONGEST_US, MONTH, month_of
from edge_agent.store.summary import Summary

Wanted = Literal["n", "usable", "good"]  # any row, one with a value, one with a good value
WANTED: tuple[Wanted, ...] = ("n", "usable", "good")
_OVERLAPPING = " UNION ALL ".join(
    f"""
SELECT level, start, holds, id, {HEADER} FROM block WHERE tag = ?1 AND level = {level}
  AND start > ?2 - {LONGEST_US[level]} AND start <= ?3 AND first_at <= ?3 AND last_at >= ?2"""
    for level in LEVELS
)
_OLDEST = f"""
SELECT MIN((
  SELECT first_at FROM block WHERE block.tag = tag.id AND level = kind.column1 ORDER BY start, first_at LIMIT 1))
FROM tag, (VALUES {", ".join(f"({level})" for level in LEVELS)}) AS kind"""


def _nearest(which: str, wanted: Wanted, at: str, bound: str, order: str) -> str:
    """One moment of the nearest block: per level the index leads to it."""
    found = " UNION ALL ".join(
        f"""
SELECT * FROM (SELECT {at} AS at FROM block WHERE tag = ?1 AND level = {level} AND {wanted} > 0
  AND {bound.format(longest=LONGEST_US[level])} ORDER BY start {order}, {at} {order} LIMIT 1)"""
        for level in LEVELS
    )
    return f"SELECT {which}(at) FROM ({found})"


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
        held: dict[tuple[int, int], int] = {}  # by level and start: up to which id a block holds shorter ones
        statement = f"SELECT * FROM ({_OVERLAPPING}) ORDER BY level, id"
        for level, span, holds, block, first, last, seen, *header in self._db.execute(statement, (tag, start, end)):
            if holds:
                held[level, span] = holds
            if block > _holder(held, level, span):
                pieces.append(Piece(first, last, seen, Summary(*header), partial(body, self._db, block)))
        return pieces

    def latest(self, tag: int, at: int, wanted: Wanted) -> int | None:
        """The latest first moment, not after `at`, of a block with a wanted row."""
        return self._one(_LATEST[wanted], tag, at)

    def earliest(self, tag: int, at: int, wanted: Wanted) -> int | None:
        """The earliest last moment, not before `at`, of a block with a wanted row."""
        return self._one(_EARLIEST[wanted], tag, at)

    def oldest(self) -> int | None:
        """The first moment of all."""
        return self._one(_OLDEST)

    def _one(self, statement: str, *values: int) -> int | None:
        found: int | None = self._db.execute(statement, values).fetchone()[0]
        return found


def _holder(held: dict[tuple[int, int], int], level: int, start: int) -> int:
    """Up to which id the longer block of the time holds blocks of a level."""
    if not held or level == MONTH:
        return 0
    if level > DAY:
        return held.get((DAY, start), 0)
    month = month_of(start)
    return held.get((MONTH, month[0]), 0) if month else 0
