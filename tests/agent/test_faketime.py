"""The real agent with a date that is set under its feet by libfaketime; its meters are simulated."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from glob import glob
from itertools import pairwise
from pathlib import Path

from drivers.sim.plant import Plant
from drivers.sim.world import World, last_minute, origin_of
from edge_agent.requests import wall_clock
from edge_agent.site import Site
from edge_agent.store.reader import FOREVER, Reader, Sample
from edge_agent.store.stamps.untimed import UntimedReader
from tests.agent.test_line import site_of
from tests.conftest import ROOT, missing
from tests.drivers.conftest import wires

US = 1_000_000
POLL_US = 2 * US
PATIENCE_S = 30.0
TAG = "hp1.power"
RIGHT = "+0"


class Machine:
    """A machine with a date of its own and an agent on it."""

    def __init__(self, site: Site, date: Path) -> None:
        self.site, self._date, self.begun = site, date, wall_clock()

    def set(self, offset: str) -> None:
        """Set the date: seconds ahead of the true one."""
        self._date.write_text(offset)

    def count(self) -> tuple[int, int]:
        """Readings of a tag in the archive, and apart."""
        reader = UntimedReader(self.site.data)
        apart = sum(reading.tag == TAG for reading in reader.samples())
        return len(self.samples()), apart + reader.waiting()

    def samples(self) -> list[Sample]:
        reader = Reader(self.site.data)
        number = reader.ids().get(TAG)
        return list(reader.samples(number, -FOREVER, FOREVER)) if number else []

    async def until(self, archive: int, apart: int | None = None) -> None:
        """Wait for so many readings, or more, in the archive; and apart, or for none there."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                there, waiting = self.count()
                if there >= archive and (apart is None or (waiting >= apart if apart else not waiting)):
                    return
                await asyncio.sleep(0.2)


def since_1970() -> str:
    """The offset of a clock that begins anew."""
    return f"-{int(time.time()) - 600}"


@asynccontextmanager
async def machine(folder: Path, offset: str) -> AsyncIterator[Machine]:
    library = next(iter(glob("/usr/lib/*/faketime/libfaketime.so.1")), "")
    if not library:
        missing("peers", "libfaketime is not installed (apt-get install faketime)")
    now = last_minute(wall_clock())
    async with wires(Plant(World(origin_of(now), now, 0), wall_clock), folder) as where:
        here = Machine(site_of(folder, *where), folder / "date")
        here.set(offset)
        faked = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(folder / "date"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        line = [sys.executable, "-m", "edge_agent.cli", "-C", str(folder), "run"]
        with (folder / "said").open("wb") as said:
            agent = await asyncio.create_subprocess_exec(
                *line, cwd=ROOT, env={**os.environ, **faked}, stdout=said, stderr=said
            )
        try:
            yield here
        finally:
            agent.terminate()
            await agent.wait()
        assert agent.returncode == 0, (folder / "said").read_text()


def check(here: Machine) -> list[Sample]:
    """Complete, at the right times, nothing twice."""
    samples, now = here.samples(), wall_clock()
    at = [sample.at for sample in samples]
    assert here.begun <= min(at) <= max(at) <= now + US
    assert sorted(set(at)) == at
    assert max(b - a for a, b in pairwise(at)) < 2.5 * POLL_US
    assert all(sample.value is not None for sample in samples)
    assert here.count()[1] == 0
    return samples


async def test_an_agent_that_starts_in_1970_has_everything_in_its_place_once_the_clock_is_set(tmp_path: Path) -> None:
    async with machine(tmp_path, since_1970()) as here:
        await here.until(0, 3)
        assert here.count()[0] == 0
        here.set(RIGHT)
        await here.until(5, 0)
    assert [sample.reason for sample in check(here)][:3] == ["restamped"] * 3


async def test_a_right_clock_that_jumps_to_1970_and_back_disturbs_nothing(tmp_path: Path) -> None:
    async with machine(tmp_path, RIGHT) as here:
        await here.until(2)
        here.set(since_1970())
        await here.until(4)
        here.set(RIGHT)
        await here.until(6)
    assert {sample.reason for sample in check(here)} == {None}
