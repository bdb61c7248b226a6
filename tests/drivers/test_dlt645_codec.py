"""The DL/T 645 codec: nothing is lost, nothing is invented, nothing but reads can be built."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bcd import BadValueError, bcd, number
from drivers.dlt645 import codec
from drivers.dlt645.codec import Decoder, Frame, encode, read_request, same_address

addresses = st.text("0123456789", min_size=12, max_size=12)
controls = st.sampled_from([0x91, 0xB1, 0xD1, 0x11, 0x92, 0x93, 0x01, 0x81, 0xA1, 0xC1, 0x82])
frames = st.builds(Frame, addresses, controls, st.binary(max_size=60))
wake_ups = st.integers(0, 6).map(lambda n: b"\xfe" * n)


def decode(data: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(data) + decoder.flush()


@given(wake_ups, frames)
def test_what_is_encoded_is_decoded(wake_up: bytes, frame: Frame) -> None:
    assert decode(wake_up + encode(frame)) == [frame]


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_frames_split_anywhere_are_the_same_frames(sent: list[Frame], data: st.DataObject) -> None:
    raw = b"".join(codec.WAKE_UP + encode(f) for f in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    decoder = Decoder()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += decoder.feed(raw[start:end])
    assert found == sent
    assert decoder.dropped == decoder.pending == 0


@given(st.binary(max_size=40), frames, st.binary(max_size=40))
def test_noise_around_a_frame_loses_no_frame(before: bytes, frame: Frame, after: bytes) -> None:
    assert frame in decode(before + encode(frame) + after)


@given(frames)
def test_a_false_start_before_a_frame_loses_no_frame(frame: Frame) -> None:
    false_start = bytes.fromhex("6811223344556668 91c8")
    decoder = Decoder()
    assert decoder.feed(false_start + encode(frame)) + decoder.flush() == [frame]
    assert decoder.dropped == len(false_start)


@given(frames, st.data())
def test_a_flipped_bit_never_yields_a_frame(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(raw)) == []


def test_start_end_and_wake_up_bytes_inside_a_frame_are_data() -> None:
    """Data 35H, E3H and CBH travel as 68H, 16H and FEH."""
    frame = Frame("681668166816", 0x91, bytes.fromhex("35e3cb35e3cb"))
    assert decode(b"\xfe\xfe" + encode(frame)) == [frame]


@given(st.integers(1, 6), st.data())
def test_a_value_comes_back_with_its_decimals_and_sign(size: int, data: st.DataObject) -> None:
    decimals = data.draw(st.integers(0, 4))
    signed = data.draw(st.booleans())
    most = (8 if signed else 10) * 10 ** (2 * size - 1) - 1
    whole = data.draw(st.integers(-most if signed else 0, most))
    value = whole / 10**decimals
    assert number(bcd(value, size, decimals, signed), decimals, signed) == value


def test_unsigned_energy_above_800000_is_not_negative() -> None:
    assert number(bytes.fromhex("00004584"), 2, signed=False) == 844500.00
    assert number(bytes.fromhex("00004584"), 2, signed=True) == -44500.00


@pytest.mark.parametrize(("raw", "signed"), [("ffff", False), ("ffff", True), ("ffffffff", False)])
def test_filler_is_absent(raw: str, signed: bool) -> None:
    assert number(bytes.fromhex(raw), 1, signed) is None


@given(st.binary(min_size=1, max_size=6), st.booleans())
def test_bytes_that_are_not_bcd_are_never_a_number(raw: bytes, signed: bool) -> None:
    digits = bytearray(raw[::-1])
    if signed:
        digits[0] &= 0x7F
    if digits.hex().isdecimal():
        assert number(raw, 0, signed) is not None
    elif set(raw) == {0xFF}:
        assert number(raw, 0, signed) is None
    else:
        with pytest.raises(BadValueError):
            number(raw, 0, signed)


def test_a_value_that_does_not_fit_is_refused() -> None:
    for value, signed in ((1_000_000.0, False), (-1.0, False), (800_000.0, True)):
        with pytest.raises(OverflowError):
            bcd(value, 4, 2, signed)


def test_an_abbreviated_address_accepts_what_it_stands_for() -> None:
    assert same_address("AAAAAAAAAAAA", "000000000161")
    assert same_address("AAAAAAAA0161", "000000000161")
    assert not same_address("000000000161", "000000000162")


@pytest.mark.parametrize("control", sorted(set(range(0x20)) - set(codec.READS)))
def test_only_reads_can_be_built(control: int) -> None:
    """Neither a write, a relay or a clear command, nor the reply to one."""
    for bits in (0, codec.REPLY, codec.REPLY | codec.ERROR, codec.MORE):
        with pytest.raises(ValueError, match="control"):
            encode(Frame("1" * 12, control | bits, b""))


def test_every_request_of_the_codec_is_a_read() -> None:
    builders: dict[str, Callable[[], bytes]] = {
        "read_request": lambda: read_request("1" * 12, "00010000"),
        "read_next_request": lambda: codec.read_next_request("1" * 12, "00010000", 1),
        "read_address_request": lambda: codec.read_address_request(),
        "read_address_request_1997": lambda: codec.read_address_request_1997(),
    }
    assert {n for n in vars(codec) if "_request" in n} == set(builders)
    assert [decode(build())[0].control for build in builders.values()] == [0x11, 0x12, 0x13, 0x01]
    assert decode(read_request("1" * 12, "9010"))[0].control == 0x01
    assert decode(codec.read_next_request("1" * 12, "9010", 1))[0].control == 0x02


def test_no_other_file_of_the_driver_builds_frames() -> None:
    for path in Path(codec.__file__).parent.glob("*.py"):
        if path.name != "codec.py":
            assert not re.search(r"\bencode\b|\bFrame\(", path.read_text(encoding="utf-8")), path.name


def test_the_identifier_of_the_older_edition_is_two_bytes_low_byte_first() -> None:
    """As captured: KTS-Intek/DLT645, test-exchange-dlt645-97.log."""
    assert read_request("9" * 12, "B611").lstrip(b"\xfe").hex() == "6899999999999968010244e99616"
    assert codec.read_address_request_1997().lstrip(b"\xfe").hex() == "6899999999999968010265f3c116"
