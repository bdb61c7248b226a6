"""Small worlds: Plant A with a clock that stands still, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from drivers.bus import Bus, StreamBus
from drivers.driver import Device
from drivers.link import Link
from drivers.profile import Profile
from drivers.sim.carrier import serve_pty, serve_tcp
from drivers.sim.faults import Faults
from drivers.sim.modbus_slave import Slave, SlaveLine
from drivers.sim.plant import ADDRESSES, HOST, LINE, UNITS, Plant, shipped
from drivers.sim.world import US, ZONE, World

TIMEOUT_S = 0.08
LATE_S = 0.1
FRAME_GAP_S = 0.02
NOON = int(datetime(2026, 1, 7, 12, 3, tzinfo=ZONE).timestamp()) * US  # a Wednesday
ORIGIN = int(datetime(2026, 1, 1, tzinfo=ZONE).timestamp()) * US


def noon() -> int:
    return NOON


@pytest.fixture
def plant() -> Plant:
    """Plant A one week after its origin, at noon."""
    return Plant(World(ORIGIN), noon, Faults(late_s=LATE_S))


def bus_of(link: Link, kind: type[Bus] = Bus, quiet_s: float = 0.05) -> Bus:
    async def opened() -> Link:
        return link

    return kind("memory", opened, quiet_s=quiet_s, frame_gap_s=FRAME_GAP_S)


def stream_bus(opener: Callable[[], Link]) -> StreamBus:
    async def opened() -> Link:
        return opener()

    return StreamBus("memory", opened, quiet_s=0.0, frame_gap_s=FRAME_GAP_S)


def meter(name: str = "m1", profile: Profile | None = None, timeout: float = TIMEOUT_S) -> Device:
    return Device(name, profile or shipped("dlt645-2007-3ph"), ADDRESSES[name], timeout=timeout)


def m4(profile: Profile | None = None, timeout: float = TIMEOUT_S) -> Device:
    return Device("m4", profile or shipped("eastron-sdm630"), unit=UNITS["m4"], timeout=timeout)


def m4_over_tcp(plant: Plant) -> SlaveLine:
    """The plant's meter m4 as if it stood behind a TCP connection of its own."""
    slave = Slave("m4", UNITS["m4"], shipped("eastron-sdm630"), plant.measures.of("m4"))
    return SlaveLine([slave], plant.faults, plant.now)


@asynccontextmanager
async def wires(plant: Plant, folder: Path, port: int = 0) -> AsyncIterator[tuple[Path, int]]:
    """The serial line and the heat pump's socket; the world has summed up its past by then."""
    plant.world.energy(plant.now())
    async with serve_pty(plant.line, folder / LINE) as serial, serve_tcp(plant.heat_pump, HOST, port) as bound:
        yield serial, bound
