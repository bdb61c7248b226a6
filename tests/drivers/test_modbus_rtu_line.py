"""Modbus RTU on a line: the driver against simulated slaves, and the slaves among other protocols."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.build import driver_for
from drivers.cjt188.codec import METERED
from drivers.cjt188.codec import read_request as read_request188
from drivers.dlt645.codec import read_request as read_request645
from drivers.driver import Device
from drivers.error import LinkError
from drivers.modbus import rtu
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.rtu import Frame, encode
from drivers.modbus.unit import Unit
from drivers.modbus.value import number, width
from drivers.profile import Item, Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Fault, Faults
from drivers.sim.line import SharedLine
from drivers.sim.modbus_slave import Slave, SlaveLineRtu
from tests.drivers.conftest import NOON, bus_of, noon
from tests.drivers.heat_pumps import DUMP, HEAT_PUMP, MIDEA, TIMEOUT_S, heat_pump, heat_pumps, profile, slave


async def test_a_heat_pump_is_read_on_a_serial_line() -> None:
    bus = bus_of(MemoryLink(heat_pumps(), piece=3))
    first, second = driver_for(heat_pump(1), bus, noon), driver_for(heat_pump(2), bus, noon)
    readings = await first.read()
    assert all(r.quality == Quality.GOOD and r.at == NOON for r in readings)
    assert {r.tag.removeprefix("hp1."): r.value for r in readings} == pytest.approx(HEAT_PUMP)
    assert {r.tag: r.value for r in await second.read()}["hp2.water_out"] == 45.0
    assert await second.probe() == "unit 2"


def test_the_profile_reads_the_registers_of_a_real_unit() -> None:
    found = {}
    for name, item in MIDEA.items.items():
        words = [DUMP[(item.register or 0) + i].to_bytes(2, "big") for i in range(width(item))]
        found[name] = number(b"".join(words), item)
    assert found == pytest.approx(HEAT_PUMP | {"outdoor_temperature": 4.0})
    assert abs((found["heat_power"] or 0) / (found["power"] or 1) - (found["cop"] or 0)) < 0.01


async def test_a_missing_sensor_has_no_value() -> None:
    line = SlaveLineRtu([slave("hp1", 1, HEAT_PUMP | {"water_in": 255.0, "water_out": -1.0})], Faults(), noon)
    readings = {r.tag: r for r in await ModbusDriver(heat_pump(), bus_of(MemoryLink(line)), noon).read()}
    assert [(readings[f"hp1.{n}"].value, readings[f"hp1.{n}"].reason) for n in ("water_in", "water_out")] == [
        (None, "no_value")
    ] * 2
    assert readings["hp1.outdoor_temperature"].value == -1.0


async def test_registers_that_a_clone_lacks_are_absent_and_the_others_are_read() -> None:
    """An older unit without heat_power, power and cop."""
    values = {n: v for n, v in HEAT_PUMP.items() if n not in ("heat_power", "power", "cop")}
    line = SlaveLineRtu([slave("hp1", 1, values)], Faults(), noon)
    driver = ModbusDriver(heat_pump(), bus_of(MemoryLink(line)), noon)
    await driver.read()
    found = {r.tag.removeprefix("hp1."): r for r in await driver.read()}
    assert {n for n, r in found.items() if r.quality != Quality.GOOD} == {"heat_power", "power", "cop"}
    assert {found[n].reason for n in ("heat_power", "power", "cop")} == {"illegal_address"}
    assert found["energy_import"].value == pytest.approx(317.18)


@pytest.mark.parametrize(
    ("fault", "quality", "reason"),
    [
        (Fault.NOISY, Quality.GOOD, None),
        (Fault.ECHO, Quality.GOOD, None),
        (Fault.CHECKSUM, Quality.BAD, "noise"),
        (Fault.ERROR, Quality.BAD, "device_failure"),
    ],
)
async def test_every_fault_ends_as_the_right_quality(fault: Fault, quality: Quality, reason: str | None) -> None:
    faults = Faults()
    faults.set("hp1", fault)
    readings = await ModbusDriver(heat_pump(timeout=0.02), bus_of(MemoryLink(heat_pumps(faults), piece=5)), noon).read()
    assert {(r.quality, r.reason) for r in readings} == {(quality, reason)}
    assert all((r.value is None) == (quality != Quality.GOOD) for r in readings)


async def test_nothing_but_damage_costs_the_line_two_questions() -> None:
    faults, asked = Faults(), []
    faults.set("hp1", Fault.CHECKSUM)
    line = heat_pumps(faults)

    class Counted:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            asked.append(data)
            return line.feed(data)

    await ModbusDriver(heat_pump(timeout=0.02), bus_of(MemoryLink(Counted())), noon).read()
    assert len(asked) == 2


async def test_a_silent_slave_raises_and_an_echo_alone_is_silence_too() -> None:
    for fault in (None, Fault.ECHO):
        faults = Faults()
        faults.set("hp1", Fault.SILENT)
        if fault:
            faults.set("hp1", fault)
        with pytest.raises(LinkError) as caught:
            await ModbusDriver(heat_pump(timeout=0.02), bus_of(MemoryLink(heat_pumps(faults))), noon).read()
        assert caught.value.reason == "no_reply"


async def test_frozen_rolled_over_and_swapped_registers_look_like_it() -> None:
    energy = Item("energy_import", register=0, type="uint32", scale=0.01, modulus=1000.0)
    shape = Profile(MIDEA.title, "modbus", "test", {"e": energy})
    hour = 3_600_000_000
    measured = Slave("m", 1, shape, lambda at: {"e": 500.0 + (at - NOON) / hour})
    for fault, value in ((Fault.FROZEN, 499.0), (Fault.ROLLOVER, 0.95), (Fault.SWAPPED, 1.0)):
        faults = Faults()
        faults.set("m", fault, NOON - hour)
        bus = bus_of(MemoryLink(SlaveLineRtu([measured], faults, noon)))
        (reading,) = await ModbusDriver(Device("m", shape, timeout=TIMEOUT_S), bus, noon).read()
        assert reading.value == pytest.approx(value)


class Slow:
    """A line whose first reply comes after `late_s`, and every other one after `then_s`."""

    def __init__(self, line: SlaveLineRtu, late_s: float, then_s: float) -> None:
        self._line, self._delays = line, itertools.chain([late_s], itertools.repeat(then_s))

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(next(self._delays), reply) for _, reply in self._line.feed(data)]


async def test_a_late_reply_is_never_taken_for_the_next_question() -> None:
    """The next question has the same unit, function and count: only the waiting tells the replies apart."""
    line = SlaveLineRtu([slave("m", 1, {"r100": 1000.0, "r200": 2000.0}, profile(100, 200))], Faults(), noon)
    bus = bus_of(MemoryLink(Slow(line, late_s=0.13, then_s=0.05)), quiet_s=0.001)
    unit = Unit(bus, 1, 0.1)
    with pytest.raises(LinkError):
        await unit.read(3, 100, 1)
    assert await unit.read(3, 200, 1) == (2000).to_bytes(2, "big")


async def test_the_line_drains_a_late_reply_before_it_asks_another_unit() -> None:
    line = heat_pumps()
    bus = bus_of(MemoryLink(Slow(line, late_s=0.06, then_s=0.0)), quiet_s=0.05)
    with pytest.raises(LinkError):
        await Unit(bus, 1, 0.04).read(3, 105, 1)
    assert await Unit(bus, 2, TIMEOUT_S).read(3, 105, 1) == b"\x00\x2d"


async def test_a_silent_unit_does_not_make_the_others_on_its_line_wait() -> None:
    faults = Faults()
    faults.set("hp1", Fault.SILENT)
    bus = bus_of(MemoryLink(heat_pumps(faults)), quiet_s=0.0)
    with pytest.raises(LinkError):
        await Unit(bus, 1, 0.05).read(3, 100, 1)
    async with asyncio.timeout(5):
        assert await Unit(bus, 2, 60.0).read(3, 105, 1) == b"\x00\x2d"


async def test_bits_are_read_from_a_slave() -> None:
    shape = profile(*range(10, 20), function=2)
    bits = {f"r{r}": float(r in (10, 12, 19)) for r in range(10, 20)}
    line = SlaveLineRtu([slave("b", 1, bits, shape)], Faults(), noon)
    readings = await ModbusDriver(Device("b", shape, timeout=TIMEOUT_S), bus_of(MemoryLink(line)), noon).read()
    assert [r.value for r in readings] == list(bits.values())


# What else is said on a line: frames of other protocols, replies of others, halves of everything.
STRANGERS = [
    read_request645("000000000001", "00010000"),
    read_request645("010203040102", "02010100")[:-5],
    read_request188(0x10, "00051812000177", METERED, 1),
    bytes.fromhex("fefefe6810010203040506078103901f00cd16"),
    encode(Frame(9, bytes.fromhex("0304010300640002"))),
    rtu.read_request(1, 3, 100, 2)[:-3],
    b"\x01\x10\x00\x00\x00\x7b\xf6\x01\x03",
    b"",
]


@given(st.lists(st.sampled_from(STRANGERS), max_size=5), st.binary(max_size=20))
def test_a_slave_hears_its_question_behind_everything_else(before: list[bytes], noise: bytes) -> None:
    line = heat_pumps()
    for said in [*before, noise]:
        assert line.feed(said) == []
    ((_, sent),) = line.feed(rtu.read_request(2, 3, 105, 1))
    assert sent == encode(Frame(2, bytes.fromhex("0302002d")))


def test_an_echoing_line_gives_back_the_question_before_the_reply() -> None:
    faults, question = Faults(), rtu.read_request(1, 3, 105, 1)
    faults.set("hp1", Fault.ECHO)
    ((_, sent),) = heat_pumps(faults).feed(question)
    assert sent == question + encode(Frame(1, bytes.fromhex("03020020")))


def test_a_question_split_by_a_silence_is_forgotten() -> None:
    line, question = heat_pumps(), rtu.read_request(1, 3, 105, 1)
    assert line.feed(question[:5]) == []
    line.quiet()
    assert line.feed(question[5:]) == []
    assert len(line.feed(question)) == 1
    assert len(SharedLine([line]).feed(question)) == 1


@pytest.mark.parametrize("pdu_asked", ["050000ff00", "0600650001", "0f000000080155", "10006500010200ff"])
def test_a_slave_refuses_writes_and_stays_silent_for_others(pdu_asked: str) -> None:
    asked = bytes.fromhex(pdu_asked)
    ((_, sent),) = heat_pumps().feed(encode(Frame(1, asked)))
    assert sent == encode(Frame(1, bytes([asked[0] | 0x80, 1])))
    for unit in (0, 3):
        assert heat_pumps().feed(encode(Frame(unit, asked))) == []
