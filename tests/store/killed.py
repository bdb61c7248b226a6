"""A writer like the agent that is killed at any moment, while it commits, seals or merges, and what a reader must find.

It speaks to the store by Store and Reader alone, so it holds for whatever lies below them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from unittest.mock import patch

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.lock import writing
from edge_agent.store.reader import FOREVER, Reader
from edge_agent.store.sealed import merge, seal
from edge_agent.store.store import Store

TAGS = [f"m{n}.power" for n in range(20)]
MINUTE = 60 * 10**6  # microseconds
# Between two batches: an hour of the plant passes in 60 commits, a day in 72, or a month in 15.
STEPS = (MINUTE, 20 * MINUTE, 2880 * MINUTE)
STEPS_OF_TIDYING = 20  # after each commit, small ones
LONGEST_S = 0.2  # a writer lives no longer, so that many are killed while they open the store

_forks = get_context("forkserver")  # a child in milliseconds, without the threads of the test run
_forks.set_forkserver_preload([__name__])


@dataclass(slots=True)
class Site:
    """One data folder over many kills; `told` is the newest batch that anybody knows to be stored."""

    data: Path
    step: int = MINUTE
    told: int = -1
    checked: int = -1

    def kill_a_writer(self, draw: Random) -> None:
        """Let a writer go on from where the store stands, watch it as a reader, kill it at a random moment."""
        here, there = _forks.Pipe(duplex=False)
        writer = _forks.Process(target=_write, args=(self.data, self.step, self.stored() + 1, there))
        writer.start()
        there.close()
        until = time.monotonic() + draw.uniform(0, LONGEST_S)
        while time.monotonic() < until:
            self.told = max(self.told, self.stored())
        writer.kill()
        self.told = max([self.told, *said(here)])
        writer.join()
        assert writer.exitcode == -9, "the writer fell before it was killed"

    def stored(self) -> int:
        """The newest batch that a reader sees, -1 for none; all tags agree, for a batch is whole."""
        newest = {sample.at // self.step for sample in Reader(self.data).last().values()}
        assert len(newest) <= 1, f"half a batch: {newest}"
        return max(newest, default=-1)

    def check(self) -> None:
        """What came since the last check is there: whole, once, in order, and all that was told of it."""
        last = self.stored()
        assert last >= self.told, "a batch is gone that was acknowledged or seen"
        self.check_from(self.checked + 1, last)
        self.checked = last

    def check_from(self, begin: int, last: int) -> None:
        """Every tag has these batches, each once, in order."""
        reader = Reader(self.data)
        ids = reader.ids()
        for number, tag in enumerate(TAGS if last >= begin else []):
            found = [(s.at // self.step, s.value) for s in reader.samples(ids[tag], begin * self.step, FOREVER)]
            assert found == [(batch, value(batch, number)) for batch in range(begin, last + 1)]


def value(batch: int, tag: int) -> float:
    """What the writer stores there, so that a reading in the wrong place shows."""
    return float(batch * len(TAGS) + tag)


def said(told: Connection) -> Iterator[int]:
    """What the writer told before it died; what it was just saying it has not said."""
    try:
        while True:
            yield told.recv()
    except (EOFError, OSError):
        told.close()


def _write(data: Path, step: int, begin: int, told: Connection) -> None:
    """The child: one commit after the other, each told when it is safe, and small steps of tidying after each."""
    batch = begin
    sealing, merging = patch.multiple(seal, STEP_ROWS=200), patch.multiple(merge, STEP_ROWS=1, STEP_BLOCKS=30)
    with sealing, merging, writing(data, "run"), Store(data) as store:
        while True:
            rows = Batch()
            for number, tag in enumerate(TAGS):
                rows.add(tag, batch * step, batch * step, value(batch, number), Quality.GOOD, None)
            with store.transaction():
                store.write([rows])
            told.send(batch)
            for _ in range(STEPS_OF_TIDYING):
                store.tidy()
            batch += 1
