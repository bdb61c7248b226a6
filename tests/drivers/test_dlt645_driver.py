"""The DL/T 645 driver against the simulator in memory: every fault ends as the right quality and reason."""

from __future__ import annotations

import asyncio

import pytest

from drivers.bus import Bus
from drivers.dlt645.codec import Decoder, Frame, encode
from drivers.dlt645.driver import Dlt645Driver
from drivers.driver import Driver
from drivers.error import LinkError
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Fault
from drivers.sim.plant import Plant
from tests.drivers.conftest import LATE_S, NOON, bus_of, meter, noon


def line(plant: Plant, *names: str) -> tuple[Bus, list[Dlt645Driver]]:
    bus = bus_of(plant.memory_line(piece=7))
    return bus, [Dlt645Driver(meter(name), bus, noon) for name in names]


def count_questions(plant: Plant) -> list[bytes]:
    """Grows by one with every request on the line."""
    asked: list[bytes] = []
    feed = plant.line.feed

    def heard(data: bytes) -> list[tuple[float, bytes]]:
        asked.append(data)
        return feed(data)

    plant.line.feed = heard  # type: ignore[method-assign]
    return asked


def values(readings: list[Reading]) -> dict[str, float | None]:
    return {r.tag: r.value for r in readings}


async def test_a_meter_is_read_secondary_and_in_the_quantitys_unit(plant: Plant) -> None:
    driver = Dlt645Driver(meter(timeout=5.0), bus_of(plant.memory_line(piece=7)), noon)  # the table is read meanwhile
    readings = await driver.read()
    assert [r.tag for r in readings] == [t.name for t in driver.device.tags()]
    assert all(r.quality == Quality.GOOD and r.reason is None and r.at == r.seen == NOON for r in readings)
    true, found = plant.measures.grid(NOON), values(readings)
    assert found["m1.energy_import"] == pytest.approx(true["energy_import"], abs=0.01)
    assert found["m1.power"] == pytest.approx(true["power"], abs=0.0001)
    assert await driver.probe() == "000000000161"


async def test_export_is_a_negative_power_and_a_growing_reverse_register(plant: Plant) -> None:
    """The sign bit of power and current, on a Sunday at noon."""
    sunday = NOON - 3 * 86_400_000_000
    plant.world.energy(NOON)
    plant.clock = lambda: sunday
    _, (driver,) = line(plant, "m1")
    found = values(await driver.read())
    assert plant.world.power(sunday).grid_export > 0
    assert (found["m1.power"] or 0) < 0
    assert (found["m1.current_a"] or 0) < 0
    assert (found["m1.energy_export"] or 0) > 0


async def test_a_silent_meter_costs_one_timeout_and_raises(plant: Plant) -> None:
    _, (driver, other) = line(plant, "m1", "m2")
    plant.faults.set("m1", Fault.SILENT)
    asked = count_questions(plant)
    with pytest.raises(LinkError) as caught:
        await driver.read()
    assert caught.value.reason == "no_reply"
    assert len(asked) == 1
    assert all(r.quality == Quality.GOOD for r in await other.read())


async def test_a_meter_that_falls_silent_in_a_cycle_keeps_what_it_said(plant: Plant) -> None:
    _, (driver,) = line(plant, "m1")
    ticks = iter(range(1000))

    def clock() -> int:
        if next(ticks) == 3:
            plant.faults.set("m1", Fault.SILENT)
        return NOON

    driver._said.clock = clock
    readings = await driver.read()
    good = [r for r in readings if r.quality == Quality.GOOD]
    assert 0 < len(good) < len(readings)
    assert readings[0].quality == Quality.GOOD
    assert {r.reason for r in readings if r not in good} == {"no_reply"}


async def test_after_a_failure_the_next_cycle_begins_with_the_next_question(plant: Plant) -> None:
    """So no tag starves behind one that always fails."""
    _, (driver,) = line(plant, "m1")
    plant.faults.set("m1", Fault.SILENT)
    asked = count_questions(plant)
    for _ in range(2):
        with pytest.raises(LinkError):
            await driver.read()
    first, second = (Decoder().feed(data)[0].data for data in asked)
    assert first != second


async def test_a_damaged_reply_is_bad_and_without_a_number(plant: Plant) -> None:
    _, (driver, other) = line(plant, "m1", "m2")
    plant.faults.set("m1", Fault.CHECKSUM)
    driver.device = meter(timeout=0.02)
    readings = await driver.read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "checksum")}
    assert all(r.quality == Quality.GOOD for r in await other.read())


async def test_noise_around_replies_costs_no_value(plant: Plant) -> None:
    _, (driver,) = line(plant, "m1")
    plant.faults.set("m1", Fault.NOISY)
    assert all(r.quality == Quality.GOOD for r in await driver.read())


async def test_a_refusal_is_a_device_error(plant: Plant) -> None:
    _, (driver,) = line(plant, "m1")
    plant.faults.set("m1", Fault.ERROR)
    readings = await driver.read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "device_error")}


