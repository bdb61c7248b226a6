"""The store's write path against bare `executemany` of the same rows into a plain table, in the same run.

    .venv/bin/python bench/ingest.py [BATCHES]

CPU as a ratio (above 1.00 the store is cheaper) and bytes handed to the disk per reading. Both sides commit
with synchronous=FULL, a batch a transaction; 1000 readings a batch are 200 tags at 1 Hz committed every 5 s.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.store import Store

ROWS, TAGS, ROUNDS = 1000, 200, 7
START = 1_788_134_400_000_000


class Cost(NamedTuple):
    """CPU seconds and bytes passed to write()."""

    seconds: float
    written: int


PLAIN = """
CREATE TABLE sample (tag INTEGER NOT NULL, at INTEGER NOT NULL, seen INTEGER NOT NULL, value REAL,
  quality INTEGER NOT NULL, reason TEXT) STRICT"""


def batches(count: int) -> list[Batch]:
    """Batches as the polls make them: 200 tags in turn, a second for each turn."""
    found = []
    draw = Random(1)
    values = [draw.uniform(0, 400) for _ in range(TAGS)]
    for number in range(count):
        batch = Batch()
        for row in range(ROWS):
            turn, tag = divmod(number * ROWS + row, TAGS)
            values[tag] += draw.choice((-0.1, 0.0, 0.0, 0.1))
            at = START + turn * 1_000_000 + tag // 10 * 50_000 + draw.randrange(3_000)
            batch.add(f"m{tag // 10}.item{tag % 10}", at, at, round(values[tag], 1), Quality.GOOD, None)
        found.append(batch)
    return found


def cost_of(work: Callable[[], None]) -> Cost:
    """What a piece of work costs this process."""
    begun, written = time.process_time(), _written()
    work()
    return Cost(time.process_time() - begun, _written() - written)


def through_the_store(folder: Path, work: list[Batch]) -> Cost:
    """Driver columns to committed rows, the whole life of a reading."""
    with Store(folder) as store:

        def write() -> None:
            for batch in work:
                with store.transaction():
                    store.write([batch])
                store.tidy()

        return cost_of(write)


def bare(folder: Path, work: list[Batch]) -> Cost:
    """Rows that are ready into a plain table without an index."""
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as db:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = OFF"):
            db.execute(f"PRAGMA {pragma}")
        db.execute(PLAIN)
        ids = {tag: number for number, tag in enumerate(work[0].tags[:TAGS])}
        rows = [
            list(zip(map(ids.__getitem__, b.tags), b.at, b.seen, b.values, b.qualities, b.reasons, strict=True))
            for b in work
        ]

        def write() -> None:
            for batch in rows:
                db.execute("BEGIN IMMEDIATE")
                db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", batch)
                db.execute("COMMIT")

        return cost_of(write)


def main() -> None:
    work = batches(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
    ratios = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            plain, stored = bare(Path(one), work), through_the_store(Path(two), work)
            ratios.append(plain.seconds / stored.seconds)
    print(f"bare executemany / store, CPU: {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})")
    readings = len(work) * ROWS
    each = stored.seconds / readings * 1e6
    print(f"store: {each:.2f} us a reading, {stored.written / readings:.1f} bytes written a reading")
    print(f"rows: {plain.seconds / readings * 1e6:.2f} us, {plain.written / readings:.1f} bytes, never sealed")


def _written() -> int:
    """Bytes that this process passed to write() so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


if __name__ == "__main__":
    main()
