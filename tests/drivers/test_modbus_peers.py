"""Programs of others on both ends of Modbus: mbpoll and pymodbus read our slaves, we read libmodbus's."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pty
import re
import shutil
import subprocess
import tty
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.build import serial_bus, tcp_bus
from drivers.bus import Bus
from drivers.driver import Device
from drivers.modbus.driver import ModbusDriver
from drivers.profile import Item, Profile
from drivers.reading import Quality
from drivers.sim.carrier import serve_pty, serve_tcp
from drivers.sim.faults import Fault, Faults
from drivers.sim.modbus_slave import Slave, SlaveLine, SlaveLineRtu
from drivers.sim.plant import HOST
from drivers.wire import Wire
from tests.conftest import ROOT, missing
from tests.drivers.conftest import noon
from tests.drivers.heat_pumps import HEAT_PUMP, MIDEA, heat_pumps, profile

LONG_S = 3.0  # a busy machine may take its time
SOURCE = ROOT / "tests" / "peers" / "libmodbus_slave.c"
UNIT = 3


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            missing("peers", f"the program {program} is not installed")


async def mbpoll(*words: str) -> tuple[dict[int, float], str]:
    """What mbpoll reads, by register, and all that it says."""
    need("mbpoll")
    asking = ("-1", "-0", "-o", "2", *words)
    program = await asyncio.create_subprocess_exec("mbpoll", *asking, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = (await program.communicate())[0].decode()
    return {int(r): float(v) for r, v in re.findall(r"^\[(\d+)\]:\s+(\S+)", said, re.M)}, said


async def test_mbpoll_reads_our_slaves_on_a_serial_port(tmp_path: Path) -> None:
    serial = ("-m", "rtu", "-b", "9600", "-P", "none")
    async with serve_pty(heat_pumps(), tmp_path / "line") as port:
        water, said = await mbpoll(*serial, "-a", "2", "-r", "104", "-c", "2", str(port))
        assert water == {104: 28, 105: 45}, said
        energy, said = await mbpoll(*serial, "-a", "1", "-r", "143", "-c", "1", "-t", "4:int", "-B", str(port))
        assert energy == {143: 31718}, said
        _, said = await mbpoll(*serial, "-a", "1", "-r", "104", "-c", "20", str(port))
        assert "Illegal data address" in said


async def test_mbpoll_reads_our_slave_over_tcp() -> None:
    slaves = [Slave("hp1", 1, MIDEA, lambda at: HEAT_PUMP)]
    async with serve_tcp(lambda: SlaveLine(slaves, Faults(), noon), HOST, 0) as port:
        found, said = await mbpoll("-m", "tcp", "-p", str(port), "-a", "1", "-r", "150", "-c", "2", HOST)
        assert found == {150: 87, 151: 401}, said


async def test_mbpoll_reads_bits_of_our_slave(tmp_path: Path) -> None:
    shape = profile(*range(10, 20), function=2)
    bits = {f"r{r}": float(r in (10, 12, 19)) for r in range(10, 20)}
    line = SlaveLineRtu([Slave("b", 1, shape, lambda at: bits)], Faults(), noon)
    async with serve_pty(line, tmp_path / "line") as port:
        asked = ("-m", "rtu", "-b", "9600", "-P", "none", "-t", "1", "-r", "10", "-c", "10")
        found, said = await mbpoll(*asked, str(port))
    assert [found.get(r) for r in range(10, 20)] == list(bits.values()), said


async def test_pymodbus_reads_our_slave_on_a_serial_port(tmp_path: Path) -> None:
    if importlib.util.find_spec("pymodbus") is None:
        missing("peers", "the package pymodbus is not installed")
    from pymodbus.client import AsyncModbusSerialClient

    async with serve_pty(heat_pumps(), tmp_path / "line") as port:
        client: Any = AsyncModbusSerialClient(str(port), baudrate=9600, parity="N", timeout=LONG_S)
        assert await client.connect()
        water = await client.read_holding_registers(104, count=2, device_id=2)
        energy = await client.read_holding_registers(143, count=2, device_id=1)
        lacking = await client.read_holding_registers(500, count=1, device_id=1)
        refused = await client.write_register(101, 0, device_id=1)
        many = await client.write_registers(101, [0, 0], device_id=1)
        client.close()
    assert water.registers == [28, 45]
    assert client.convert_from_registers(energy.registers, client.DATATYPE.UINT32) == 31718
    assert [r.exception_code for r in (lacking, refused, many)] == [2, 1, 1]


@pytest.fixture
def libmodbus_slave(tmp_path: Path) -> Path:
    """The program that libmodbus makes of our source."""
    need("cc", "pkg-config")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True)
    if flags.returncode:
        missing("peers", "libmodbus-dev is not installed")
    program = tmp_path / "libmodbus_slave"
    build = ["cc", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(SOURCE), *flags.stdout.split()]
    subprocess.run(build, check=True)
    return program


@contextlib.asynccontextmanager
async def running(program: Path, *words: str) -> AsyncIterator[str]:
    """The program while it runs; gives the first line that it prints."""
    serving = await asyncio.create_subprocess_exec(program, *words, stdout=subprocess.PIPE)
    assert serving.stdout is not None
    try:
        async with asyncio.timeout(10 * LONG_S):
            yield (await serving.stdout.readline()).decode().strip()
    finally:
        with contextlib.suppress(ProcessLookupError):
            serving.kill()
        await serving.communicate()


@contextlib.contextmanager
def wire() -> Iterator[tuple[str, str]]:
    """Two serial ports joined by a wire, as pseudo terminals."""
    loop = asyncio.get_running_loop()
    ends = [pty.openpty() for _ in range(2)]
    for master, slave in ends:
        tty.setraw(slave)
        os.set_blocking(master, False)
    (left, left_port), (right, right_port) = ends
    loop.add_reader(left, lambda: os.write(right, os.read(left, 4096)))
    loop.add_reader(right, lambda: os.write(left, os.read(right, 4096)))
    try:
        yield os.ttyname(left_port), os.ttyname(right_port)
    finally:
        for master, slave in ends:
            loop.remove_reader(master)
            os.close(slave)
            os.close(master)


ITEMS = {
    "t": Item("temperature", register=10, type="int16", scale=0.1),
    "f": Item("frequency", register=11, type="float32"),
    "n": Item("count", function=4, register=0, type="uint32", order="CDAB"),
    **{f"coil{i}": Item("link_state", function=1, register=i) for i in range(10)},
    "contact": Item("link_state", function=2, register=3),
    "lacking": Item("count", register=900),
}


async def assert_read(bus: Bus) -> None:
    shape = Profile(MIDEA.title, "modbus", "test", ITEMS)
    driver = ModbusDriver(Device("x", shape, unit=UNIT, timeout=LONG_S), bus, noon)
    for _ in range(3):
        found = {r.tag.removeprefix("x."): r for r in await driver.read()}
        assert {n for n, r in found.items() if r.quality != Quality.GOOD} == {"lacking"}
        assert (found["lacking"].quality, found["lacking"].reason) == (Quality.ABSENT, "illegal_address")
        assert found["t"].value == pytest.approx(-0.7)
        assert [found[n].value for n in ("f", "n", "contact")] == [1.5, 70000.0, 1.0]
        assert [i for i in range(10) if found[f"coil{i}"].value] == [0, 9]


async def test_we_read_a_libmodbus_slave_over_tcp(libmodbus_slave: Path) -> None:
    async with running(libmodbus_slave, "tcp", HOST) as port:
        bus = tcp_bus("theirs", HOST, int(port))
        await assert_read(bus)
        await bus.close()


async def test_we_read_a_libmodbus_slave_over_rtu(libmodbus_slave: Path) -> None:
    with wire() as (ours, theirs):
        async with running(libmodbus_slave, "rtu", theirs, str(UNIT)) as said:
            assert said == "ready"
            bus = serial_bus("theirs", ours, Wire(9600, "N", 1))
            await assert_read(bus)
            await bus.close()


async def test_we_read_our_slaves_over_a_noisy_serial_port(tmp_path: Path) -> None:
    """Once over a real port with what a real line adds: the echo of the question, and stray bytes."""
    faults = Faults()
    faults.set("hp1", Fault.ECHO)
    faults.set("hp1", Fault.NOISY)
    async with serve_pty(heat_pumps(faults), tmp_path / "line") as port:
        bus = serial_bus("line", str(port), Wire(9600, "N", 1))
        readings = await ModbusDriver(Device("hp1", MIDEA, unit=1, timeout=LONG_S), bus, noon).read()
        await bus.close()
    assert {r.tag.removeprefix("hp1."): r.value for r in readings} == pytest.approx(HEAT_PUMP)
