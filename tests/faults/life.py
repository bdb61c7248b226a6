"""The whole life of a plant.db in small: upgrade, commits, requests, sealing and merging, each step known beforehand.

A step that the disk refuses is tried again once the disk is mended, as the agent does.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.exit import Stop
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Person
from edge_agent.requests import drain
from edge_agent.store.reader import Reader
from edge_agent.store.sealed import hot, merge, seal
from edge_agent.store.store import PLANT_DB, Store
from tests.faults.broken import BrokenDisk
from tests.plants import BARE, plant
from tests.store.plain import Plain, Row, old_database, stored

S = 1_000_000
HOUR = 3600 * S
START = 1_788_048_000 * S  # 2026-08-30 UTC: a month ends on the second day
COMMITS, TURN = 16, 4  # between two rounds of sealing
OLD = [Row("m.e", START - n * HOUR, START - n * HOUR, 500.0 - n, 0, None) for n in range(100)]
REFUSALS = (sqlite3.Error, OSError, Stop)


class Life:
    """One data folder from its old database to its last commit."""

    def __init__(self, folder: Path, disk: BrokenDisk) -> None:
        self._site, self._disk = plant(folder, BARE), disk
        self._site.data.mkdir()
        old_database(self._site.data / PLANT_DB, 2, OLD)
        self._store: Store | None = None
        self._plain = Plain([*OLD])
        self.begun: list[tuple[str, dict[str, int]]] = []  # the steps, and what the disk had counted before each
        self.refused: list[str] = []  # the steps that the disk has refused

    def run(self) -> None:
        """Take every step, one that is refused again."""
        with patch.multiple(seal, STEP_ROWS=150), patch.multiple(merge, STEP_ROWS=1, STEP_BLOCKS=3):
            for name, step in self._steps():
                self.begun.append((name, self._disk.counts()))
                try:
                    step()
                except REFUSALS:
                    self.refused.append(name)
                    if not self._disk.unreadable:
                        self._look()
                    self._disk.mend()
                    step()
        self._disk.mend()

    def check(self) -> None:
        """Everything is there, once, for a reader that knows the file and for one that does not."""
        for _ in range(2):
            found, expected = stored(self._site.data), self._plain.by_moment()
            assert _bare(found) == _bare(expected), f"{len(found)} of {len(expected)} moments"
            hot.shared.cache_clear()
        assert self._store is not None
        self._store.close()

    def _steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "open", self._open
        for number in range(COMMITS):
            rows = _rows(number)
            yield "commit", partial(self._commit, rows)
            self._plain.rows += rows
            if number % TURN == TURN - 2:
                yield from self._requests(number)
            if number % TURN == TURN - 1:
                yield "tidy", self._tidy

    def _requests(self, number: int) -> Iterator[tuple[str, Callable[[], object]]]:
        past = [Row("m.g", START - n * HOUR, number, float(number), 0, None) for n in range(number, number + 30)]
        request = Request("past", [[r.tag, r.at, r.value, r.quality, r.reason] for r in past], Person("a", "b"), number)
        yield "ask", partial(Inbox(self._site.data).put, [request])
        yield "serve", self._serve
        self._plain.past(past)

    def _open(self) -> None:
        self._store = Store(self._site.data)
        self._store._db.execute("PRAGMA cache_size = 5")  # so that it reads its file again and again

    def _commit(self, rows: list[Row]) -> None:
        batch = Batch()
        for row in rows:
            batch.add(row.tag, row.at, row.seen, row.value, Quality(row.quality), row.reason)
        assert self._store is not None
        with self._store.transaction():
            self._store.write([batch])

    def _serve(self) -> None:
        assert self._store is not None
        drain(self._store, self._site, Inbox(self._site.data))

    def _tidy(self) -> None:
        while self._store is not None and self._store.tidy():
            pass

    def _look(self) -> None:
        """What readers do while the disk is in trouble."""
        reader = Reader(self._site.data)
        hot.shared.cache_clear()
        assert reader.last()["m.e"].at >= START
        assert {row[0] for row in stored(self._site.data)} <= {"m.e", "m.p", "m.g"}


def lived(folder: Path, disk: BrokenDisk, begin: Callable[[], None] = lambda: None) -> Life:
    """A life, lived on a disk that gets into trouble by `begin`, and found to be whole."""
    disk.mend()
    if folder.exists():
        shutil.rmtree(folder)
    life = Life(folder, disk)
    hot.shared.cache_clear()
    begin()
    life.run()
    life.check()
    return life


def _rows(number: int) -> list[Row]:
    """Four hours of a slow and a quick tag, one late row, one that supersedes."""
    now = START + number * 4 * HOUR
    rows = [Row("m.e", now + n * 1800 * S, now + n * 1800 * S, 500.0 + number + n / 10, 0, None) for n in range(8)]
    rows += [Row("m.p", now + n * 40 * S, now + n * 40 * S + 7, (n * 7919 % 1000) / 10, 0, None) for n in range(60)]
    late = Row("m.e", now - 30 * HOUR, now, 500.05 + number, 0, None)
    return [*rows, late, Row("m.p", now - HOUR, now, None, 3, "timeout")]


def _bare(rows: dict[tuple[str, int], list[Row]]) -> dict[tuple[str, int], list[tuple[object, ...]]]:
    """Without the time at which a request was carried out."""
    return {key: [row if row.tag != "m.g" else (row.tag, row.at, row.value) for row in rows[key]] for key in rows}
