"""An agent and its meters in memory, in virtual time: hours and days of a plant take seconds.

Every row that the polls hand over is noted, so that the archive can be compared with what was seen.
"""

from __future__ import annotations

import asyncio
import gc
import pickle
import sqlite3
import sys
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from drivers.bus import Bus, StreamBus
from drivers.error import LinkError
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Values
from drivers.sim.modbus_slave import Slave, SlaveLine
from drivers.sim.plant import shipped
from edge_agent import agent, follow, poll, record
from edge_agent.batch import Batch
from edge_agent.site import DeviceConfig, Plant, Site
from edge_agent.store.reader import Reader
from edge_agent.store.store import PLANT_DB
from edge_agent.time import clock, era
from edge_agent.time.clock import forward
from tests.plants import plant
from tests.store.plain import Plain, Row, stored

S = 1_000_000
PROFILE = "eastron-sdm630"
SITE = """
site: {{id: hall, title: Hall, timezone: {zone}, language: en}}
devices:
{devices}
meters:
  grid: {{tag: m1.energy_import, carrier: electricity, flow: grid_import}}
store: {{reserve: 0MB}}
"""
BOOTED_US = 3600 * S  # the machine was started an hour before the agent
FLUSH_S = 60.0  # nobody waits for the readings
DEVICE = "  {name}: {{host: 10.0.0.{number}, port: 502, profile: {profile}, poll: {poll_s}s, timeout: 300ms}}\n"


class Hall:
    """Some meters, each on a connection of its own; `faults` and `unplugged` may change at any time."""

    def __init__(
        self, folder: Path, start: int, meters: int = 3, poll_s: int = 60, zone: str = "Asia/Shanghai"
    ) -> None:
        self.start, self.names = start, [f"m{number}" for number in range(1, meters + 1)]
        listed = enumerate(self.names, 1)
        devices = "".join(DEVICE.format(name=n, number=i, profile=PROFILE, poll_s=poll_s) for i, n in listed)
        self.site: Site = plant(folder, SITE.format(zone=zone, devices=devices))
        self.faults, self.unplugged = Faults(), set[str]()
        self._noted: list[bytes] = []  # batches, small: what the test remembers must not look like a leak
        self.opened: Counter[str] = Counter()  # tries to connect

    @property
    def seen(self) -> list[Row]:
        """Every row that the polls have handed over."""
        return [Row(*row) for batch in self._noted for row in pickle.loads(zlib.decompress(batch))]

    def now(self) -> int:
        """The true time: that of the event loop since the start."""
        return self.start + round(asyncio.get_running_loop().time() * S)

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[asyncio.Task[None]]:
        """The running agent; it has stopped and stored everything at the end."""
        stopped = asyncio.Event()
        with self._wired():
            running = asyncio.create_task(agent.run_agent(self.site, self.now, stopped))
            try:
                yield running
            finally:
                stopped.set()
                await running

    def check(self) -> None:
        """The archive holds what was seen, every row once and in its order; and nothing else but counts."""
        seen = self.seen
        tags = {row.tag for row in seen}
        found = {key: rows for key, rows in stored(self.site.data).items() if key[0] in tags}
        assert found == Plain(seen).by_moment()

    def size(self) -> int:
        """Bytes of plant.db, its log folded in."""
        with closing(sqlite3.connect(self.site.data / PLANT_DB)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (self.site.data / PLANT_DB).stat().st_size

    def blocks(self) -> int:
        """Pieces of memory that Python has given out, without those that this test keeps."""
        gc.collect()
        return sys.getallocatedblocks() - len(self._noted)

    def links(self) -> set[float | None]:
        """The states of the connections, as stored."""
        return {sample.value for name, sample in Reader(self.site.data).last().items() if name.endswith(".link")}

    def counts(self) -> dict[str, float | None]:
        """What the agent has stored of its own health."""
        return {
            name: sample.value for name, sample in Reader(self.site.data).last().items() if name.startswith("agent.")
        }

    @contextmanager
    def _wired(self) -> Iterator[None]:
        hand_over = poll.hand_over

        async def noted(batch: Batch, batches: asyncio.Queue[Batch], health: Counter[str]) -> None:
            await hand_over(batch, batches, health)
            columns = (batch.tags, batch.at, batch.seen, batch.values, map(int, batch.qualities), batch.reasons)
            self._noted.append(zlib.compress(pickle.dumps(list(zip(*columns, strict=True)))))

        with ExitStack() as patches:
            for module in (poll, follow):
                patches.enter_context(patch.object(module, "hand_over", noted))
            patches.enter_context(patch.object(agent, "bus_of", self._bus))
            patches.enter_context(patch.object(record, "ThreadPoolExecutor", Inline))
            patches.enter_context(patch.object(record, "FLUSH_S", FLUSH_S))
            timed = partial(forward, since=self._since_boot, sets=lambda: True)
            patches.enter_context(patch.object(era, "forward", timed))
            patches.enter_context(patch.object(clock, "JUDGE_US", FLUSH_S * S))
            yield

    def _since_boot(self) -> int:
        return self.now() - self.start + BOOTED_US

    def _bus(self, plant: Plant, device: DeviceConfig) -> Bus:
        name = next(n for n, d in plant.devices.items() if d is device)

        async def opened() -> MemoryLink:
            self.opened[name] += 1
            if name in self.unplugged:
                raise LinkError("refused", name)
            slave = Slave(name, 1, shipped(PROFILE), energy(self.start, self.names.index(name) + 1))
            return _Wire(self, name, SlaveLine([slave], self.faults, self.now))

        return StreamBus(name, opened, quiet_s=0.0)


class _Wire(MemoryLink):
    """A connection that breaks when its meter is unplugged."""

    def __init__(self, hall: Hall, name: str, line: SlaveLine) -> None:
        super().__init__(line)
        self._hall, self._name = hall, name

    async def write(self, data: bytes) -> None:
        if self._name in self._hall.unplugged:
            raise LinkError("closed", self._name)
        await super().write(data)


class Inline(Executor):
    """Does the work at once: in virtual time there is nobody to wait for."""

    def __init__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments, **named))
        except BaseException as error:
            done.set_exception(error)
        return done


def energy(start: int, number: int) -> Values:
    """A meter of so many kW whose register counts quarters of a kWh, which a float32 holds exactly."""

    def at(now: int) -> dict[str, float]:
        counted = (now - start) * number // (900 * S) / 4
        alike = dict.fromkeys(("voltage_a", "voltage_b", "voltage_c"), 230.0)
        alike |= dict.fromkeys(("current_a", "current_b", "current_c"), 5.0)
        return {**alike, "power": 1000.0 * number, "frequency": 50.0, "energy_import": counted, "energy_export": 0.0}

    return at


__all__ = ["Fault", "Hall", "energy"]
