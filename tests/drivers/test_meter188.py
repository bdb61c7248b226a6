"""The simulated CJ/T 188 line: it answers its own questions, whatever else is said on the line."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cjt188.codec import METERED, Decoder, Frame, read_address_request, read_request
from drivers.cjt188.fit import laid
from drivers.cjt188.value import local_time
from drivers.dlt645.codec import read_request as read_request645
from drivers.modbus.tcp import read_request as read_request_tcp
from drivers.sim.faults import Fault, Faults
from drivers.sim.meter188 import Line188, Meter188
from drivers.sim.plant import shipped
from tests.drivers.conftest import NOON, noon

ADDRESS = "00051812000177"
WATER = Meter188("w1", ADDRESS, shipped("cjt188-water"), lambda at: {"volume": 12.5, "status": 5.0})


def new_line() -> Line188:
    return Line188([WATER], Faults(), noon)


def answered(faults: Faults) -> Frame:
    (asked,) = Decoder().feed(read_request(0x10, ADDRESS, METERED, 9))
    reply = WATER.answer(asked, faults, NOON)
    assert reply is not None
    return reply


def clock(faults: Faults) -> datetime | None:
    return local_time(laid("water", "901F", answered(faults).data[3:]).parts["clock"][1])


def test_the_meters_clock_is_local_and_an_hour_behind_when_told_so() -> None:
    faults = Faults()
    assert clock(faults) == datetime(2026, 1, 7, 12, 3)
    faults.set("w1", Fault.CLOCK_OFF)
    assert clock(faults) == datetime(2026, 1, 7, 11, 3)


def test_what_the_meter_does_not_measure_is_filler() -> None:
    found = laid("water", "901F", answered(Faults()).data[3:]).values
    assert (found["settled_volume"].reason, found["volume"].number) == ("filler", 12.5)


@pytest.mark.parametrize("control", [0x04, 0x15, 0x16, 0x09, 0x81])
def test_the_meter_stays_silent_to_all_but_reads(control: int) -> None:
    asked = Frame(0x10, ADDRESS, control, METERED + b"\0")
    assert WATER.answer(asked, Faults(), NOON) is None


def test_the_only_meter_on_a_line_says_its_address() -> None:
    ((_, sent),) = new_line().feed(read_address_request())
    (reply,) = Decoder().feed(sent)
    assert (reply.address, reply.control) == (ADDRESS, 0x83)


def test_an_echoing_line_gives_back_the_question_before_the_answer() -> None:
    faults = Faults()
    faults.set("w1", Fault.ECHO)
    question = read_request(0x10, ADDRESS, METERED, 5)
    ((_, sent),) = Line188([WATER], faults, noon).feed(question)
    assert sent.startswith(question)
    assert [f.is_reply for f in Decoder().feed(sent)] == [False, True]


# Half a question to this line's own meter, and whole frames of the other protocols on it.
STRANGERS = [
    read_request(0x10, ADDRESS, METERED, 1)[:12],
    read_request645("000000000011", "00010000"),
    read_request645("000000000010", "00010000")[:-5],
    read_request_tcp(1, 1, 4, 0, 10),
    bytes.fromhex("010400000031701e"),  # Modbus RTU
]


@given(st.lists(st.sampled_from(STRANGERS), max_size=6), st.booleans())
def test_the_line_survives_the_frames_of_other_protocols(before: list[bytes], quiet: bool) -> None:
    line = new_line()
    for frame in before:
        assert line.feed(frame) == []
    if quiet:
        line.quiet()
    ((_, sent),) = line.feed(read_request(0x10, ADDRESS, METERED, 5))
    (reply,) = Decoder().feed(sent)
    assert (reply.address, reply.data[2]) == (ADDRESS, 5)


def test_a_half_question_is_forgotten_when_the_line_is_quiet() -> None:
    line = new_line()
    question = read_request(0x10, ADDRESS, METERED, 5)
    assert line.feed(question[:15]) == []
    line.quiet()
    assert line.feed(question[15:]) == []
    assert line.feed(question[:15]) == []
    assert len(line.feed(question[15:])) == 1
