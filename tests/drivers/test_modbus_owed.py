"""Whatever the delays of a serial line's replies, in whatever order they come, no value stands under a wrong name."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.bus import Bus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.exchange import now
from drivers.link import Link
from drivers.modbus import rtu
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.owed import LATE, MOST
from drivers.modbus.pdu import read_pdu
from drivers.modbus.unit import RtuReply, Unit
from drivers.profile import Profile
from drivers.sim.carrier import MemoryLink, Responder
from drivers.sim.faults import Faults
from drivers.sim.modbus_slave import SlaveLineRtu
from tests.drivers.conftest import noon
from tests.drivers.heat_pumps import profile, slave
from tests.virtual import run

TIMEOUT_S = 1.0
SOON_S = 0.02  # of a unit that is in time
UNITS = (1, 2)
REGISTERS = (100, 200, 300, 301, 400, 500)  # three questions for one register, and one for two
SHAPE: Profile = profile(*REGISTERS)
VALUES = {"r100": 0.0, "r200": 0.0, "r300": 7.0, "r301": 8.0, "r400": 0.0, "r500": 5.0}
LOST, DAMAGED = "lost", "damaged"
Fate = float | str  # of one reply: seconds that it takes, or what becomes of it


class Line:
    """Units each of whose replies meets the next fate; no reply waits for another one."""

    def __init__(self, fates: Iterable[Fate], shape: Profile = SHAPE) -> None:
        slaves = [slave(f"d{u}", u, VALUES, shape) for u in UNITS]
        self._line: Responder = SlaveLineRtu(slaves, Faults(), noon)
        self._fates = iter(fates)
        self.asked = 0

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        found = []
        for _, reply in self._line.feed(data):
            self.asked += 1
            fate = next(self._fates)
            if fate == DAMAGED:
                found.append((SOON_S, reply[:-1] + bytes([reply[-1] ^ 1])))
            elif isinstance(fate, float):
                found.append((fate, reply))
        return found


def bus_to(line: Line, quiet_s: float = 0.5) -> Bus:
    async def opened() -> Link:
        return MemoryLink(line)

    return Bus("memory", opened, quiet_s=quiet_s, gap_s=0.001)


def drivers(bus: Bus, timeout_s: float = TIMEOUT_S) -> list[ModbusDriver]:
    return [ModbusDriver(Device(f"d{u}", SHAPE, unit=u, timeout=timeout_s), bus, noon) for u in UNITS]


async def good_values(polls: Sequence[ModbusDriver], pauses: Iterable[float]) -> int:
    """How many came, after a look at each; the drivers in turn, one cycle after each pause."""
    good = 0
    for driver, pause in zip(itertools.cycle(polls), pauses, strict=False):
        await asyncio.sleep(pause)
        try:
            readings = await driver.read()
        except LinkError:
            continue
        for reading in readings:
            assert reading.reason != "illegal_address"
            if reading.value is not None:
                assert reading.value == VALUES[reading.tag.partition(".")[2]]
                good += 1
    return good


late = st.floats(0.0, LATE * TIMEOUT_S)
fates = st.one_of(
    st.just(SOON_S),
    late,
    st.floats(0.8 * TIMEOUT_S, 1.7 * TIMEOUT_S),
    st.sampled_from([LOST, DAMAGED]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(fates, min_size=1, max_size=12),
    st.lists(st.sampled_from([0.0, 0.3, 1.1, 2.5, 4.0, 6.0]), min_size=1, max_size=4),
    st.sampled_from([0.0, 0.005, 0.5]),
)
def test_no_delay_puts_a_value_under_a_wrong_name(said: list[Fate], pauses: list[float], quiet_s: float) -> None:
    bus = bus_to(Line(itertools.cycle(said)), quiet_s)
    run(good_values(drivers(bus), itertools.islice(itertools.cycle(pauses), 25)))


@settings(max_examples=60, deadline=None)
@given(late.filter(lambda s: s > TIMEOUT_S + 0.01), st.sampled_from([0.005, 0.5]))
def test_a_unit_that_is_always_late_gives_nothing_wrong(delay: float, quiet_s: float) -> None:
    bus = bus_to(Line(itertools.repeat(delay)), quiet_s)
    run(good_values(drivers(bus), itertools.repeat(0.0, 25)))


@pytest.mark.parametrize("delay", [1.2, 1.6, 2.5, 4.9])
def test_a_polled_unit_that_is_always_late_has_no_value_at_all(delay: float) -> None:
    polls = drivers(bus_to(Line(itertools.repeat(delay))))
    assert run(good_values(polls, itertools.repeat(5.0, 12))) == 0


def test_one_lost_reply_costs_one_cycle_and_hardly_a_question_more() -> None:
    """Polled every five seconds, as a plant is at its quickest with such a timeout."""
    line = Line(itertools.chain([LOST], itertools.repeat(SOON_S)))
    polls = drivers(bus_to(line))[:1]
    assert run(good_values(polls, itertools.repeat(6.0, 11))) == 10 * len(VALUES)
    assert line.asked == 1 + 10 * 5


def test_a_question_of_another_shape_is_answered_once() -> None:
    line = Line(itertools.chain([LOST], itertools.repeat(SOON_S)))

    async def ask() -> int:
        unit = Unit(bus_to(line), 1, TIMEOUT_S)
        with pytest.raises(LinkError):
            await unit.read(3, 100, 1)
        assert await unit.read(3, 300, 2) == b"\0\7\0\x08"
        return line.asked

    assert run(ask()) == 2


def test_after_a_loss_the_same_answer_twice_is_sound_at_once() -> None:
    line = Line(itertools.chain([LOST], itertools.repeat(SOON_S)))

    async def ask() -> tuple[int, float]:
        unit = Unit(bus_to(line), 1, TIMEOUT_S)
        with pytest.raises(LinkError):
            await unit.read(3, 100, 1)
        lost = now()
        assert await unit.read(3, 300, 1) == b"\0\7"
        return line.asked, now() - lost

    asked, took_s = run(ask())
    assert asked == 3
    assert took_s < 0.5 + 4 * SOON_S  # the quiet of the line, and two questions


def test_a_refusal_that_comes_late_does_not_refuse_another_question() -> None:
    """Register 900 is not there; its refusal looks like that of any other."""
    line = Line(itertools.chain([1.8], itertools.repeat(SOON_S)))

    async def ask() -> bytes:
        unit = Unit(bus_to(line, quiet_s=0.005), 1, TIMEOUT_S)
        with pytest.raises(LinkError):
            await unit.read(3, 900, 1)
        return await unit.read(3, 300, 2)

    assert run(ask()) == b"\0\7\0\x08"


def test_a_damaged_reply_is_not_owed_any_more() -> None:
    line = Line(itertools.chain([DAMAGED], itertools.repeat(SOON_S)))

    async def ask() -> int:
        unit = Unit(bus_to(line), 1, TIMEOUT_S)
        with pytest.raises(LinkError):
            await unit.read(3, 100, 1)
        await unit.read(3, 500, 1)
        return line.asked

    assert run(ask()) == 2


def test_the_echo_of_a_question_is_no_reply() -> None:
    """Register 512 is 02 00: its echo begins as a reply of two bytes does."""
    echo = rtu.read_request(1, 3, 512, 1)
    waiting = RtuReply(rtu.Frame(1, read_pdu(3, 512, 1)))
    waiting.feed(b"\xff" + echo)
    assert not waiting.has_spoken
    waiting.feed(rtu.encode(rtu.Frame(1, b"\3\2\0\7"))[:-1] + b"\0")
    assert waiting.has_spoken


def test_who_owes_too_much_is_left_alone_until_it_owes_nothing() -> None:
    line = Line(itertools.repeat(SOON_S))

    async def ask() -> int:
        unit = Unit(bus_to(line, quiet_s=0.0), 1, TIMEOUT_S)
        for _ in range(MOST + 1):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SOON_S / 2):
                    await unit.read(3, 100, 1)
        asked = line.asked
        with pytest.raises(LinkError, match="late_reply"):
            await unit.read(3, 100, 1)
        assert line.asked == asked
        await asyncio.sleep(LATE * TIMEOUT_S)
        assert await unit.read(3, 500, 1) == b"\0\5"
        return line.asked - asked

    assert run(ask()) == 1
