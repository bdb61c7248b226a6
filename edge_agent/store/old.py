"""The readings of plant.db versions 1 and 2, which lie in the table `sample` until the next writer upgrades it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

from drivers.reading import Quality
from edge_agent.store.codec.columns import Columns, Sample
from edge_agent.store.sealed.span import DAY_US, Days

LAST = 2  # the newest version with the table
_COLUMNS = "at, seen, value, quality, reason"
_NEWEST = f"""
SELECT tag.id, {_COLUMNS} FROM tag JOIN sample ON sample.rowid = (
  SELECT rowid FROM sample WHERE tag = tag.id ORDER BY at DESC, rowid DESC LIMIT 1)"""


class OldRows:
    """The table of one connection, as if all of it were not sealed yet."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def rows(self, tag: int) -> Columns:
        """Of one tag by moment."""
        return _columns(self._db.execute(f"SELECT {_COLUMNS} FROM sample WHERE tag = ? ORDER BY at, rowid", (tag,)))

    def newest(self) -> Mapping[int, Sample]:
        """The newest row of each tag."""
        found = self._db.execute(_NEWEST)
        return {tag: Sample(at, seen, value, Quality(quality), why) for tag, at, seen, value, quality, why in found}

    def oldest(self) -> int | None:
        """The first moment of all."""
        found: int | None = self._db.execute("SELECT MIN(at) FROM sample").fetchone()[0]
        return found

    def seen(self) -> int:
        """The newest time at which a row was got."""
        return int(self._db.execute("SELECT COALESCE(MAX(seen), 0) FROM sample").fetchone()[0])

    def days(self, tag: int, days: Days) -> Iterator[Columns]:
        """The rows of one tag by moment, day by day."""
        start = f"SELECT MIN(at) FROM sample WHERE tag = {tag} AND at >= ?"
        span = f"SELECT {_COLUMNS} FROM sample WHERE tag = {tag} AND at >= ? AND at < ? ORDER BY at, rowid"
        first: int | None = self._db.execute(start, (-(2**63),)).fetchone()[0]
        while first is not None:
            end = days.start(first) + DAY_US
            yield _columns(self._db.execute(span, (first, end)))
            first = self._db.execute(start, (end,)).fetchone()[0]


def _columns(found: sqlite3.Cursor) -> Columns:
    rows = found.fetchall()
    return Columns(*map(list, zip(*rows, strict=True))) if rows else Columns()
