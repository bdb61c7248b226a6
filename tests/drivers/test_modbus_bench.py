"""The bench of Modbus reads takes both clients to the same end, and our cycle has no work hidden in it."""

from __future__ import annotations

import asyncio
import struct
import sys
from types import FrameType

import pytest

from drivers.driver import Device
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.value import shortest
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from edge_agent.bench.modbus import SIZES, bench_profile, measure
from edge_agent.bench.modbus_server import COUNT, answers
from tests.drivers.conftest import noon, stream_bus

CALLS_OF_A_VALUE = 14  # from the bytes of the block to the reading, those into C included
CALLS_OF_A_QUESTION = 220  # the question, its answer in memory and the cycle around it, without the event loop's own


def test_the_bench_measures_both_clients() -> None:
    cost = measure(0.1)
    assert [f.registers for f in cost.figures] == list(SIZES)
    assert cost.ratio == cost.figures[0].ratio
    for f in cost.figures:
        assert f.raw_us > 0
        assert f.ratio == f.ours_us / f.raw_us
        assert f.bytes_us < 2 * f.ours_us  # a part of it, whatever the machine does beside it


class Answers:
    """Says what the bench's server says."""

    def __init__(self) -> None:
        self._registers = answers()[0]

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        size = 2 * int.from_bytes(data[COUNT], "big")
        return [(0.0, data[:4] + (3 + size).to_bytes(2, "big") + data[6:8] + bytes([size]) + self._registers[:size])]


async def test_the_bench_reads_all_that_the_raw_client_reads() -> None:
    readings = await ModbusDriver(_device(SIZES[1]), stream_bus(lambda: MemoryLink(Answers())), noon).read()
    assert {r.quality for r in readings} == {Quality.GOOD}
    raw = struct.unpack(f">{SIZES[1] // 2}f", answers()[0][: 2 * SIZES[1]])
    assert [r.value for r in readings] == [shortest(value) for value in raw]


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer calls too")
def test_a_value_costs_few_calls_and_a_question_too() -> None:
    """Counted, not timed: the same on every machine, however busy."""
    short, long = (_calls(count) for count in SIZES)
    each = (long - short) / ((SIZES[1] - SIZES[0]) / 2)
    assert each <= CALLS_OF_A_VALUE
    assert short - each * SIZES[0] / 2 <= CALLS_OF_A_QUESTION


def _calls(count: int) -> int:
    """Calls of one cycle, once everything is warm."""
    calls = 0

    def tell(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    async def cycle() -> None:
        driver = ModbusDriver(_device(count), stream_bus(lambda: MemoryLink(Answers())), noon)
        await driver.read()
        sys.setprofile(tell)
        try:
            await driver.read()
        finally:
            sys.setprofile(None)

    asyncio.run(cycle())
    return calls


def _device(count: int) -> Device:
    return Device("bench", bench_profile(count))
