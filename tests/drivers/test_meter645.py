"""The simulated meter: it answers reads of its own edition and address, and nothing else."""

from __future__ import annotations

import pytest

from drivers.dlt645.codec import Decoder, Frame, encode, read_address_request, read_next_request, read_request
from drivers.sim.faults import Fault, Faults
from drivers.sim.meter645 import Line645, Meter645
from tests.drivers.conftest import noon
from tests.drivers.meters645 import ADDRESS, profile_of, true_values


def line(edition: str = "2007", faults: Faults | None = None, most: int = 200) -> Line645:
    profile = profile_of(edition)
    true = true_values(profile)
    return Line645([Meter645("m", ADDRESS, profile, lambda _: true, most=most)], faults or Faults(), noon)


def said(line: Line645, request: bytes) -> list[Frame]:
    return Decoder().feed(b"".join(reply for _, reply in line.feed(request)))


def test_it_tells_its_address_in_either_edition() -> None:
    own = bytes.fromhex(ADDRESS)[::-1]
    assert said(line(), read_address_request()) == [Frame(ADDRESS, 0x93, own)]
    assert said(line("1997"), read_request("9" * 12, "C032")) == [Frame(ADDRESS, 0x81, bytes.fromhex("32c0") + own)]


@pytest.mark.parametrize(
    ("edition", "request_bytes"),
    [
        ("2007", read_request("9" * 12, "00010000")),  # 2007: nobody answers a broadcast
        ("2007", read_request(ADDRESS, "9010")),
        ("1997", read_request(ADDRESS, "00010000")),
        ("2007", read_request("000000000001", "00010000")),
        ("2007", bytes.fromhex("68346917081720681c083333333333333333" + "fb16")),
        ("2007", encode(Frame(ADDRESS, 0x91, bytes.fromhex("00000100")))),
    ],
)
def test_what_is_not_a_read_of_its_own_stays_unanswered(edition: str, request_bytes: bytes) -> None:
    assert said(line(edition), request_bytes) == []


def test_a_long_answer_comes_in_numbered_parts() -> None:
    meter = line(most=13)
    first, *_ = said(meter, read_request(ADDRESS, "0001FF00"))
    assert first.control == 0xB1
    data = first.data[4:]
    for sequence in (1, 2):
        (part,) = said(meter, read_next_request(ADDRESS, "0001FF00", sequence))
        assert part.control == (0xB2 if sequence == 1 else 0x92)
        assert part.data[-1] == sequence
        data += part.data[4:-1]
    assert len(data) == 20
    (beyond,) = said(meter, read_next_request(ADDRESS, "0001FF00", 3))
    assert (beyond.control, beyond.data) == (0xD2, b"\x02")


def test_faults_hold_for_blocks_too() -> None:
    faults = Faults()
    meter = line(faults=faults)
    faults.set("m", Fault.ERROR)
    assert said(meter, read_request(ADDRESS, "0201FF00")) == [Frame(ADDRESS, 0xD1, b"\x01")]
    faults.clear("m")
    faults.set("m", Fault.ECHO)
    assert [f.control for f in said(meter, read_request(ADDRESS, "0201FF00"))] == [0x11, 0x91]
    faults.clear("m")
    faults.set("m", Fault.CHECKSUM)
    assert said(meter, read_request(ADDRESS, "0201FF00")) == []
