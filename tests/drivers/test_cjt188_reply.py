"""The CJ/T 188 driver and what else may be said on its line: other replies, refusals, broken values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.cjt188.codec import METERED, Decoder, Frame, encode, read_request
from drivers.cjt188.driver import Cjt188Driver, Reply
from drivers.driver import Device
from drivers.error import LinkError
from drivers.profile import Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from tests.drivers.bench188 import ADDRESS, GAS, MONTHS, OTHER, WATER, values
from tests.drivers.conftest import bus_of, noon


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


def scripted(*replies: Callable[[Frame], bytes], address: str = ADDRESS, profile: Profile = WATER) -> Cjt188Driver:
    link = MemoryLink(Scripted(*replies))
    return Cjt188Driver(Device("w1", profile, address, timeout=0.03), bus_of(link, quiet_s=0.0), noon)


def old(asked: Frame) -> bytes:
    return says(data=asked.data[:2] + bytes([asked.data[2] - 1]) + BODY)(asked)


def refused_month(asked: Frame) -> bytes:
    """A meter that knows what it counts and no month ends."""
    if asked.data[:2] == METERED:
        return says()(asked)
    return says(control=0xC1, data=asked.data[2:] + bytes(2))(asked)


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


async def test_a_refused_month_end_is_lacking_and_left_out_for_long() -> None:
    asked: list[Frame] = []

    def kept(question: Frame) -> bytes:
        asked.append(question)
        return refused_month(question)

    driver = scripted(kept, profile=MONTHS)
    found = {r.tag: r for r in await driver.read()}
    assert (found["w1.last_month"].quality, found["w1.last_month"].reason) == (Quality.ABSENT, "no_data")
    for _ in range(2):
        assert values(await driver.read())["w1.volume"] == 123.56
    assert [f.data[:2].hex() for f in asked] == ["901f", "d120", "d12b", "901f", "901f"]


async def test_a_refusal_that_repeats_the_identifier_is_one_too() -> None:
    def refusal(asked: Frame) -> bytes:
        return says(control=0xC1, data=asked.data + b"\2")(asked)

    readings = await scripted(refusal).read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "device_error")}


@pytest.mark.parametrize("profile", [WATER, GAS])
def test_every_valve_and_battery_state_has_a_name(profile: Profile) -> None:
    assert sorted(profile.items["status"].states) == [battery << 2 | valve for battery in (0, 1) for valve in (0, 1, 3)]


def test_a_flipped_bit_never_yields_an_answer() -> None:
    (asked,) = Decoder().feed(read_request(0x10, ADDRESS, METERED, 5))
    good = says()(asked)
    assert Reply(0x10, ADDRESS, METERED, 5).feed(good) is not None
    for bit in range(8 * len(good)):
        raw = bytearray(good)
        raw[bit // 8] ^= 1 << bit % 8
        reply = Reply(0x10, ADDRESS, METERED, 5)
        assert reply.feed(bytes(raw)) is None
        assert reply.flush() is None
