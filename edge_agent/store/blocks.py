"""The table of sealed blocks: put, find by time, take out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from edge_agent.store.block import decode, encode
from edge_agent.store.columns import FOREVER, Columns, joined
from edge_agent.store.span import (
    DAY,
    DAY_US,
    GRACE_US,
    LEVELS,
    LONGEST_US,
    MINUTE_US,
    PART,
    is_slow,
    median_step,
    month_of,
)
from edge_agent.store.summary import Summary, summary

_HEADER = f"first_at, last_at, seen, {', '.join(Summary._fields)}"
_PLACES = ", ".join("?" * (len(Summary._fields) + 9))
_PUT = f"INSERT INTO block (id, tag, level, start, due, step, {_HEADER}) VALUES ({_PLACES})"
_OVERLAPPING = " UNION ALL ".join(
    f"""
SELECT level, id, {_HEADER} FROM block WHERE tag = ?1 AND level = {level}
  AND start > ?2 - {LONGEST_US[level]} AND start <= ?3 AND first_at <= ?3 AND last_at >= ?2"""
    for level in LEVELS
)
PIECE = 500  # bytes: eight fill a page of SQLite, where whole bodies would leave a third of many pages empty
_PIECES = 1 << 20  # more than any body has
_STAYING = 1 << 40  # ids from here on: blocks that come and go shall tear no holes among those that stay
Wanted = Literal["n", "usable", "good"]  # any row, one with a value, one with a good value
WANTED: tuple[Wanted, ...] = ("n", "usable", "good")
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


class Blocks:
    """The blocks of one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, tag: int, level: int, start: int, rows: Columns) -> None:
        """Add a block of ordered rows; `start` is that of its month or day."""
        step = median_step(rows)
        due = _due(level, start, step)
        block = self._free_id(_STAYING if due is None else 0)
        header = (rows.at[0], rows.at[-1], max(rows.seen), *summary(rows))
        self._db.execute(_PUT, (block, tag, level, start, due, step, *header))
        body, first = encode(rows), block * _PIECES
        cuts = range(0, len(body), PIECE)
        pieces = [(first + number, body[cut : cut + PIECE]) for number, cut in enumerate(cuts)]
        self._db.executemany("INSERT INTO body VALUES (?, ?)", pieces)

    def pieces(self, tag: int, start: int, end: int) -> list[Piece]:
        """The blocks with rows from moment to moment, both included, in the order of writing."""
        found = self._db.execute(f"SELECT * FROM ({_OVERLAPPING}) ORDER BY level, id", (tag, start, end))
        return [
            Piece(first, last, seen, Summary(*header), partial(self._read, number))
            for _, number, first, last, seen, *header in found
        ]

    def latest(self, tag: int, at: int, wanted: Wanted) -> int | None:
        """The latest first moment, not after `at`, of a block with a wanted row."""
        return self._one(_LATEST[wanted], tag, at)

    def earliest(self, tag: int, at: int, wanted: Wanted) -> int | None:
        """The earliest last moment, not before `at`, of a block with a wanted row."""
        return self._one(_EARLIEST[wanted], tag, at)

    def oldest(self) -> int | None:
        """The first moment of all."""
        return self._one(_OLDEST)

    def take(self, tag: int, level: int, start: int, end: int) -> Columns:
        """Take the blocks of a level and of shorter ones in a span out of the table; answers their rows by moment."""
        where = "tag = ? AND level >= ? AND start >= ? AND start < ?"
        found = self._db.execute(f"SELECT id FROM block WHERE {where} ORDER BY level, id", (tag, level, start, end))
        blocks = [block for (block,) in found]
        rows = joined([self._read(block, -FOREVER, FOREVER) for block in blocks])
        self._db.executemany("DELETE FROM block WHERE id = ?", [(block,) for block in blocks])
        spans = [(block * _PIECES, (block + 1) * _PIECES) for block in blocks]
        self._db.executemany("DELETE FROM body WHERE id >= ? AND id < ?", spans)
        return rows.ordered()

    def extent(self, tag: int, level: int, start: int, end: int) -> tuple[int, bool]:
        """Rows in the blocks of a level and of shorter ones in a span, and whether a day of them may not be merged."""
        statement = f"""
            SELECT COALESCE(SUM(n), 0), COALESCE(MAX(level = {DAY} AND step <= {MINUTE_US}), 0) FROM block
            WHERE tag = ? AND level >= ? AND start >= ? AND start < ?"""
        rows, fast = self._db.execute(statement, (tag, level, start, end)).fetchone()
        return int(rows), bool(fast)

    def leave(self, tag: int, level: int, start: int, end: int) -> None:
        """Let the blocks of a level in a span stay what they are."""
        where = "tag = ? AND level = ? AND start >= ? AND start < ?"
        self._db.execute(f"UPDATE block SET due = NULL WHERE {where}", (tag, level, start, end))

    def any(self, tag: int, level: int, start: int, end: int) -> bool:
        """Whether a span has a block of a level or of a shorter one."""
        statement = "SELECT 1 FROM block WHERE tag = ? AND level >= ? AND start >= ? AND start < ? LIMIT 1"
        return self._db.execute(statement, (tag, level, start, end)).fetchone() is not None

    def _free_id(self, least: int) -> int:
        statement = "SELECT COALESCE(MAX(id), ?1) + 1 FROM block WHERE id BETWEEN ?1 AND ?1 + ?2"
        return int(self._db.execute(statement, (least, _STAYING - 1)).fetchone()[0])

    def _one(self, statement: str, *values: int) -> int | None:
        found: int | None = self._db.execute(statement, values).fetchone()[0]
        return found

    def _read(self, block: int, start: int, end: int) -> Columns:
        span = (block * _PIECES, (block + 1) * _PIECES)
        found = self._db.execute("SELECT bytes FROM body WHERE id >= ? AND id < ? ORDER BY id", span)
        return decode(b"".join([piece for (piece,) in found]), start, end)


def _due(level: int, start: int, step: int | None) -> int | None:
    """From when a block may be merged into the next level: once that is over."""
    if level == PART:
        return start + DAY_US + GRACE_US
    month = month_of(start) if level == DAY and is_slow(step) else None
    return month[1] + GRACE_US if month else None
