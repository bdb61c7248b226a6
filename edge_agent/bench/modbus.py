"""What one Modbus read costs in CPU: our driver's whole cycle beside a raw asyncio client that asks the same.

Both end with the values of the registers: the raw client with floats as `struct` unpacks them, ours with
readings, each checked, rounded to what a float32 can say, and with its name, time and quality.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import struct
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from configs.text import Text
from drivers.build import tcp_bus
from drivers.driver import Device
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.tcp import MBAP
from drivers.modbus.unit import Unit
from drivers.profile import Item, Profile
from edge_agent.bench.modbus_server import HOST

UNIT, FUNCTION = 1, 3
SIZES = (10, 124)  # registers of a read: a meter's few values, and the most whole float32 of one read
BATCH = 200  # reads between two looks at the clock of the CPU
WARM_UP = 50
TIMEOUT_S = 1.0
START_S = 20.0  # a busy machine takes its time to start a process


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU microseconds of one read, medians."""

    registers: int
    raw_us: float
    ours_us: float  # a whole cycle of the driver
    bytes_us: float  # of it the question and its answer, every check included

    @property
    def ratio(self) -> float:
        return self.ours_us / self.raw_us


@dataclass(frozen=True, slots=True)
class ModbusCost:
    """`ratio` is that of the shortest read; the goal is at most 1.5."""

    ratio: float
    figures: tuple[Figure, ...]


class RawClient(asyncio.Protocol):
    """The least that reads float32 over Modbus TCP."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._transaction, self._answer = 0, asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._answer.set_result(data)

    async def read(self, count: int) -> tuple[float, ...]:
        self._transaction = self._transaction + 1 & 0xFFFF
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(MBAP.pack(self._transaction, 0, 6, UNIT) + struct.pack(">BHH", FUNCTION, 0, count))
        data = await self._answer
        if MBAP.unpack_from(data)[0] != self._transaction or len(data) != MBAP.size + 2 + 2 * count:
            raise ValueError(data)
        return struct.unpack_from(f">{count // 2}f", data, MBAP.size + 2)


def measure(seconds: float = 4.0) -> ModbusCost:
    """Take turns for about so long, the raw client and ours on connections of their own."""
    return asyncio.run(_measure(seconds))


def bench_profile(count: int) -> Profile:
    """So many registers full of float32."""
    items = {f"v{at}": Item("voltage", register=at, type="float32") for at in range(0, count, 2)}
    return Profile(Text("测试", "bench"), "modbus", "", items)


async def _measure(seconds: float) -> ModbusCost:
    async with _server() as port:
        figures = [await _figure(port, count, seconds / len(SIZES)) for count in SIZES]
    return ModbusCost(figures[0].ratio, tuple(figures))


async def _figure(port: int, count: int, seconds: float) -> Figure:
    bus = tcp_bus("bench", HOST, port)
    driver = ModbusDriver(Device("bench", bench_profile(count), unit=UNIT), bus, time.time_ns)
    unit = Unit(bus, UNIT, TIMEOUT_S)
    transport, raw = await asyncio.get_running_loop().create_connection(RawClient, HOST, port)
    reads = (lambda: raw.read(count), driver.read, lambda: unit.read(FUNCTION, 0, count))
    spent: list[list[float]] = []
    try:
        await _cpu_us(driver.read, WARM_UP)
        end = time.monotonic() + seconds
        while time.monotonic() < end or not spent:
            spent.append([await _cpu_us(read, BATCH) for read in reads])
    finally:
        transport.close()
        await bus.close()
    return Figure(count, *(statistics.median(column) for column in zip(*spent, strict=True)))


async def _cpu_us(read: Callable[[], Awaitable[object]], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        await read()
    return (time.process_time() - begun) / times * 1e6


@contextlib.asynccontextmanager
async def _server() -> AsyncIterator[int]:
    """The server in a process of its own; gives its port."""
    words = (sys.executable, "-m", "edge_agent.bench.modbus_server")
    serving = await asyncio.create_subprocess_exec(*words, stdout=PIPE)
    assert serving.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            port = int(await serving.stdout.readline())
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            serving.kill()
        await serving.communicate()
