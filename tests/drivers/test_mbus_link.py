"""The M-Bus link layer: frames in whatever else is on a line, addresses, the frame count bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drivers.mbus.link as link
from drivers.mbus.address import Secondary, address_of, is_from, maker_of, secondary_of
from drivers.mbus.frame_count import FrameCount
from drivers.mbus.link import (
    FCB,
    REQ_UD2,
    RSP_UD,
    SELECTED,
    SND_NKE,
    SND_UD,
    Ack,
    Decoder,
    Frame,
    Heard,
    data_request,
    decoded,
    encode,
    reset_request,
    select_request,
)

data = st.binary(max_size=252)
primaries = st.integers(0, 255)
replies = st.builds(Frame, st.sampled_from([0x08, 0x18, 0x28, 0x38]), primaries, st.integers(0, 255), data)
shorts = st.builds(Frame, st.sampled_from([SND_NKE, REQ_UD2, REQ_UD2 | FCB]), primaries)
frames: st.SearchStrategy[Heard] = st.one_of(replies, shorts, st.just(Ack()))
digits = st.text("0123456789", min_size=8, max_size=8)
hexes = st.text("0123456789ABCDEF", min_size=2, max_size=2)
secondaries = st.builds(lambda n, a, b, v, m: Secondary(n, a + b, v, m), digits, hexes, hexes, hexes, hexes)


def heard(raw: bytes) -> list[Heard]:
    decoder = Decoder()
    found = decoder.feed(raw)
    while more := decoder.flush():
        found += more
    return found


@given(frames)
def test_a_frame_that_is_encoded_is_decoded_to_the_same(frame: Heard) -> None:
    assert Decoder().feed(encode(frame)) == [frame]
    assert decoded(encode(frame)) == frame


@given(st.lists(frames, max_size=4), st.data())
def test_frames_back_to_back_are_found_however_the_bytes_are_split(sent: list[Heard], draw: st.DataObject) -> None:
    raw = b"".join(encode(frame) for frame in sent)
    decoder, found, at = Decoder(), list[Heard](), 0
    while at < len(raw):
        size = draw.draw(st.integers(1, 40))
        found += decoder.feed(raw[at : at + size])
        at += size
    assert (found, decoder.dropped, decoder.pending) == (sent, 0, 0)


@given(frames, st.binary(max_size=12), st.binary(max_size=12))
def test_noise_around_a_frame_loses_no_frame(frame: Heard, before: bytes, after: bytes) -> None:
    assert frame in heard(before + encode(frame) + after)


@given(st.integers(0, 15), st.integers(0, 15), st.lists(st.integers(0, 15), max_size=60), st.data())
def test_a_flipped_bit_never_yields_a_reply(address: int, ci: int, values: list[int], draw: st.DataObject) -> None:
    """The bytes inside are small, so that no frame stands within the frame."""
    raw = bytearray(encode(Frame(RSP_UD, address, ci, bytes(values))))
    raw[draw.draw(st.integers(0, len(raw) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert [f for f in heard(bytes(raw)) if isinstance(f, Frame) and f.is_reply] == []


def test_a_start_without_an_end_hides_nothing_behind_it() -> None:
    reply = Frame(RSP_UD, 5, 0x78, b"\x04\x13\x01\x00\x00\x00")
    assert heard(bytes.fromhex("68ffff68") + encode(reply)) == [reply]
    assert heard(b"\x10\x40" + encode(reply)) == [reply]


@pytest.mark.parametrize("raw", ["6802026808010916", "6803046808017808", "681010680801", "10400141", "1040014117"])
def test_what_breaks_a_rule_of_the_frame_is_none(raw: str) -> None:
    """Too short a length, lengths that differ, an end that is missing or another byte."""
    assert heard(bytes.fromhex(raw)) == []


def test_the_frames_of_the_standard_are_these_bytes() -> None:
    """protocols.md 2.6; the selection as libmbus packs it (mbus_frame_select_secondary_pack)."""
    assert reset_request(1) == bytes.fromhex("1040014116")
    assert data_request(1, True) == bytes.fromhex("107B017C16")
    assert data_request(1, False) == bytes.fromhex("105B015C16")
    wanted = address_of("14491001105701 06".replace(" ", ""))
    assert isinstance(wanted, Secondary)
    assert select_request(wanted.wire) == bytes.fromhex("680B0B6873FD520110491410570106") + b"\x9e\x16"


@given(st.integers(0, 255), primaries, st.none() | st.integers(0, 255), data)
def test_nothing_but_reset_selection_request_and_a_meters_replies_can_be_built(
    control: int, address: int, ci: int | None, payload: bytes
) -> None:
    frame = Frame(control, address, ci, payload)
    if ci is None:
        allowed = control in (0x40, 0x5B, 0x7B) and not payload
    else:
        selects = ci in (0x52, 0x56) and address == 0xFD and len(payload) == 8 and control in (0x53, 0x73)
        allowed = control in (0x08, 0x18, 0x28, 0x38) or selects
    if allowed:
        encode(frame)
    else:
        with pytest.raises(ValueError, match="control"):
            encode(frame)


def test_the_module_offers_no_other_question() -> None:
    """Data, baud rate, address and application reset of a meter cannot be sent: there is no function for them."""
    assert {name for name in dir(link) if name.endswith("_request")} == {
        "reset_request",
        "select_request",
        "data_request",
    }
    for ci in (0x50, 0x51, 0x54, 0x55, 0xB8, 0xBD):
        with pytest.raises(ValueError, match="control"):
            encode(Frame(SND_UD, SELECTED, ci, b"\x01\x7a\x05"))


def test_a_frame_longer_than_its_length_byte_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match="253 bytes"):
        encode(Frame(RSP_UD, 1, 0x72, bytes(253)))


@given(secondaries)
def test_a_secondary_address_is_the_same_after_the_wire_and_after_its_text(address: Secondary) -> None:
    assert secondary_of(address.wire) == address
    assert address_of(str(address)) == address
    assert address.matches(address)


@given(secondaries, st.sets(st.integers(0, 7)), st.booleans(), st.booleans())
def test_wildcards_match_any_digit_and_any_byte(address: Secondary, at: set[int], maker: bool, medium: bool) -> None:
    number = "".join("F" if i in at else c for i, c in enumerate(address.identification))
    wild = Secondary(number, "FFFF" if maker else address.manufacturer, "FF", "FF" if medium else address.medium)
    assert wild.matches(address)
    other = Secondary(number, wild.manufacturer, "FF", f"{int(address.medium, 16) ^ 1:02X}")
    assert other.matches(address) == (other.medium == "FF")


def test_a_digit_that_differs_does_not_match() -> None:
    wanted = address_of("1234567FFFFFFFFF")
    assert isinstance(wanted, Secondary)
    assert wanted.matches(Secondary("12345670", "AE4C", "0B", "04"))
    assert not wanted.matches(Secondary("12345680", "AE4C", "0B", "04"))


@pytest.mark.parametrize("text", ["", "251", "255", "-1", "1234567890123456X", "12345678", "A2345678AE4C0B04", "1.5"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        address_of(text)


def test_the_real_address_answers_a_question_to_253_and_254_only() -> None:
    assert is_from(253, 7)
    assert is_from(254, 7)
    assert is_from(7, 7)
    assert not is_from(7, 8)
    assert (address_of("254"), address_of("0"), address_of("250")) == (254, 0, 250)


def test_a_makers_letters_are_in_two_bytes() -> None:
    assert [maker_of(bytes.fromhex(code)) for code in ("AE4C", "EE4D", "2D2C", "4204")] == ["SEN", "SON", "KAM", "ABB"]


@given(st.lists(st.sampled_from(["answered", "lost", "reset"]), max_size=30))
def test_the_bit_turns_only_after_a_good_answer(events: list[str]) -> None:
    count, expected = FrameCount(), True
    for event in events:
        if event == "answered":
            count.answered()
            expected = not expected
        elif event == "reset":
            count.reset()
            expected = True
        assert count.bit is expected
