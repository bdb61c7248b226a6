"""npm modbus-serial on both ends: it reads our slaves over TCP and behind a converter, we read its server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest

from drivers.build import tcp_bus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.modbus.driver import ModbusDriver
from drivers.profile import Item, Profile, Reads
from drivers.reading import Quality
from drivers.sim.carrier import serve_tcp
from drivers.sim.faults import Faults
from drivers.sim.modbus_slave import SlaveLine
from drivers.sim.plant import HOST
from tests.conftest import ROOT, missing
from tests.drivers.conftest import noon
from tests.drivers.heat_pumps import HEAT_PUMP, MIDEA, heat_pumps, slave

FOLDER = ROOT / "tests" / "peers" / "modbus_serial"
LONG_S = 20.0  # a busy machine may take its time
SLOW_UNIT = 9
ITEMS = {
    **{f"r{r}": Item("count", register=r) for r in (0, 1, 2, 8, 9)},
    "wide": Item("count", function=4, register=10, type="uint32"),
    **{f"coil{c}": Item("link_state", function=1, register=c) for c in range(7)},
    "lacking": Item("count", register=500),
    "last": Item("count", register=499),
}


@contextlib.asynccontextmanager
async def node(script: str, *words: str) -> AsyncIterator[Process]:
    """A script of the peer, killed when the block ends."""
    program = shutil.which("node")
    if program is None or not (FOLDER / "node_modules" / "modbus-serial").is_dir():
        missing("peers", "modbus-serial is not installed; run npm install in tests/peers/modbus_serial")
    process = await asyncio.create_subprocess_exec(program or "", str(FOLDER / script), *words, stdout=PIPE)
    try:
        async with asyncio.timeout(LONG_S):
            yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[int]:
    async with node("server.js", HOST) as process:
        assert process.stdout is not None
        yield int(await process.stdout.readline())


def device(unit: int, timeout: float = LONG_S) -> Device:
    return Device("d", Profile(MIDEA.title, "modbus", "test", ITEMS, reads=Reads(hole=8)), unit=unit, timeout=timeout)


async def test_two_units_of_its_server_are_read_over_one_connection() -> None:
    async with server() as port:
        bus = tcp_bus("theirs", HOST, port)
        drivers = {unit: ModbusDriver(device(unit), bus, noon) for unit in (1, 2)}
        for _ in range(2):
            for unit, driver in drivers.items():
                found = {r.tag.removeprefix("d."): r for r in await driver.read()}
                assert (found["lacking"].quality, found["lacking"].reason) == (Quality.ABSENT, "illegal_address")
                assert [found[f"r{r}"].value for r in (0, 1, 2, 8, 9)] == [1000 * unit + r for r in (0, 1, 2, 8, 9)]
                assert found["last"].value == 1000 * unit + 499
                assert found["wide"].value == (1000 * unit + 10 << 16) + 1000 * unit + 11
                assert [c for c in range(7) if found[f"coil{c}"].value] == [0, 3, 6]
        await bus.close()


async def test_its_late_replies_are_never_taken_for_others() -> None:
    async with server() as port:
        bus = tcp_bus("theirs", HOST, port)
        late, well = ModbusDriver(device(SLOW_UNIT, 0.05), bus, noon), ModbusDriver(device(1), bus, noon)
        for _ in range(3):
            with contextlib.suppress(LinkError):
                readings = await late.read()
                assert all(r.value is None or r.value >= 1000 * SLOW_UNIT for r in readings if ".r" in r.tag)
            found = {r.tag: r.value for r in await well.read()}
            assert [found[f"d.r{r}"] for r in (0, 1, 2, 8, 9)] == [1000, 1001, 1002, 1008, 1009]
        await bus.close()


@pytest.mark.parametrize("how", ["tcp", "tunnel"])
async def test_its_client_reads_our_slave_and_cannot_write(how: str) -> None:
    def line() -> SlaveLine:
        return SlaveLine([slave("hp2", 2, HEAT_PUMP | {"water_out": 45.0})], Faults(), noon)

    async with (
        serve_tcp(line if how == "tcp" else heat_pumps, HOST, 0) as port,
        node("client.js", how, HOST, str(port), "2") as process,
    ):
        told, _ = await process.communicate()
    assert json.loads(told) == {"water": [28, 45], "energy": 31718, "lacking": 2, "written": 1}
