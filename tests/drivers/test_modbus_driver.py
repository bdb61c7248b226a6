"""The Modbus driver against the simulator in memory: every fault ends as the right quality and reason."""

from __future__ import annotations

import pytest

from drivers.error import LinkError
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.tcp import Frame, encode
from drivers.profile import Item, Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Fault
from drivers.sim.past import float32
from drivers.sim.plant import Plant, shipped
from tests.drivers.conftest import NOON, m4, m4_over_tcp, noon, stream_bus


def driver_of(plant: Plant, profile: Profile | None = None, timeout: float = 0.08) -> ModbusDriver:
    bus = stream_bus(lambda: MemoryLink(m4_over_tcp(plant), piece=5))
    return ModbusDriver(m4(profile, timeout), bus, noon)


async def test_a_meter_is_read_in_the_quantitys_unit(plant: Plant) -> None:
    readings = await driver_of(plant).read()
    true = plant.measures.of("m4")(NOON)
    found = {r.tag: r.value for r in readings}
    assert all(r.quality == Quality.GOOD and r.reason is None and r.at == r.seen == NOON for r in readings)
    assert found["m4.energy_import"] == float32(true["energy_import"])
    assert found["m4.power"] == pytest.approx(plant.world.power(NOON).hvac, rel=1e-6)
    assert await driver_of(plant).probe() == "unit 4"


async def test_a_silent_device_raises(plant: Plant) -> None:
    plant.faults.set("m4", Fault.SILENT)
    driver = driver_of(plant)
    with pytest.raises(LinkError) as caught:
        await driver.read()
    assert caught.value.reason == "no_reply"


async def test_an_absent_unit_raises(plant: Plant) -> None:
    device = m4(timeout=0.03)
    device = type(device)("x", device.profile, unit=9, timeout=0.03)
    with pytest.raises(LinkError):
        await ModbusDriver(device, stream_bus(lambda: MemoryLink(m4_over_tcp(plant))), noon).read()


async def test_a_damaged_reply_is_bad_and_without_a_number(plant: Plant) -> None:
    plant.world.energy(plant.now())  # so that the first answer takes no time
    plant.faults.set("m4", Fault.CHECKSUM)
    readings = await driver_of(plant, timeout=0.02).read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "noise")}


async def test_noise_around_replies_costs_no_value(plant: Plant) -> None:
    plant.faults.set("m4", Fault.NOISY)
    assert all(r.quality == Quality.GOOD for r in await driver_of(plant).read())


async def test_a_refusal_says_why(plant: Plant) -> None:
    plant.faults.set("m4", Fault.ERROR)
    readings = await driver_of(plant).read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "device_failure")}


async def test_a_frozen_device_repeats_its_values(plant: Plant) -> None:
    plant.faults.set("m4", Fault.FROZEN, NOON - 3_600_000_000)
    found = {r.tag: r.value for r in await driver_of(plant).read()}
    assert found["m4.energy_import"] == float32(plant.measures.of("m4")(NOON - 3_600_000_000)["energy_import"])


async def test_a_late_reply_is_never_taken_for_the_next_one(plant: Plant) -> None:
    """The connection stays, the transaction number tells the replies apart."""
    driver = driver_of(plant)
    plant.faults.set("m4", Fault.LATE)
    with pytest.raises(LinkError):
        await driver.read()
    plant.faults.clear("m4")
    readings, true = await driver.read(), plant.measures.of("m4")(NOON)
    assert all(r.quality == Quality.GOOD for r in readings)
    assert readings[0].value == float32(true["voltage_a"])
    assert readings[7].value == float32(true["frequency"])


async def test_an_item_that_does_not_exist_is_absent_and_its_neighbours_are_read(plant: Plant) -> None:
    """A device may refuse a read that touches one register it lacks: then each item is asked alone."""
    shape = shipped("eastron-sdm630")
    odd = Item("voltage", function=4, register=12, type="float32")
    items = {n: shape.items[n] for n in ("current_b", "current_c", "frequency")} | {"odd": odd}
    driver = driver_of(plant, Profile(shape.title, "modbus", "test", items))
    for _ in range(2):  # in the first cycle already, and in the next without a refusal
        readings = {r.tag: (r.quality, r.reason) for r in await driver.read()}
        assert readings.pop("m4.odd") == (Quality.ABSENT, "illegal_address")
        assert set(readings.values()) == {(Quality.GOOD, None)}


async def test_a_half_broken_unit_costs_its_line_two_timeouts_a_cycle_and_every_block_gets_its_turn(
    plant: Plant,
) -> None:
    """The first reply of each cycle is sound and all others are damaged."""
    line, asked = m4_over_tcp(plant), list[bytes]()

    class HalfBroken:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            asked.append(data[8:])
            sent = line.feed(data)
            return sent if len(asked) == 1 else [(delay, reply[:8] + b"\xff" + reply[9:]) for delay, reply in sent]

    shape = shipped("eastron-sdm630")
    items = {n: shape.items[n] for n in ("voltage_a", "power", "frequency", "energy_export")}
    broken = HalfBroken()
    driver = ModbusDriver(
        m4(Profile(shape.title, "modbus", "test", items), 0.03), stream_bus(lambda: MemoryLink(broken)), noon
    )
    all_asked: set[bytes] = set()
    for _ in range(3):
        asked.clear()
        good = [r.tag for r in await driver.read() if r.quality == Quality.GOOD]
        assert (good, len(asked)) == (["m4.voltage_a"], 3)
        all_asked |= set(asked)
    assert len(all_asked) == len(items)


class Canned:
    """Answers every read with the same PDU."""

    def __init__(self, pdu: bytes) -> None:
        self.pdu = pdu

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, encode(Frame(int.from_bytes(data[:2], "big"), data[6], self.pdu)))]


@pytest.mark.parametrize(
    ("pdu", "quality", "reason"),
    [
        ("04047fc00000", Quality.ABSENT, "no_value"),
        ("04047f800000", Quality.ABSENT, "not_a_number"),
        ("8403", Quality.ABSENT, "illegal_address"),
        ("0481", Quality.BAD, "noise"),
        ("8402", Quality.ABSENT, "illegal_address"),
        ("8401", Quality.BAD, "illegal_function"),
        ("8406", Quality.BAD, "busy"),
        ("84ff", Quality.BAD, "device_error"),
        ("040400000000", Quality.GOOD, None),
    ],
)
async def test_what_a_reply_becomes(pdu: str, quality: Quality, reason: str | None) -> None:
    shape = shipped("eastron-sdm630")
    profile = Profile(shape.title, "modbus", "test", {"power": shape.items["power"]})
    driver = ModbusDriver(m4(profile, 0.03), stream_bus(lambda: MemoryLink(Canned(bytes.fromhex(pdu)))), noon)
    (reading,) = await driver.read()
    assert (reading.quality, reading.reason) == (quality, reason)
    assert (reading.value is None) == (quality != Quality.GOOD)


async def test_a_gateway_that_cannot_reach_the_device_is_no_reply() -> None:
    driver = ModbusDriver(m4(timeout=0.03), stream_bus(lambda: MemoryLink(Canned(b"\x84\x0b"))), noon)
    with pytest.raises(LinkError) as caught:
        await driver.read()
    assert caught.value.reason == "no_reply"
