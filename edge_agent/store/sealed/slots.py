"""Where the commits of the open time lie: slots of the table `hot`, which are overwritten once they are sealed.

A slot keeps its size, so a commit into one changes its own pages and nothing else: no list of free pages,
no size of the file. That is half of what a row that is inserted and deleted again makes SQLite write.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left

GRAIN = 256  # bytes; sizes are multiples, so that the next commit of the same polls fits
ROOM = 1.25  # a slot up to so much larger than needed is taken rather than a new one


class Slots:
    """The slots of one writer's connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._free: list[tuple[int, int]] = []  # size and slot
        self.load()

    def load(self) -> None:
        """Learn from the database which are free; also after a transaction that failed, or sealed some."""
        free = "SELECT LENGTH(body), slot FROM hot WHERE id <= (SELECT value FROM mark WHERE name = 'sealed')"
        self._free = sorted(self._db.execute(free).fetchall())

    def put(self, number: int, rows: int, seen: int, body: bytes) -> None:
        """Store a commit."""
        size = -(-len(body) // GRAIN) * GRAIN
        place = bisect_left(self._free, (size, 0))
        if place < len(self._free) and self._free[place][0] <= size * ROOM:
            size, slot = self._free.pop(place)
            change = "UPDATE hot SET id = ?, rows = ?, seen = ?, body = ? WHERE slot = ?"
            self._db.execute(change, (number, rows, seen, body.ljust(size, b"\0"), slot))
        else:
            add = "INSERT INTO hot (id, rows, seen, body) VALUES (?, ?, ?, ?)"
            self._db.execute(add, (number, rows, seen, body.ljust(size, b"\0")))
