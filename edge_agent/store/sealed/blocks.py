"""The table of sealed blocks as its writer uses it.

Parts of a day come in seals: all that one step of sealing had of that day, tag by tag, side by side in the
file. A block that was merged from others notes up to where it `holds` them; nobody reads those any more,
and they are taken out all at once, which frees whole pages.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from edge_agent.store.codec.block import decode, encode
from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.slot import Slot
from edge_agent.store.codec.slot_body import decode as decode_slots
from edge_agent.store.codec.summary import Summary, summary
from edge_agent.store.rescue.aside import hole, stamped, unstamped
from edge_agent.store.sealed.span import DAY, GRACE_US, PART, days_of, is_slow

PIECE = 494  # bytes: with 17 of its own each, eight fill a page of SQLite; whole bodies leave a third of many empty
HEADER: str = f"seen, {', '.join(Summary._fields)}"
TAGS = 1 << 20  # a part's id is that of its seal times this, and its tag
_PIECES = 1 << 14  # a piece's id is that of its block times this, and its number: a block has so many at most
# Ids of merged blocks begin here: those that go on to a month, and those that stay. What comes and goes
# shall tear no holes among what stays.
_GOING, _STAYING = 1 << 48, 3 << 47
_PLACES = ", ".join("?" * (len(Summary._fields) + 7))
_PUT = f"INSERT INTO block (id, tag, level, start, due, holds, {HEADER}) VALUES ({_PLACES})"
_NEXT = """
SELECT MAX(COALESCE(MAX(id), ?1), COALESCE((SELECT value FROM mark WHERE name = ?3), 0)) + 1
FROM {} WHERE id BETWEEN ?1 AND ?2"""


class Place(NamedTuple):
    """Where a merged block stands: its month or day, and up to where it holds shorter ones."""

    tag: int
    level: int
    start: int
    holds: int


class Blocks:
    """The blocks of one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self.days = db, days_of(db)

    def put(self, tag: int, level: int, start: int, rows: Columns, holds: int = 0) -> None:
        """Add a block of ordered rows of a month or day that begins at `start`.

        holds: up to which seal, or day by its id, it holds what lies in its span.
        """
        told = summary(rows, self.days)
        month = self.days.month(start) if level == DAY and is_slow(told.step) else None
        due = month[1] + GRACE_US if month else None
        span = (_GOING, _STAYING - 1, "days") if due is not None else (_STAYING, 1 << 62, "")
        self._insert(self._next("block", *span), tag, level, start, due, holds, told, rows)

    def put_thin(
        self, at: Place, grain: int, seen: int, told: Summary, bytes_: bytes, block: int | None = None
    ) -> None:
        """Add a thinned block, in the place of one that was taken out or a new one: what its rows came to, its body."""
        block = self._next("block", _STAYING, 1 << 62, "") if block is None else block
        self._db.execute(_PUT, (block, at.tag, at.level, at.start, None, at.holds, seen, *told))
        self._db.execute("UPDATE block SET grain = ? WHERE id = ?", (grain, block))
        self._put_body(block, bytes_)

    def put_part(self, seal: int, tag: int, start: int, rows: Columns) -> None:
        """Add ordered rows of a day that begins at `start` to a seal."""
        self._insert(seal * TAGS + tag, tag, PART, start, None, 0, summary(rows, self.days), rows)

    def new_seal(self) -> int:
        """A number that no seal has had."""
        return self._next("seal", 0, _GOING // TAGS, "seals")

    def put_seal(self, seal: int, start: int, first_at: int, last_at: int) -> None:
        """Tell of a seal: its day, and the first and last moment in its parts."""
        self._db.execute("INSERT INTO seal VALUES (?, ?, ?, ?)", (seal, start, first_at, last_at))

    def any(self, tag: int, level: int, start: int, end: int) -> bool:
        """Whether a span has a block of a level or of a shorter one."""
        merged = "SELECT 1 FROM block WHERE tag = ?1 AND level < 3 AND level >= ?2 AND start >= ?3 AND start < ?4"
        parts = f"""
            SELECT 1 FROM seal JOIN block ON block.id = seal.id * {TAGS} + ?1
            WHERE seal.start >= ?3 AND seal.start < ?4"""
        found = self._db.execute(f"{merged} UNION ALL {parts} LIMIT 1", (tag, level, start, end))
        return found.fetchone() is not None

    def erase(self, blocks: Sequence[int]) -> None:
        """Take merged blocks out."""
        self._db.executemany("DELETE FROM block WHERE id = ?", [(block,) for block in blocks])
        self._db.executemany("DELETE FROM body WHERE id >= ? AND id < ?", [_pieces(block) for block in blocks])
        self._used("days", max((block for block in blocks if block < _STAYING), default=0))

    def erase_seal(self, seal: int) -> int:
        """Take a seal out; answers how many parts it had."""
        first, after = seal * TAGS, (seal + 1) * TAGS
        count = self._db.execute("DELETE FROM block WHERE id >= ? AND id < ?", (first, after)).rowcount
        self._db.execute("DELETE FROM body WHERE id >= ? AND id < ?", (first * _PIECES, after * _PIECES))
        self._db.execute("DELETE FROM seal WHERE id = ?", (seal,))
        self._used("seals", seal)
        return count

    def _insert(
        self, block: int, tag: int, level: int, start: int, due: int | None, holds: int, told: Summary, rows: Columns
    ) -> None:
        self._db.execute(_PUT, (block, tag, level, start, due, holds, max(rows.seen), *told))
        self._put_body(block, encode(rows))

    def _put_body(self, block: int, bytes_: bytes) -> None:
        bytes_ = stamped(block, bytes_)
        size = max(PIECE, -(-len(bytes_) // _PIECES))  # larger ones, or a body of 8 MB runs into the next block's
        first, cuts = block * _PIECES, range(0, len(bytes_), size)
        pieces = [(first + number, bytes_[cut : cut + size]) for number, cut in enumerate(cuts)]
        self._db.executemany("INSERT INTO body VALUES (?, ?)", pieces)

    def _next(self, table: str, first: int, last: int, mark: str) -> int:
        """The next id of a range; one that was used is never given again where a mark remembers it."""
        return int(self._db.execute(_NEXT.format(table), (first, last, mark)).fetchone()[0])

    def _used(self, mark: str, number: int) -> None:
        self._db.execute("UPDATE mark SET value = MAX(value, ?) WHERE name = ?", (number, mark))


class Parts:
    """The seals that one step makes, one for each day; `close` them at the end."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._seals: dict[int, tuple[int, int, int]] = {}  # by day: number, first and last moment

    def put(self, start: int, tag: int, rows: Columns) -> None:
        """Add the ordered rows of a tag in the day that begins at `start`; tags come in order."""
        if start not in self._seals:
            number = max((seal for seal, _, _ in self._seals.values()), default=self._blocks.new_seal() - 1) + 1
            self._seals[start] = number, rows.at[0], rows.at[-1]
        seal, first, last = self._seals[start]
        self._blocks.put_part(seal, tag, start, rows)
        self._seals[start] = seal, min(first, rows.at[0]), max(last, rows.at[-1])

    def close(self) -> None:
        """Tell of the seals."""
        for start, (seal, first, last) in self._seals.items():
            self._blocks.put_seal(seal, start, first, last)


def body(db: sqlite3.Connection, block: int, start: int = -FOREVER, end: int = FOREVER) -> Columns:
    """The rows of a block from moment to moment, both included, superseded ones too; of a thinned one what remains.

    Of a block that does not decode only a hole.
    """
    try:
        return decode(packed(db, block), start, end)
    except zlib.error:
        return hole(db, block).between(start, end)


def slots_of(db: sqlite3.Connection, block: int) -> list[Slot]:
    """What the thinned rows of a block came to, by time; none where it holds every row, or does not decode."""
    try:
        return decode_slots(packed(db, block))
    except zlib.error:
        return []


def packed(db: sqlite3.Connection, block: int) -> bytes:
    """What lies in a block; raises zlib.error for pieces of another one."""
    found = db.execute("SELECT bytes FROM body WHERE id >= ? AND id < ? ORDER BY id", _pieces(block))
    return unstamped(block, b"".join([piece for (piece,) in found]))


def _pieces(block: int) -> tuple[int, int]:
    return block * _PIECES, (block + 1) * _PIECES
