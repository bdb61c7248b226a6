"""What a reading makes the store write over its whole life: commits, log, checkpoints, sealing and merging.

The hours are simulated: the store knows no other time than that at which a reading was got.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_agent.batch import Batch
from edge_agent.bench.ingest import ROWS, Plant
from edge_agent.bench.process import written
from edge_agent.store.sealed.span import DAY_US
from edge_agent.store.store import Store

HOURS = 6.0  # of 200 tags at 1 Hz
COMMIT_S = 5
START = 1_788_174_000_000_000  # 11:00 UTC, 19:00 in Shanghai: the day of either ends within the hours
TURNS_AN_HOUR = 3600 // COMMIT_S


@dataclass(frozen=True, slots=True)
class Life:
    """By a reading, from its commit to its place in a merged day."""

    written_bytes: float  # passed to write()
    writes: float  # calls of it, by 1000 readings
    disk_bytes: float  # of the file at the end
    samples: int


def measure(hours: float = HOURS) -> Life:
    """Commit every 5 s, tidy as the agent does, and at last go a day on so that every day is merged."""
    plant, commits = Plant(START), round(hours * TURNS_AN_HOUR)
    with TemporaryDirectory() as folder:
        before = written()
        with Store(Path(folder)) as store:
            for _ in range(commits):
                _commit(store, plant.batch())
            _commit(store, _later(plant.batch(), 2 * DAY_US))
            while store.tidy():
                pass
        after = written()
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    count = (commits + 1) * ROWS
    return Life((after[0] - before[0]) / count, (after[1] - before[1]) / count * 1000, size / count, count)


def _commit(store: Store, batch: Batch) -> None:
    with store.transaction():
        store.write([batch])
    for _ in range(COMMIT_S):  # the agent does a step a second
        store.tidy()


def _later(batch: Batch, by: int) -> Batch:
    times = [at + by for at in batch.at]
    return Batch(batch.tags, times, times, batch.values, batch.qualities, batch.reasons)
