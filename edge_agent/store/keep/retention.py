"""Keeping the data folder within its bytes: what goes when budget or reserve is reached, and when nothing can.

SQLite writes what is thinned into free pages and so never lets the file grow for it; pages are given back
to the disk only where the file itself is above the budget, or the reserve is reached.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_agent.store.keep.budget import Budget, Usage, usage
from edge_agent.store.keep.thin import Thinner
from edge_agent.store.rescue.opening import say_gone
from edge_agent.store.rescue.quarantine import drop

LOG_SHARE, LEAST_LOG, MOST_LOG = 32, 1 << 16, 1 << 22  # the write-ahead log: a share of the budget, and bytes
GIVEN_PAGES = 500  # given back in one step: 2 MB
SLACK = 1.05  # of the budget: the file is not cut for less
BEYOND = 1.1  # of the budget: until there the recording goes on where nothing more can go
STUCK_LOGS = 8  # a log of so many times its size is kept from shrinking by somebody who reads without an end


@dataclass(frozen=True, slots=True)
class Keep:
    """What a site's plant.yaml says of the room for its data, and the clock its days follow."""

    budget: Budget
    zone: ZoneInfo


class Retention:
    """One writer's database between its limits."""

    def __init__(self, db: sqlite3.Connection, data: Path, keep: Keep) -> None:
        self._db, self._data, self._budget = db, data, keep.budget
        self._thinner = Thinner(db, keep.zone)
        self._log = min(max(keep.budget.total // LOG_SHARE, LEAST_LOG), MOST_LOG)
        self.strain: str | None = None  # the limit that is reached while nothing more can go: reserve, budget, log
        page = int(db.execute("PRAGMA page_size").fetchone()[0])
        db.execute(f"PRAGMA wal_autocheckpoint = {self._log // page}")
        db.execute(f"PRAGMA journal_size_limit = {self._log}")

    def forget(self) -> None:
        """Begin anew, after a transaction that failed."""
        self._thinner.forget()

    def due(self) -> str | None:
        """Why something must go now: `reserve` or `budget`; None where there is room."""
        why = self._usage().pressure(self._budget)
        if why and self._is_stuck():
            self.strain = "log"  # thinning would only make it longer
            return None
        self.strain = self.strain if why and self.strain != "log" else None
        return why

    def step(self, why: str) -> bool:
        """Let go of a little, inside a transaction; whether there was anything left that may go.

        First damaged files that were salvaged, then the rows of readings; at the reserve at last what nobody salvaged.
        """
        if drop(self._data) or self._thinner.step(why):
            return True
        gone = drop(self._data, unsalvaged=True) if why == "reserve" else None
        if gone:
            say_gone(self._db, self._data, gone, time.time_ns() // 1000)
            return True
        self.strain = why
        return False

    def give_back(self) -> bool:
        """Cut free pages off a file that is too large; whether there were any to cut."""
        found = self._usage()
        tight = found.disk < self._budget.reserve or found.size > self._budget.total * SLACK
        if not found.room or not tight:
            return False
        self._db.execute(f"PRAGMA incremental_vacuum({GIVEN_PAGES})").fetchall()
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        return self._usage().room < found.room

    @property
    def refuses(self) -> bool:
        """Whether recording must wait: nothing can go, and more would be taken than may be."""
        if self.strain is None:
            return False
        found = self._usage()
        return found.used > self._budget.total * BEYOND or found.disk < self._budget.reserve // 2

    def _is_stuck(self) -> bool:
        """Whether the log is long and somebody still reads what is in it; otherwise it is short after this."""
        if self._usage().log <= self._log * STUCK_LOGS:
            return False
        (patience,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        self._db.execute("PRAGMA busy_timeout = 0")  # who reads for so long is not waited for
        (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._db.execute(f"PRAGMA busy_timeout = {patience}")
        return bool(busy)

    def _usage(self) -> Usage:
        return usage(self._data, self._db)
