"""Our simulated press line behind its OPC UA server, as the tests of the driver want it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drivers.driver import Device
from drivers.error import DriverError, LinkError
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.session import Pace
from drivers.reading import Reading
from drivers.sim.faults import Faults
from drivers.sim.measured import Measured
from drivers.sim.plant import shipped
from drivers.sim.press_server import PressServer

QUICK = Pace(publish=0.05, sampling=0.01, keep_alive=0.2, connect=5.0, call=1.0)
PASSWORD = "gut gehütet"
STEP_S = 0.02
GAVE_UP_S = 10.0


def now() -> int:
    return time.time_ns() // 1000


@dataclass
class Bench:
    """The running server, what it shows, and a folder for those who read it."""

    url: str
    folder: Path
    faults: Faults
    shown: dict[str, float] = field(default_factory=dict)
    moving: Callable[[int], Mapping[str, float]] | None = None

    def values(self, at: int) -> Mapping[str, float]:
        return {**self.shown, **(self.moving(at) if self.moving else {})}

    def device(self, name: str = "press", **other: Any) -> Device:
        secret = self.folder / "password.txt"
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        plain = Device(name, shipped("press-line"), url=self.url, user="leafgate", password_file=secret)
        return replace(plain, **{"pki": self.folder / "pki", "poll": 0.5, **other})

    @contextlib.contextmanager
    def at_rest(self, folder: Path) -> Iterator[Bench]:
        """The same server with values that stand still and no faults, before and after."""
        self.moving = None
        yield Bench(self.url, folder, self.faults, self.shown)
        self.moving = None
        self.shown.update(at_rest())
        self.faults.clear("press")

    def driver(self, pace: Pace = QUICK, rows: int = 10_000, **other: Any) -> OpcUaDriver:
        return OpcUaDriver(self.device(**other), now, pace, rows)


def at_rest() -> dict[str, float]:
    items = shipped("press-line").items
    return {name: 1.0 if name.startswith("running") else 100.0 + place for place, name in enumerate(items)}


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Bench]:
    """The press line's server, at rest, until the block ends."""
    bench = Bench("", folder, Faults(), at_rest())
    measured = Measured("press", shipped("press-line"), bench.values)
    async with PressServer(measured, bench.faults, now, PASSWORD, STEP_S).serve(folder / "server") as bench.url:
        yield bench


async def until_lost(driver: OpcUaDriver, pause_s: float = 0.0) -> DriverError:
    """Take changes, with a pause between, until the driver says that it is over."""
    async with asyncio.timeout(GAVE_UP_S):
        while True:
            try:
                await driver.changes()
                await asyncio.sleep(pause_s)
            except DriverError as error:
                return error


async def until(driver: OpcUaDriver, wanted: Callable[[Reading], bool]) -> Reading:
    """The first change like this."""
    async with asyncio.timeout(GAVE_UP_S):
        while True:
            for reading in await driver.changes():
                if wanted(reading):
                    return reading


def shows(value: float, reading: Reading) -> bool:
    return reading.value == value


async def recovered(driver: OpcUaDriver) -> list[Reading]:
    """Close and connect anew until something is read."""
    async with asyncio.timeout(GAVE_UP_S):
        while True:
            await driver.close()
            try:
                return await driver.read()
            except LinkError:
                await asyncio.sleep(0.05)
