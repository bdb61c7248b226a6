"""A reply that comes late is never taken for the reply to another question, on any line and whoever asks."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable

import pytest

from drivers.bus import Bus, Port, TunnelBus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.unit import Unit
from drivers.profile import Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink, Responder, serve_tcp
from drivers.sim.faults import Fault, Faults
from drivers.sim.modbus_slave import SlaveLine, SlaveLineRtu
from tests.drivers.conftest import FRAME_GAP_S, bus_of, noon, stream_bus
from tests.drivers.heat_pumps import profile, slave

TIMEOUT_S, QUIET_S = 0.03, 0.005
SHAPE: Profile = profile(100, 200, 300, 400)  # four questions whose replies look the same
VALUES = {f"r{r}": float(r) for r in (100, 200, 300, 400)}
# How late each reply is: before the time is up, after it, while the line drains, and later.
DELAYS = (
    [0.0, 0.035, 0.0, 0.0],
    [0.0, 0.04, 0.02, 0.045, 0.0],
    [0.055, 0.0, 0.0],
    [0.0, 0.0, 0.05, 0.01],
)


class Slow:
    """A line each of whose replies comes after the next of these delays."""

    def __init__(self, line: Responder, delays: Iterable[float]) -> None:
        self._line, self._delays = line, itertools.cycle(delays)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(next(self._delays), reply) for _, reply in self._line.feed(data)]


def device(timeout: float = TIMEOUT_S) -> Device:
    return Device("d", SHAPE, timeout=timeout)


def rtu_line(delays: Iterable[float]) -> Slow:
    return Slow(SlaveLineRtu([slave("d", 1, VALUES, SHAPE)], Faults(), noon), delays)


async def assert_every_value_is_under_its_name(driver: ModbusDriver, cycles: int) -> None:
    good = 0
    for _ in range(cycles):
        try:
            readings = await driver.read()
        except LinkError:
            continue
        for reading in readings:
            if reading.quality == Quality.GOOD:
                assert reading.value == VALUES[reading.tag.removeprefix("d.")]
                good += 1
    assert good


@pytest.mark.parametrize("delays", DELAYS)
async def test_no_value_lands_under_a_wrong_name_over_rtu(delays: list[float]) -> None:
    bus = bus_of(MemoryLink(rtu_line(delays)), quiet_s=QUIET_S)
    await assert_every_value_is_under_its_name(ModbusDriver(device(), bus, noon), 5)


@pytest.mark.parametrize("delays", DELAYS)
async def test_no_value_lands_under_a_wrong_name_over_tcp(delays: list[float]) -> None:
    """No waiting is needed: the transaction tells the replies apart."""
    line = Slow(SlaveLine([slave("d", 1, VALUES, SHAPE)], Faults(), noon), delays)
    bus = stream_bus(lambda: MemoryLink(line))
    await assert_every_value_is_under_its_name(ModbusDriver(device(), bus, noon), 5)


async def test_no_value_lands_under_a_wrong_name_where_the_simulator_is_late() -> None:
    faults = Faults(late_s=1.5 * TIMEOUT_S)
    bus = bus_of(MemoryLink(SlaveLineRtu([slave("d", 1, VALUES, SHAPE)], faults, noon)), quiet_s=QUIET_S)
    driver = ModbusDriver(device(), bus, noon)
    for _ in range(2):
        faults.set("d", Fault.LATE)
        with pytest.raises(LinkError):
            await driver.read()
        faults.clear("d")
        assert [r.value for r in await driver.read()] == list(VALUES.values())


async def test_what_a_unit_owes_is_known_whoever_asks_it_next() -> None:
    """Two drivers, each with a port of its own, as a scan beside a driver has them."""
    bus = bus_of(MemoryLink(rtu_line([0.05, 0.02])), quiet_s=QUIET_S)
    with pytest.raises(LinkError):
        await Unit(Port(bus, None, 0.0), 1, TIMEOUT_S).read(3, 100, 1)
    assert await Unit(Port(bus, None, 0.0), 1, TIMEOUT_S).read(3, 200, 1) == (200).to_bytes(2, "big")


async def test_a_late_reply_costs_the_other_units_of_the_line_the_draining_and_no_more() -> None:
    line = SlaveLineRtu([slave("d", 1, VALUES, SHAPE), slave("e", 2, VALUES, SHAPE)], Faults(), noon)
    bus = bus_of(MemoryLink(Slow(line, [0.05, 0.0])), quiet_s=QUIET_S)
    with pytest.raises(LinkError):
        await Unit(bus, 1, TIMEOUT_S).read(3, 100, 1)
    begun = time.monotonic()
    assert await Unit(bus, 2, 60.0).read(3, 200, 1) == (200).to_bytes(2, "big")
    assert time.monotonic() - begun < 30.0  # not the minute that its own silence would cost


async def test_no_value_lands_under_a_wrong_name_behind_a_transparent_converter() -> None:
    """RTU over TCP, over a real socket: frames of a serial line without any transaction."""
    async with serve_tcp(lambda: rtu_line([0.0, 0.04, 0.0, 0.0, 0.0]), "127.0.0.1", 0) as port:
        from drivers.link import TcpLink

        bus: Bus = TunnelBus(
            "tunnel", lambda: TcpLink.open("127.0.0.1", port), quiet_s=QUIET_S, frame_gap_s=FRAME_GAP_S
        )
        assert not bus.is_stream
        await assert_every_value_is_under_its_name(ModbusDriver(device(), bus, noon), 5)
        await bus.close()


async def test_a_cancelled_question_leaves_no_reply_for_the_next_one() -> None:
    bus = bus_of(MemoryLink(rtu_line([0.025, 0.01])), quiet_s=QUIET_S)
    unit = Unit(bus, 1, TIMEOUT_S)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await unit.read(3, 100, 1)
    assert await unit.read(3, 200, 1) == (200).to_bytes(2, "big")
