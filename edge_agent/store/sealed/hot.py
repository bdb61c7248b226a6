"""The open time as a reader knows it: the commits that are not sealed yet.

A commit never changes, so it is decoded once and kept from question to question.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Protocol

from drivers.reading import Quality
from edge_agent.store.codec.columns import Columns, Sample
from edge_agent.store.codec.commit import Commit
from edge_agent.store.rescue.aside import readable

FILES = 4  # databases that one process reads in turn
_MARKS = "SELECT name, value FROM mark UNION ALL SELECT 'last', COALESCE(MAX(id), 0) FROM hot"


class Open(Protocol):
    """The rows that lie in no block."""

    def rows(self, tag: int) -> Columns:
        """Of one tag by moment; not to be changed."""

    def newest(self) -> Mapping[int, Sample]:
        """The newest row of each tag, sealed ones too."""

    def oldest(self) -> int | None:
        """The first moment of all."""


class Hot:
    """The commits of one plant.db; `lock` is held from `refresh` to the last answer."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._opening, self._upto = -1, 0  # no writer draws that number
        self._ids: list[int] = []
        self._commits: list[Commit] = []
        self._newest: dict[int, Sample] = {}
        self._rows: dict[int, tuple[int, Columns]] = {}  # by tag: up to which commit, its rows as written

    def refresh(self, db: sqlite3.Connection) -> None:
        """Catch up with what a connection sees."""
        marks: dict[str, int] = dict(db.execute(_MARKS))
        opening, sealed = marks["opening"], marks["sealed"]
        last = max(sealed, marks["last"])
        if opening != self._opening or not sealed <= self._upto <= last:
            self._drop(self._upto)
            self._opening, self._upto = opening, sealed
            newest = db.execute("SELECT tag, at, seen, value, quality, reason FROM present")
            self._newest = {tag: Sample(at, seen, v, Quality(q), why) for tag, at, seen, v, q, why in newest}
        self._drop(sealed)
        later = readable(db.execute("SELECT id, body FROM hot WHERE id > ? ORDER BY id", (self._upto,)).fetchall())
        if later:
            self._add([number for number, _ in later], [commit for _, commit in later])

    def rows(self, tag: int) -> Columns:
        """Of one tag by moment; not to be changed."""
        upto, rows = self._rows.get(tag, (0, Columns()))
        later = self._commits[bisect_right(self._ids, upto) :]
        if later:
            known, rows = rows, Columns()
            rows.extend(known)
            for commit in later:
                rows.extend(commit.rows(tag))
            self._rows[tag] = self._upto, rows
        return rows.ordered()

    def newest(self) -> Mapping[int, Sample]:
        """The newest row of each tag, sealed ones too."""
        return self._newest

    def oldest(self) -> int | None:
        """The first moment of all that are not sealed."""
        return min((commit.first_at for commit in self._commits), default=None)

    def _drop(self, sealed: int) -> None:
        place = bisect_right(self._ids, sealed)
        if place:
            del self._ids[:place], self._commits[:place]
            self._rows.clear()

    def _add(self, ids: list[int], commits: list[Commit]) -> None:
        self._ids += ids
        self._commits += commits
        self._upto = ids[-1]
        found: dict[int, Sample] = {}
        for commit in reversed(commits):  # so that few rows are looked at which later ones supersede
            for tag, at, row in commit.newest():
                if tag not in found or at > found[tag].at:
                    found[tag] = commit.sample(row)
        for tag, sample in found.items():
            if tag not in self._newest or sample.at >= self._newest[tag].at:
                self._newest[tag] = sample


@lru_cache(FILES)
def shared(path: Path) -> Hot:
    """The one of a file for all readers of this process."""
    return Hot()
