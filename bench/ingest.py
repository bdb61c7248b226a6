"""CPU of the store's write path as a ratio to bare `executemany` on the same table in the same run.

    .venv/bin/python bench/ingest.py [BATCHES]

1.00 would be the limit. Both sides commit with synchronous=FULL, a batch a transaction.
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

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.store import Store

ROWS, TAGS, ROUNDS = 1000, 200, 7


def batches(count: int) -> list[Batch]:
    """Batches as the polls make them: 200 tags in turn."""
    found = []
    for number in range(count):
        batch = Batch()
        for row in range(ROWS):
            at = (number * ROWS + row) * 1000
            batch.add(f"m{row % TAGS}.power", at, at, float(row), Quality.GOOD, None)
        found.append(batch)
    return found


def cpu_of(work: Callable[[], None]) -> float:
    """Seconds of CPU."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def through_the_store(folder: Path, work: list[Batch]) -> float:
    with Store(folder) as store:

        def write() -> None:
            for batch in work:
                with store.transaction():
                    store.write([batch])

        return cpu_of(write)


def bare(folder: Path, work: list[Batch]) -> float:
    Store(folder).close()  # the same schema
    with closing(sqlite3.connect(folder / "plant.db", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.executemany("INSERT INTO tag (id, name) VALUES (?, ?)", [(i + 1, f"m{i}.power") for i in range(TAGS)])
        rows = [
            [
                (int(t[1:].split(".")[0]) + 1, at, at, v, 0, None)
                for t, at, v in zip(b.tags, b.at, b.values, strict=True)
            ]
            for b in work
        ]

        def write() -> None:
            for batch in rows:
                db.execute("BEGIN IMMEDIATE")
                db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", batch)
                db.execute("COMMIT")

        return cpu_of(write)


def main() -> None:
    work = batches(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
    ratios = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            ratios.append(bare(Path(one), work) / through_the_store(Path(two), work))
    print(f"store / bare executemany, CPU: {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})")


if __name__ == "__main__":
    main()
