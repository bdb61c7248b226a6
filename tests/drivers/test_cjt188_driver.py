"""The CJ/T 188 driver against the simulator in memory: every fault ends as the right quality and reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from configs.text import Text
from drivers.build import driver_for
from drivers.cjt188.codec import (
    METERED,
    Decoder,
    Frame,
    encode,
    read_request,
)
from drivers.cjt188.driver import Cjt188Driver, Reply
from drivers.dlt645.driver import Dlt645Driver
from drivers.driver import Device
from drivers.error import LinkError
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Fault, Faults
from drivers.sim.meter188 import Line188, Meter188
from drivers.sim.plant import Plant, shipped
from tests.drivers.conftest import LATE_S, NOON, TIMEOUT_S, bus_of, meter, noon

ADDRESS, OTHER = "00051812000177", "00051812000178"
WATER = shipped("cjt188-water")
GAS = Profile(Text("气", "gas"), "cjt188-2004", "test", {"volume": Item("gas_volume", field="volume")})
HOUR = 3_600_000_000


def counted(at: int) -> dict[str, float]:
    """One m3 an hour since a past noon; the settlement day is past."""
    return {"volume": 1234.56 + (at - NOON) / HOUR, "settled_volume": 1000.0, "status": 0.0}


def gas(at: int) -> dict[str, float]:
    return {"volume": 77.25}


class Bench:
    """One line with a water meter w1, another one w2 and a gas meter g1, and the bus to ask them."""

    def __init__(self, piece: int = 7) -> None:
        self.faults = Faults(late_s=LATE_S)
        self.meters = [
            Meter188("w1", ADDRESS, WATER, counted),
            Meter188("w2", OTHER, WATER, lambda at: counted(at) | {"volume": 5.0}),
            Meter188("g1", ADDRESS, GAS, gas, meter_type=0x30),
        ]
        self.line = Line188(self.meters, self.faults, noon)
        self.asked: list[Frame] = []
        self.bus = bus_of(MemoryLink(self, piece))

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        self.asked += Decoder().feed(data)
        return self.line.feed(data)

    def driver(self, name: str = "w1", address: str = ADDRESS, timeout: float = TIMEOUT_S) -> Cjt188Driver:
        return Cjt188Driver(Device(name, GAS if name == "g1" else WATER, address, timeout=timeout), self.bus, noon)

    def change(self, **fields: object) -> None:
        self.meters[0] = replace(self.meters[0], **fields)  # type: ignore[arg-type]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def values(readings: list[Reading]) -> dict[str, float | None]:
    return {r.tag: r.value for r in readings}


async def test_one_question_fills_every_item(bench: Bench) -> None:
    driver = bench.driver()
    readings = await driver.read()
    assert values(readings) == {"w1.volume": 1234.56, "w1.settled_volume": 1000.0, "w1.status": 0.0}
    assert [r.tag for r in readings] == [t.name for t in driver.device.tags()]
    assert all(r.quality == Quality.GOOD and r.reason is None and r.at == r.seen == NOON for r in readings)
    assert len(bench.asked) == 1
    assert await driver.probe() == ADDRESS


async def test_the_build_knows_the_protocol(bench: Bench) -> None:
    assert isinstance(driver_for(bench.driver().device, bench.bus, noon), Cjt188Driver)


async def test_litres_become_cubic_metres(bench: Bench) -> None:
    bench.change(unit="L", values=lambda at: counted(at) | {"volume": 170.47})
    assert values(await bench.driver().read())["w1.volume"] == pytest.approx(170.47)


async def test_a_gas_meter_with_the_same_number_is_another_meter(bench: Bench) -> None:
    assert values(await bench.driver("g1").read()) == {"g1.volume": 77.25}
    assert bench.asked[-1].meter_type == 0x30
    assert values(await bench.driver().read())["w1.volume"] == 1234.56


@pytest.mark.parametrize("order", [METERED, METERED[::-1]])
async def test_the_order_that_was_answered_is_kept(bench: Bench, order: bytes) -> None:
    """A meter that knows only one order is silent to the other, which costs one cycle, once."""
    bench.change(order=order)
    driver = bench.driver()
    if order != METERED:
        with pytest.raises(LinkError) as caught:
            await driver.read()
        assert caught.value.reason == "no_reply"
    for _ in range(2):
        assert values(await driver.read())["w1.volume"] == 1234.56
    bench.faults.set("w1", Fault.SILENT)
    for _ in range(2):
        with pytest.raises(LinkError):
            await driver.read()
    assert [f.data[:2] for f in bench.asked[-4:]] == [order] * 4


async def test_until_an_order_is_answered_both_are_asked_in_turn(bench: Bench) -> None:
    bench.faults.set("w1", Fault.SILENT)
    driver = bench.driver(timeout=0.02)
    for _ in range(3):
        with pytest.raises(LinkError):
            await driver.read()
    assert [f.data[:2] for f in bench.asked] == [METERED, METERED[::-1], METERED]


async def test_a_probe_tries_both_orders(bench: Bench) -> None:
    bench.change(order=METERED[::-1])
    assert await bench.driver().probe() == ADDRESS
    assert len(bench.asked) == 2


async def test_every_question_has_its_own_serial_number(bench: Bench) -> None:
    driver = bench.driver()
    for _ in range(258):
        await driver.read()
    serials = [f.data[2] for f in bench.asked]
    assert serials == [n % 256 for n in range(1, 259)]


async def test_a_silent_meter_costs_one_timeout_and_the_others_nothing(bench: Bench) -> None:
    bench.faults.set("w1", Fault.SILENT)
    with pytest.raises(LinkError) as caught:
        await bench.driver().read()
    assert caught.value.reason == "no_reply"
    assert len(bench.asked) == 1
    assert values(await bench.driver("w2", OTHER).read())["w2.volume"] == 5.0


async def test_a_damaged_reply_is_noise_and_never_a_number(bench: Bench) -> None:
    bench.faults.set("w1", Fault.CHECKSUM)
    with pytest.raises(LinkError) as caught:
        await bench.driver(timeout=0.02).read()
    assert caught.value.reason == "noise"


@pytest.mark.parametrize("fault", [Fault.NOISY, Fault.ECHO])
async def test_noise_and_echo_cost_no_value(bench: Bench, fault: Fault) -> None:
    bench.faults.set("w1", fault)
    assert values(await bench.driver().read())["w1.volume"] == 1234.56


async def test_a_refusal_is_a_device_error(bench: Bench) -> None:
    bench.faults.set("w1", Fault.ERROR)
    readings = await bench.driver().read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "device_error")}


async def test_a_frozen_meter_repeats_the_values_of_the_moment(bench: Bench) -> None:
    bench.faults.set("w1", Fault.FROZEN, NOON - HOUR)
    assert values(await bench.driver().read())["w1.volume"] == 1233.56


async def test_a_rollover_runs_through_the_modulus(bench: Bench) -> None:
    bench.faults.set("w1", Fault.ROLLOVER, NOON)
    assert values(await bench.driver().read())["w1.volume"] == pytest.approx(999_999.95)
    bench.line.clock = lambda: NOON + HOUR
    assert values(await bench.driver().read())["w1.volume"] == pytest.approx(0.95)


async def test_a_swapped_meter_begins_at_zero(bench: Bench) -> None:
    bench.faults.set("w1", Fault.SWAPPED, NOON - 2 * HOUR)
    found = values(await bench.driver().read())
    assert found["w1.volume"] == pytest.approx(2.0, abs=0.011)


async def test_a_late_reply_is_never_taken_for_the_next_one(bench: Bench) -> None:
    driver = bench.driver()
    bench.faults.set("w1", Fault.LATE)
    with pytest.raises(LinkError):
        await driver.read()
    bench.faults.clear("w1")
    bench.line.clock = lambda: NOON + HOUR
    assert values(await driver.read())["w1.volume"] == 1235.56
    await asyncio.sleep(LATE_S)


async def test_meters_of_both_protocols_share_a_line(bench: Bench, plant: Plant) -> None:
    class Both:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            return plant.line.feed(data) + bench.line.feed(data)

    bench.bus = bus_of(MemoryLink(Both()))
    electricity = Dlt645Driver(meter(), bench.bus, noon)
    for _ in range(3):
        assert all(r.quality == Quality.GOOD for r in await electricity.read())
        assert all(r.quality == Quality.GOOD for r in await bench.driver().read())


class Scripted:
    """A responder that answers every question with what functions make of it."""

    def __init__(self, *replies: Callable[[Frame], bytes]) -> None:
        self.replies = replies

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        (asked,) = Decoder().feed(data)
        return [(0.0, b"".join(reply(asked) for reply in self.replies))]


BODY = bytes.fromhex("562301002c 001000002c 00031207012620 0000")


def says(body: bytes = BODY, **changes: object) -> Callable[[Frame], bytes]:
    """A reply to the question, changed where the test wants it."""

    def reply(asked: Frame) -> bytes:
        frame = Frame(asked.meter_type, asked.address, 0x81, asked.data + body)
        return encode(replace(frame, **changes))  # type: ignore[arg-type]

    return reply


def scripted(*replies: Callable[[Frame], bytes], address: str = ADDRESS) -> Cjt188Driver:
    link = MemoryLink(Scripted(*replies))
    return Cjt188Driver(Device("w1", WATER, address, timeout=0.03), bus_of(link, quiet_s=0.0), noon)


def old(asked: Frame) -> bytes:
    return says(data=asked.data[:2] + bytes([asked.data[2] - 1]) + BODY)(asked)


def other_item(asked: Frame) -> bytes:
    return says(data=bytes.fromhex("d120") + asked.data[2:] + BODY)(asked)


def strange_refusal(asked: Frame) -> bytes:
    return says(control=0xC1, data=bytes([asked.data[2] ^ 1, 0, 0]))(asked)


STRANGE = (
    encode,  # our own question on a two-wire line
    says(address=OTHER),
    says(meter_type=0x30),
    says(control=0x83),
    old,
    other_item,
    strange_refusal,
)


async def test_what_answers_another_question_is_dropped() -> None:
    assert values(await scripted(*STRANGE, says()).read())["w1.volume"] == 123.56
    with pytest.raises(LinkError) as caught:
        await scripted(*STRANGE).read()
    assert caught.value.reason == "no_reply"


async def test_a_reply_may_echo_the_identifier_in_the_other_order() -> None:
    def turned(asked: Frame) -> bytes:
        return says(data=asked.data[1::-1] + asked.data[2:] + BODY)(asked)

    assert values(await scripted(turned).read())["w1.volume"] == 123.56


async def test_the_wildcard_address_accepts_any_meter() -> None:
    driver = scripted(says(address=OTHER), address="A" * 14)
    assert values(await driver.read())["w1.volume"] == 123.56
    assert await driver.probe() == OTHER


async def test_a_hot_water_meter_may_answer() -> None:
    assert values(await scripted(says(meter_type=0x11)).read())["w1.volume"] == 123.56


@pytest.mark.parametrize(
    ("volume", "quality", "reason"),
    [
        ("ffffffff2c", Quality.ABSENT, "filler"),
        ("ffffffffff", Quality.ABSENT, "filler"),
        ("5623fa002c", Quality.BAD, "not_bcd"),
        ("5623ffff2c", Quality.BAD, "not_bcd"),
        ("5623010000", Quality.BAD, "wrong_unit"),
        ("5623010005", Quality.BAD, "wrong_unit"),  # kWh of a water meter
    ],
)
async def test_what_is_no_volume_is_none_and_leaves_the_rest(volume: str, quality: Quality, reason: str) -> None:
    found, settled, status = await scripted(says(bytes.fromhex(volume) + BODY[5:])).read()
    assert (found.value, found.quality, found.reason) == (None, quality, reason)
    assert (settled.value, status.value) == (10.0, 0.0)


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"\0", b"", BODY * 2])
async def test_a_body_of_another_length_is_bad(body: bytes) -> None:
    readings = await scripted(says(body)).read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "wrong_length")}


@pytest.mark.parametrize(
    ("raw", "value", "quality"),
    [
        ("0000", 0.0, Quality.GOOD),
        ("05ff", 5.0, Quality.GOOD),
        ("1301", 19.0, Quality.GOOD),
        ("ffff", None, Quality.ABSENT),
    ],
)
async def test_the_status_is_its_first_byte_as_it_came(raw: str, value: float | None, quality: Quality) -> None:
    status = (await scripted(says(BODY[:-2] + bytes.fromhex(raw))).read())[2]
    assert (status.value, status.quality) == (value, quality)


def test_every_valve_and_battery_state_has_a_name() -> None:
    assert sorted(WATER.items["status"].states) == [battery << 2 | valve for battery in (0, 1) for valve in (0, 1, 3)]


def test_a_flipped_bit_never_yields_an_answer() -> None:
    (asked,) = Decoder().feed(read_request(0x10, ADDRESS, METERED, 5))
    good = says()(asked)
    assert Reply(0x10, ADDRESS, 5).feed(good) is not None
    for bit in range(8 * len(good)):
        raw = bytearray(good)
        raw[bit // 8] ^= 1 << bit % 8
        reply = Reply(0x10, ADDRESS, 5)
        assert reply.feed(bytes(raw)) is None
        assert reply.flush() is None
