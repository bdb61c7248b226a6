"""A sync that fails says nothing about what is on the disk: only what a later one has confirmed counts.

After it the kernel takes the pages for written, so that a second sync of the same pages proves nothing.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.exit import Stop
from edge_agent.store.store import Store
from tests.store import workload
from tests.store.plain import Plain, stored
from tests.store.powercut import Journal, recorded

CUTS = 40
COMMITS, TURN = 30, 6
EVERY = 4  # so many syncs, and then one fails
PROGRAM = """
import sys
from pathlib import Path
from tests.faults.test_fsync import run_on
run_on(Path(sys.argv[1]))
"""


def run_on(data: Path) -> None:
    """Commit, again after every refusal, and say what is safe."""
    with _opened(data) as store:
        for number in range(COMMITS):
            while not _committed(store, number):
                workload.say("refused")
            workload.say(f"commit {number}")
            for _ in range(3 if number % TURN == TURN - 1 else 0):
                with suppress(sqlite3.OperationalError):
                    store.tidy()


def test_what_was_acknowledged_after_syncs_that_failed_survives_a_power_cut(tmp_path: Path) -> None:
    data = tmp_path / "run"
    data.mkdir()
    Store(data).close()
    line = [sys.executable, "-c", PROGRAM, str(data)]
    journal = recorded(line, data, {"POWERCUT_FAILING": str(EVERY)})
    assert journal.acknowledged(len(journal)).count("refused") > 3
    cuts = sorted(Random(7).sample(range(len(journal) + 1), CUTS))
    found = {
        at: trouble for seed, at in enumerate(cuts) if (trouble := _wrong(journal, at, seed, tmp_path / str(seed)))
    }
    assert found == {}


def _opened(data: Path) -> Store:
    while True:
        with suppress(Stop):
            return Store(data)


def _committed(store: Store, number: int) -> bool:
    batch = Batch()
    for row in workload.commit(number):
        batch.add(row.tag, row.at, row.seen, row.value, Quality(row.quality), row.reason)
    try:
        with store.transaction():
            store.write([batch])
    except sqlite3.OperationalError:
        return False
    return True


def _wrong(journal: Journal, at: int, seed: int, folder: Path) -> str:
    """What is lost or double after a cut: the commit that was on its way may be there, but once."""
    folder.mkdir()
    journal.after_cut(at, seed, folder)
    done = sum(line.startswith("commit") for line in journal.acknowledged(at))
    Store(folder).close()
    there = stored(folder)
    shutil.rmtree(folder)
    for count in (done, done + 1):
        plain = Plain([row for number in range(min(count, COMMITS)) for row in workload.commit(number)])
        if there == plain.by_moment():
            return ""
    return f"{len(there)} moments after {done} commits"
