"""The simulated SunSpec inverter, read by our driver: by day, by night, and with every fault."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.build import driver_for, tcp_bus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.modbus.tcp import Decoder, Frame, encode
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink, serve_tcp
from drivers.sim.faults import Fault, Faults
from drivers.sim.inverter import Inverter
from drivers.sim.modbus_slave import SlaveLineRtu
from drivers.sim.plant import HOST, shipped
from drivers.sim.sunspec_chain import Shape, der, grid_meter, pv
from drivers.sunspec.driver import SunSpecDriver
from edge_agent.poll import LinkState, Poll, cycle
from tests.drivers.conftest import LATE_S, NOON, bus_of, noon, stream_bus

UNIT = 3
HOUR = 3_600_000_000
LIVE = [name for name in shipped("sunspec").items if name not in ("energy_export", "state")]


class Sun:
    """A roof of 1.12 MW whose power a test sets; its energy grows by that power."""

    def __init__(self) -> None:
        self.watts = 1_120_000.0
        self.faults = Faults(late_s=LATE_S)

    def values(self, at: int) -> dict[str, float]:
        amps = self.watts / 3 / 230.0
        return {
            "power": self.watts,
            "dc_power": self.watts * 1.02,
            "energy_export": 4_321_000_017.0 + (at - NOON) / HOUR * self.watts,
            "frequency": 50.01,
            "temperature": 41.3,
            **{f"voltage_{p}": 230.0 for p in "abc"},
            **{f"current_{p}": amps for p in "abc"},
        }

    def inverter(self, shape: Shape = pv) -> Inverter:
        return Inverter("inv", UNIT, shipped("sunspec"), self.values, self.faults, noon, shape)

    def driver(self, profile: str = "sunspec", shape: Shape = pv) -> SunSpecDriver:
        bus = stream_bus(lambda: MemoryLink(self.inverter(shape), piece=9))
        return SunSpecDriver(Device("inv", shipped(profile), unit=UNIT, timeout=0.08), bus, noon)

    def serial_driver(self) -> SunSpecDriver:
        slave = self.inverter().slave
        line = MemoryLink(SlaveLineRtu([slave], self.faults, noon), piece=9)
        return SunSpecDriver(Device("inv", shipped("sunspec"), unit=UNIT, timeout=0.08), bus_of(line), noon)


@pytest.fixture
def sun() -> Sun:
    return Sun()


async def item(driver: SunSpecDriver, name: str) -> float | None:
    return {r.tag: r.value for r in await driver.read()}[f"inv.{name}"]


async def test_a_megawatt_is_read_as_it_was_measured(sun: Sun) -> None:
    readings = await sun.driver().read()
    assert {(r.quality, r.reason) for r in readings} == {(Quality.GOOD, None)}
    found = {r.tag.removeprefix("inv."): r.value for r in readings}
    assert found == {
        "power": pytest.approx(1120.0),
        "dc_power": pytest.approx(1142.4),
        "energy_export": pytest.approx(4_321_000.01),  # steps of 10 Wh, and never more than was counted
        "frequency": pytest.approx(50.01),
        "temperature": pytest.approx(41.3),
        "state": 4,
        **{f"voltage_{p}": pytest.approx(230.0) for p in "abc"},
        **{f"current_{p}": pytest.approx(1623, abs=0.5) for p in "abc"},
    }
    assert await sun.driver().probe() == "Leafgate simulated inverter unit 3"


async def test_the_same_inverter_is_read_on_a_serial_line(sun: Sun) -> None:
    serial, tcp = await sun.serial_driver().read(), await sun.driver().read()
    assert serial == tcp
    sun.faults.set("inv", Fault.NOISY)
    assert await sun.serial_driver().read() == tcp


async def test_its_inputs_and_its_nameplate_are_read(sun: Sun) -> None:
    readings = await sun.driver("sunspec-mppt").read()
    found = {r.tag.removeprefix("inv."): r.value if r.reason is None else r.reason for r in readings}
    assert (found["dc_power_1"], found["dc_voltage_2"], found["dc_current_2"]) == (571.2, 800.0, 714.0)
    assert (found["dc_power_3"], found["rated_power"], found["rated_current"]) == ("no_value", 1200.0, 1900.0)
    sun.watts = 0.0
    night = {r.tag.removeprefix("inv."): r.value if r.reason is None else r.reason for r in await sun.driver().read()}
    assert night["power"] == "asleep"


async def test_a_meter_is_negative_while_the_inverter_feeds_in_and_counts_at_night_too(sun: Sun) -> None:
    driver = sun.driver("sunspec-meter", grid_meter)
    found = {r.tag.removeprefix("inv."): r.value for r in await driver.read()}
    assert (found["power"], found["energy_import"]) == (-1120.0, None)
    assert found["energy_export"] == pytest.approx(4_321_000.01)
    sun.watts = 0.0
    night = {r.tag.removeprefix("inv."): (r.value, r.reason) for r in await driver.read()}
    assert night["power"] == (None, "no_value")
    assert night["energy_export"] == (found["energy_export"], None)


async def test_a_der_shows_the_same_plant_in_its_own_models(sun: Sun) -> None:
    driver = sun.driver("sunspec-der", der)
    found = {r.tag.removeprefix("inv."): r.value for r in await driver.read()}
    assert (found["power"], found["state"], found["rated_power"]) == (1120.0, 3.0, 1200.0)
    assert found["energy_export"] == pytest.approx(4_321_000.01)
    assert found["dc_power_2"] == 571.2
    sun.watts = 0.0
    night = {r.tag.removeprefix("inv."): (r.value, r.reason) for r in await driver.read()}
    assert (night["power"], night["state"], night["dc_power_1"]) == ((None, "asleep"), (1.0, None), (None, "asleep"))


async def test_it_falls_asleep_keeps_its_counter_and_wakes_again(sun: Sun) -> None:
    poll = Poll(sun.driver(), 1.0)
    states = []
    for watts in (800.0, 499.0, 0.0, 501.0):
        sun.watts = watts
        readings = {r.tag.removeprefix("inv."): r for r in await poll.driver.read()}
        await cycle(poll, noon)
        states.append(poll.state)
        assert readings["energy_export"].value == pytest.approx(4_321_000.01)
        expected = (Quality.ABSENT, "asleep") if watts < 500 else (Quality.GOOD, None)
        assert {(readings[n].quality, readings[n].reason) for n in LIVE} == {expected}
        assert readings["state"].value == (2 if watts < 500 else 4)
    assert states == [LinkState.UP, LinkState.ASLEEP, LinkState.ASLEEP, LinkState.UP]


async def test_a_silent_inverter_raises_and_comes_back(sun: Sun) -> None:
    driver = sun.driver()
    await driver.read()
    sun.faults.set("inv", Fault.SILENT)
    with pytest.raises(LinkError, match="no_reply"):
        await driver.read()
    sun.faults.clear("inv")
    assert all(r.quality == Quality.GOOD for r in await driver.read())


async def test_a_late_reply_is_never_taken_for_the_next_one(sun: Sun) -> None:
    driver = sun.driver()
    sun.faults.set("inv", Fault.LATE)
    with pytest.raises(LinkError):
        await driver.read()
    sun.faults.clear("inv")
    assert await item(driver, "power") == pytest.approx(1120.0)


@pytest.mark.parametrize("found", [False, True])
@pytest.mark.parametrize(("fault", "reason"), [(Fault.CHECKSUM, "noise"), (Fault.ERROR, "device_failure")])
async def test_damage_and_refusal_are_bad_and_without_a_number(
    sun: Sun, found: bool, fault: Fault, reason: str
) -> None:
    """Both before the chain is found and after it."""
    driver = sun.driver()
    if found:
        await driver.read()
    sun.faults.set("inv", fault)
    readings = await driver.read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, reason)}
    sun.faults.clear("inv")
    assert all(r.quality == Quality.GOOD for r in await driver.read())


async def test_noise_around_replies_costs_no_value(sun: Sun) -> None:
    sun.faults.set("inv", Fault.NOISY)
    assert all(r.quality == Quality.GOOD for r in await sun.driver().read())


async def test_a_frozen_inverter_repeats_its_values(sun: Sun) -> None:
    sun.faults.set("inv", Fault.FROZEN, NOON - HOUR)
    assert await item(sun.driver(), "energy_export") == pytest.approx(4_319_880.01)


async def test_a_swapped_inverter_counts_from_zero(sun: Sun) -> None:
    sun.faults.set("inv", Fault.SWAPPED, NOON - HOUR)
    assert await item(sun.driver(), "energy_export") == pytest.approx(1120.0)


async def test_what_is_not_simulated_is_not_implemented(sun: Sun) -> None:
    everything = sun.values
    sun.values = lambda at: {k: v for k, v in everything(at).items() if k != "temperature"}  # type: ignore[method-assign]
    readings = {r.tag: (r.quality, r.reason) for r in await sun.driver().read()}
    assert readings["inv.temperature"] == (Quality.ABSENT, "no_value")


def ask(device: Inverter, pdu: bytes, unit: int = UNIT) -> bytes:
    sent = device.feed(encode(Frame(1, unit, pdu)))
    return b"".join(frame.pdu for _, data in sent for frame in Decoder(replies=False).feed(data))


@given(st.integers(39_980, 40_170), st.integers(0, 200))
@example(39_999, 2)
@example(40_000, 125)
def test_any_range_of_the_chain_can_be_read_and_nothing_beside_it(start: int, count: int) -> None:
    inverter = Sun().inverter()
    chain = inverter.slave.chain(Faults(), NOON)
    reply = ask(inverter, struct.pack(">BHH", 3, start, count))
    if not 1 <= count <= 125:
        assert reply == b"\x83\x03"
    elif start < 40_000 or start + count > 40_000 + len(chain) // 2:
        assert reply == b"\x83\x02"
    else:
        assert reply == bytes([3, 2 * count]) + chain[2 * (start - 40_000) :][: 2 * count]


def test_other_functions_are_refused_and_other_units_are_silent(sun: Sun) -> None:
    inverter = sun.inverter()
    for function in (1, 4, 5, 6, 15, 16, 23):
        assert ask(inverter, bytes([function, 0x9C, 0x40, 0, 1])) == bytes([function | 0x80, 1])
    assert ask(inverter, b"\x03\x9c") == b"\x83\x03"
    assert ask(inverter, bytes([3, 0x9C, 0x40, 0, 2]), unit=4) == b""


async def test_an_inverter_on_a_socket_is_read_through_the_builder_and_survives_a_broken_connection(sun: Sun) -> None:
    device = Device("inv", shipped("sunspec"), unit=UNIT, timeout=2.0)
    async with serve_tcp(sun.inverter, HOST, 0) as port:
        bus = tcp_bus("roof", HOST, port)
        driver = driver_for(device, bus, noon)
        await driver.connect()
        await driver.read()
        await bus.close()  # as if the line was lost
        values = await asyncio.gather(driver.read(), driver.read())
        await bus.close()
    assert values[0] == values[1]
    assert {r.quality for r in values[0]} == {Quality.GOOD}