async def test_what_the_meter_lacks_is_absent_and_not_asked_every_cycle(plant: Plant) -> None:
    items = {"power": meter().profile.items["power"], "odd": Item("power", di="0280FF02")}
    profile = Profile(meter().profile.title, "dlt645-2007", "test", items)
    asked = count_questions(plant)
    driver = Dlt645Driver(meter(profile=profile), bus_of(plant.memory_line()), noon)
    for _ in range(3):
        good, lacking = await driver.read()
        assert good.quality == Quality.GOOD
        assert (lacking.value, lacking.quality, lacking.reason) == (None, Quality.ABSENT, "no_data")
    assert len(asked) == 4


async def test_a_frozen_meter_repeats_the_values_of_the_moment(plant: Plant) -> None:
    _, (driver,) = line(plant, "m1")
    plant.faults.set("m1", Fault.FROZEN, NOON - 3_600_000_000)
    before = plant.measures.grid(NOON - 3_600_000_000)["energy_import"]
    assert values(await driver.read())["m1.energy_import"] == pytest.approx(before, abs=0.01)


async def test_a_rollover_runs_through_the_modulus(plant: Plant) -> None:
    _, (driver,) = line(plant, "m1")
    plant.faults.set("m1", Fault.ROLLOVER, NOON)
    assert values(await driver.read())["m1.energy_import"] == pytest.approx(999_999.95, abs=0.011)
    plant.clock = lambda: NOON + 600_000_000
    found = values(await driver.read())["m1.energy_import"]
    counted = plant.measures.grid(NOON + 600_000_000)["energy_import"] - plant.measures.grid(NOON)["energy_import"]
    assert found == pytest.approx(counted - 0.05, abs=0.011)


async def test_a_late_reply_is_never_taken_for_the_next_one(plant: Plant) -> None:
    """Whatever is late is dropped: no reading carries a number that belongs to another question."""
    _, (driver, other) = line(plant, "m1", "m2")
    plant.faults.set("m1", Fault.LATE)
    with pytest.raises(LinkError):
        await driver.read()
    assert all(r.quality == Quality.GOOD for r in await other.read())
    plant.faults.clear("m1")
    true, readings = plant.measures.grid(NOON), await driver.read()
    assert values(readings)["m1.voltage_b"] == true["voltage_b"]
    assert all(r.quality == Quality.GOOD for r in readings)
    await asyncio.sleep(LATE_S)


class Scripted:
    """A responder that answers every request with what a function makes of it."""

    def __init__(self, *replies: object) -> None:
        self.replies = replies

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        (asked,) = Decoder().feed(data)
        out = b""
        for reply in self.replies:
            if isinstance(reply, bytes):
                out += reply
            elif isinstance(reply, Frame):
                out += encode(Frame(reply.address or asked.address, reply.control, reply.data or asked.data))
        return [(0.0, out)]


def power_driver(*replies: object, address: str = "000000000161") -> Driver:
    profile = Profile(meter().profile.title, "dlt645-2007", "test", {"power": meter().profile.items["power"]})
    device = meter(profile=profile, timeout=0.03)
    device = type(device)(device.name, profile, address, timeout=0.03)
    return Dlt645Driver(device, bus_of(MemoryLink(Scripted(*replies)), quiet_s=0.0), noon)


POWER_DI = bytes.fromhex("00000302")
GOOD = Frame("", 0x91, POWER_DI + bytes.fromhex("563412"))


async def test_echo_foreign_address_and_foreign_item_are_dropped() -> None:
    strangers = (
        Frame("", 0x11, b""),  # our own question on a two-wire line
        Frame("000000000162", 0x91, POWER_DI + bytes.fromhex("111111")),
        Frame("", 0x91, bytes.fromhex("00000202222222")),
        Frame("", 0x92, POWER_DI + bytes.fromhex("333333")),
    )
    (reading,) = await power_driver(*strangers, GOOD).read()
    assert reading.value == 12.3456
    with pytest.raises(LinkError) as caught:
        await power_driver(*strangers).read()
    assert caught.value.reason == "no_reply"


async def test_the_wildcard_address_accepts_any_meter() -> None:
    reply = Frame("000000000777", 0x91, GOOD.data)
    (reading,) = await power_driver(reply, address="AAAAAAAAAAAA").read()
    assert reading.value == 12.3456


@pytest.mark.parametrize(
    ("payload", "quality", "reason"),
    [
        ("ffffff", Quality.ABSENT, "filler"),
        ("5634fa", Quality.BAD, "not_bcd"),
        ("5634", Quality.BAD, "wrong_length"),
    ],
)
async def test_what_is_no_number_is_none(payload: str, quality: Quality, reason: str) -> None:
    reply = Frame("", 0x91, POWER_DI + bytes.fromhex(payload))
    (reading,) = await power_driver(reply).read()
    assert (reading.value, reading.quality, reading.reason) == (None, quality, reason)


@pytest.mark.parametrize(
    ("word", "quality", "reason"),
    [
        ("02", Quality.ABSENT, "no_data"),
        ("04", Quality.BAD, "device_error"),
        ("01", Quality.BAD, "device_error"),
    ],
)
async def test_an_error_reply_says_why(word: str, quality: Quality, reason: str) -> None:
    (reading,) = await power_driver(Frame("", 0xD1, bytes.fromhex(word))).read()
    assert (reading.value, reading.quality, reading.reason) == (None, quality, reason)
