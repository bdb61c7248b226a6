"""The store's write path beside bare `executemany` into a table without an index: CPU of a reading, turn about.

Both commit every batch with full synchronisation. The bare side has its rows ready; the store starts from the
columns that a poll fills, and seals and merges what it wrote.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.store import Store

ROWS, TAGS = 1000, 200  # of a batch: 5 s of 200 tags at 1 Hz
BATCHES, ROUNDS = 50, 7
START = 1_788_134_400_000_000
SECOND_US = 1_000_000
POLL_US, JITTER_US, ITEMS = 50_000, 3_000, 10  # the devices are asked one after the other, never quite in time

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = OFF")
# The least that a log of readings can hold, and all that the store keeps of one.
_LEAN = "CREATE TABLE sample (tag INTEGER, at INTEGER, value REAL, quality INTEGER)"
_FULL = "CREATE TABLE sample (tag INTEGER, at INTEGER, seen INTEGER, value REAL, quality INTEGER, reason TEXT)"


@dataclass(frozen=True, slots=True)
class IngestCost:
    """CPU of the bare rows / of the store, and microseconds of a reading; medians of rounds."""

    ratio: float  # to the lean rows
    full_ratio: float  # to rows that hold as much as the store does
    ours_us: float
    lean_us: float
    full_us: float


class Plant:
    """200 tags that wander by tenths, as batches of columns: each answers the next turns of all of them."""

    def __init__(self, start: int = START) -> None:
        self._draw, self._at = Random(1), start
        self._values = [self._draw.uniform(0, 400) for _ in range(TAGS)]

    def batch(self, rows: int = ROWS) -> Batch:
        """The next rows, tag after tag; a second passes after each turn of all."""
        batch = Batch()
        for row in range(rows):
            tag = row % TAGS
            self._values[tag] += self._draw.choice((-0.1, 0.0, 0.0, 0.1))
            at = self._at + tag // ITEMS * POLL_US + self._draw.randrange(JITTER_US)
            batch.add(f"m{tag // ITEMS}.v{tag % ITEMS}", at, at, round(self._values[tag], 1), Quality.GOOD, None)
            if tag == TAGS - 1:
                self._at += SECOND_US
        return batch


def measure(batches: int = BATCHES, rounds: int = ROUNDS) -> IngestCost:
    """Take turns in fresh files."""
    plant = Plant()
    work = [plant.batch() for _ in range(batches)]
    sides: list[Callable[[Path, list[Batch]], float]] = [_stored, partial(_bare, _LEAN, 4), partial(_bare, _FULL, 6)]
    spent: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds):
        for number in range(len(sides)):
            side = (number + turn) % len(sides)
            with TemporaryDirectory() as folder:
                spent[side].append(sides[side](Path(folder), work))
    ours, lean, full = spent
    each = [statistics.median(side) / (batches * ROWS) * 1e6 for side in spent]
    return IngestCost(_over(lean, ours), _over(full, ours), *each)


def _over(limit: list[float], ours: list[float]) -> float:
    """The median ratio; what stands side by side in a round met the same load."""
    return statistics.median(bare / stored for bare, stored in zip(limit, ours, strict=True))


def _stored(folder: Path, work: list[Batch]) -> float:
    """CPU seconds from columns to committed rows, with all the sealing that they bring."""
    with Store(folder) as store:
        begun = time.process_time()
        for batch in work:
            with store.transaction():
                store.write([batch])
            while store.tidy():
                pass
        return time.process_time() - begun


def _bare(table: str, columns: int, folder: Path, work: list[Batch]) -> float:
    """CPU seconds of rows that are ready."""
    with closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as db:
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        db.execute(table)
        insert = f"INSERT INTO sample VALUES ({', '.join('?' * columns)})"
        batches = [_rows(batch, columns) for batch in work]
        begun = time.process_time()
        for rows in batches:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, rows)
            db.execute("COMMIT")
        return time.process_time() - begun


def _rows(batch: Batch, columns: int) -> list[tuple[object, ...]]:
    ids = {tag: number for number, tag in enumerate(dict.fromkeys(batch.tags), 1)}
    tags = [ids[tag] for tag in batch.tags]
    if columns == 4:
        return list(zip(tags, batch.at, batch.values, batch.qualities, strict=True))
    return list(zip(tags, batch.at, batch.seen, batch.values, batch.qualities, batch.reasons, strict=True))
