"""A line at its true pace: every byte at its time, and nothing that is sent while a reply is on its way."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.build import serial_bus
from drivers.sim.paced import PacedLine, paced
from drivers.wire import Wire

WIRE = Wire(9600, "N", 2)
DELAY_S = 0.01
REPLY = b"answer"


class Parrot:
    """Answers every question alike."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, REPLY)]


class Heard:
    """Waits for the whole reply."""

    def __init__(self) -> None:
        self._came = b""

    def feed(self, data: bytes) -> bytes | None:
        self._came += data
        return self._came if len(self._came) == len(REPLY) else None

    def flush(self) -> bytes | None:
        return None

    def damaged(self) -> bool:
        return False


@given(st.integers(1, 200), st.floats(0, 1000))
def test_a_reply_begins_after_the_question_and_the_delay_and_takes_its_time(asked: int, now: float) -> None:
    line = PacedLine(Parrot(), WIRE, DELAY_S)
    line.sent(bytes(asked), now)
    times = []
    while line.next_at is not None:
        times.append(line.next_at)
        assert len(line.out(line.next_at)) == 1
    assert times[0] == pytest.approx(now + (asked + 1) * WIRE.byte_s + DELAY_S)
    assert all(b - a == pytest.approx(WIRE.byte_s) for a, b in pairwise(times))


def test_nothing_comes_before_its_time_and_all_that_is_due_at_once() -> None:
    line = PacedLine(Parrot(), WIRE, DELAY_S)
    line.sent(b"?", 0.0)
    assert line.out(WIRE.byte_s + DELAY_S) == b""
    assert line.out(1.0) == REPLY


def test_what_is_sent_into_a_reply_is_lost() -> None:
    line = PacedLine(Parrot(), WIRE, DELAY_S)
    line.sent(b"?", 0.0)
    line.sent(b"?", 0.001)
    assert line.out(1.0) == REPLY


async def test_a_real_port_takes_the_calculated_time_and_not_less() -> None:
    least = (1 + len(REPLY)) * WIRE.byte_s + DELAY_S
    with paced(Parrot, WIRE, DELAY_S) as port:
        bus = serial_bus("paced", str(port), WIRE)
        try:
            await bus.connect()
            begun = time.monotonic()
            assert await bus.ask(b"?", Heard(), 1.0) == REPLY
            assert time.monotonic() - begun >= least
        finally:
            await bus.close()
