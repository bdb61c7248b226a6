"""The search for DL/T 645 addresses, on a line where replies collide as they do on RS-485."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import combinations, zip_longest

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drivers.bus import Bus, Port
from drivers.dlt645.codec import WAKE_UP, Decoder, Frame, encode, same_address
from drivers.link import Link
from drivers.wire import Wire
from edge_agent.scan.dlt645 import Search645
from tests.virtual import run

WIRE = Wire(2400, "E", 1)
DELAY_S = 0.03
IDLE = 0xFF
EDITIONS = ("dlt645-2007", "dlt645-1997")
addresses = st.lists(st.integers(0, 10**12 - 1).map(lambda n: f"{n:012}"), min_size=0, max_size=6, unique=True)


class Meters:
    """Meters that answer at the same moment; where two speak at once every bit is 0 that one of them pulls down."""

    def __init__(self, found: Sequence[str], edition: str = "dlt645-2007", echo: bool = False) -> None:
        self.asked: list[Frame] = []
        self._found, self._edition, self._echo = found, edition, echo
        self._came: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        (frame,) = Decoder().feed(data)
        self.asked.append(frame)
        replies = [self._reply(a, frame) for a in self._found if same_address(frame.address, a)]
        both = bytes(_and(column) for column in zip_longest(*filter(None, replies), fillvalue=IDLE))
        said = (data if self._echo else b"") + both
        if said:
            wait = (len(data) + 1) * WIRE.byte_s + DELAY_S
            asyncio.get_running_loop().call_later(wait, self._came.put_nowait, said)

    async def read(self, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(max(timeout_s, 0.0)):
                return await self._came.get()
        except TimeoutError:
            return b""

    async def set(self, wire: Wire) -> None: ...

    async def close(self) -> None: ...

    def _reply(self, address: str, frame: Frame) -> bytes:
        known = {"dlt645-2007": (0x11, 0x13), "dlt645-1997": (0x01,)}[self._edition]
        if frame.control not in known:
            return b""
        data = bytes.fromhex(address)[::-1] if frame.control == 0x13 else frame.data + bytes(4)
        return WAKE_UP + encode(Frame(address, frame.control | 0x80, data))


def _and(column: Sequence[int]) -> int:
    value = IDLE
    for byte in column:
        value &= byte
    return value


def searched(meters: Meters, edition: str = "dlt645-2007") -> tuple[list[str], Search645]:
    async def opened() -> Link:
        return meters

    async def search() -> tuple[list[str], Search645]:
        bus = Bus("line", opened, wire=WIRE, quiet_s=0.05, frame_gap_s=0.1)
        looking = Search645(Port(bus, WIRE, 0.02), edition, lambda count: None, lambda: None)
        return [address async for address in looking.addresses()], looking

    return run(search())


def hidden(found: Sequence[str], edition: str) -> bool:
    """Whether some of them answer together exactly what one of them would: then nothing tells that there are more."""
    questions = [(0x11, bytes(4)), (0x13, b"")] if edition == EDITIONS[0] else [(0x01, bytes(2))]
    meters = Meters(found, edition)
    for control, data in questions:
        asked = Frame("A" * 12, control, data)
        replies = [meters._reply(address, asked)[len(WAKE_UP) :] for address in found]
        groups = (group for size in range(2, len(found) + 1) for group in combinations(replies, size))
        if any(Decoder().feed(bytes(_and(column) for column in zip(*group, strict=True))) for group in groups):
            return True
    return False


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_single_meter_is_found_with_the_wildcard(edition: str) -> None:
    meters = Meters(["201709320072"], edition)
    assert searched(meters, edition)[0] == ["201709320072"]
    assert len(meters.asked) == 2  # the second time by its address


@settings(max_examples=15, deadline=None)
@given(addresses, st.sampled_from(EDITIONS), st.booleans())
def test_every_meter_is_found_where_their_replies_collide(found: list[str], edition: str, echo: bool) -> None:
    assume(not hidden(found, edition))
    told, search = searched(Meters(found, edition, echo), edition)
    assert sorted(told) == sorted(found)
    assert search.collided == []


def test_two_replies_that_make_a_sound_third_one_are_told_apart() -> None:
    """11 and 12 at once are 10, in the address and in the checksum: a meter that does not exist."""
    found = ["110000000161", "120000000161", "000000000162"]
    assert sorted(searched(Meters(found))[0]) == sorted(found)


def test_two_meters_under_one_address_look_like_one() -> None:
    """Equal replies are one reply; nothing on the line tells otherwise."""
    assert searched(Meters(["000000000161", "000000000161"]))[0] == ["000000000161"]


def test_an_edition_that_nobody_speaks_finds_nobody() -> None:
    meters = Meters(["000000000161"], "dlt645-1997")
    assert searched(meters)[0] == []
    assert len(meters.asked) == 2


def test_noise_that_answers_everything_ends_the_search() -> None:
    class Noise(Meters):
        async def write(self, data: bytes) -> None:
            self._came.put_nowait(b"\x12\x34\x56")

    told, search = searched(Noise([]))
    assert (told, search.collided) == ([], [""])


def test_the_search_asks_for_addresses_and_energy_and_for_nothing_else() -> None:
    meters = Meters(["110000000161", "120000000161"])
    searched(meters)
    assert {frame.control for frame in meters.asked} == {0x11, 0x13}
    assert {frame.data[3::-1].hex() for frame in meters.asked if frame.control == 0x11} == {"00010000"}
