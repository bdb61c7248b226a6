"""The table of sealed blocks as its writer uses it: put, merge with others of the time, take out.

Merging leaves the merged blocks where they are and notes in the new one up to which id it holds them: they
are `held`, nobody reads them, and they are taken out all at once, which frees whole pages of the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from edge_agent.store.block import decode, encode
from edge_agent.store.columns import FOREVER, Columns, joined
from edge_agent.store.span import DAY, DAY_US, GRACE_US, MONTH, PART, is_slow, median_step, month_of
from edge_agent.store.summary import Summary, summary

MERGED_ROWS = 200_000  # the most in one block; parts of a day that has more stay parts
PIECE = 500  # bytes: eight fill a page of SQLite, where whole bodies would leave a third of many pages empty
HEADER = f"first_at, last_at, seen, {', '.join(Summary._fields)}"
_PIECES = 1 << 20  # more than any body has
_STAYING = 1 << 40  # ids from here on: blocks that come and go shall tear no holes among those that stay
_PLACES = ", ".join("?" * (len(Summary._fields) + 10))
_PUT = f"INSERT INTO block (id, tag, level, start, due, holds, step, {HEADER}) VALUES ({_PLACES})"
_ID = """
SELECT MAX(COALESCE((SELECT MAX(id) FROM block WHERE id < ?), 0), (SELECT value FROM mark WHERE name = 'erased')) + 1"""
_STAYING_ID = "SELECT COALESCE(MAX(id), ?1) + 1 FROM block WHERE id >= ?1"


class Blocks:
    """The blocks of one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, tag: int, level: int, start: int, rows: Columns, holds: int = 0) -> None:
        """Add a block of ordered rows; `start` is that of its month or day.

        holds: up to which id it holds the blocks of the next shorter spans.
        """
        step = median_step(rows)
        due = _due(level, start, step)
        block = int(self._db.execute(_STAYING_ID if due is None else _ID, (_STAYING,)).fetchone()[0])
        header = (rows.at[0], rows.at[-1], max(rows.seen), *summary(rows))
        self._db.execute(_PUT, (block, tag, level, start, due, holds, step, *header))
        body, first = encode(rows), block * _PIECES
        cuts = range(0, len(body), PIECE)
        pieces = [(first + number, body[cut : cut + PIECE]) for number, cut in enumerate(cuts)]
        self._db.executemany("INSERT INTO body VALUES (?, ?)", pieces)

    def any(self, tag: int, level: int, start: int, end: int) -> bool:
        """Whether a span has a block of a level or of a shorter one."""
        statement = "SELECT 1 FROM block WHERE tag = ? AND level >= ? AND start >= ? AND start < ? LIMIT 1"
        return self._db.execute(statement, (tag, level, start, end)).fetchone() is not None

    def merge(self, tag: int, level: int, start: int) -> int:
        """Put the parts of a day (level PART) or the days of a month (DAY) that nobody holds into one block.

        Answers how many rows were put; blocks that had better not be merged are left alone for good.
        """
        into = level - 1
        month = month_of(start) if into == MONTH else None
        first, end = month or (start, start + DAY_US)
        statement = """SELECT id, level, n, step, holds FROM block
            WHERE tag = ? AND level IN (?, ?) AND start >= ? AND start < ? ORDER BY level, id"""
        found = self._db.execute(statement, (tag, into, level, first, end)).fetchall()
        holds = max((held for _, kind, _, _, held in found if kind == into), default=0)
        old = [(block, n) for block, kind, n, _, _ in found if kind == into]
        new = [(block, n) for block, kind, n, _, _ in found if kind == level and not block <= holds]
        fast = into == MONTH and any(kind == level and not is_slow(step) for _, kind, _, step, _ in found)
        if fast or sum(n for _, n in old + new) > MERGED_ROWS:
            self._db.executemany("UPDATE block SET due = NULL WHERE id = ?", [(block,) for block, _ in new])
            return 0
        if not new:
            return 0
        rows = joined([body(self._db, block) for block, _ in old + new]).ordered()
        self.erase([block for block, _ in old])
        self.put(tag, into, first, rows, max(holds, *(block for block, _ in new)))
        return len(rows)

    def erase(self, blocks: Sequence[int]) -> None:
        """Take blocks out of the table; the ids of those that come and go are never used again."""
        self._db.executemany("DELETE FROM block WHERE id = ?", [(block,) for block in blocks])
        self._db.executemany("DELETE FROM body WHERE id >= ? AND id < ?", [_pieces(block) for block in blocks])
        last = max((block for block in blocks if block < _STAYING), default=0)
        self._db.execute("UPDATE mark SET value = MAX(value, ?) WHERE name = 'erased'", (last,))


def body(db: sqlite3.Connection, block: int, start: int = -FOREVER, end: int = FOREVER) -> Columns:
    """The rows of a block from moment to moment, both included, superseded ones too."""
    found = db.execute("SELECT bytes FROM body WHERE id >= ? AND id < ? ORDER BY id", _pieces(block))
    return decode(b"".join([piece for (piece,) in found]), start, end)


def _pieces(block: int) -> tuple[int, int]:
    return block * _PIECES, (block + 1) * _PIECES


def _due(level: int, start: int, step: int | None) -> int | None:
    """From when a block may be merged into the next level: once that is over."""
    if level == PART:
        return start + DAY_US + GRACE_US
    month = month_of(start) if level == DAY and is_slow(step) else None
    return month[1] + GRACE_US if month else None
