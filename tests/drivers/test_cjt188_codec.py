"""The CJ/T 188 codec: nothing is lost, nothing is invented, nothing but reads can be built."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cjt188 import codec
from drivers.cjt188.codec import ANY_ADDRESS, METERED, Decoder, Frame, encode, read_request

addresses = st.text("0123456789", min_size=14, max_size=14)
types = st.sampled_from([0x10, 0x11, 0x20, 0x30, 0x49, codec.ANY_TYPE])
controls = st.sampled_from([0x01, 0x03, 0x81, 0x83, 0xC1])
frames = st.builds(Frame, types, addresses, controls, st.binary(max_size=60))
wake_ups = st.integers(0, 6).map(lambda n: b"\xfe" * n)


def decode(data: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(data) + decoder.flush()


@given(wake_ups, frames)
def test_what_is_encoded_is_decoded(wake_up: bytes, frame: Frame) -> None:
    assert decode(wake_up + encode(frame)) == [frame]


@given(st.lists(frames, min_size=1, max_size=3), wake_ups, st.data())
def test_frames_back_to_back_split_anywhere_are_the_same_frames(
    sent: list[Frame], wake_up: bytes, data: st.DataObject
) -> None:
    raw = b"".join(wake_up + encode(f) for f in sent)
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
    false_start = bytes.fromhex("6810 112233445566 7781 16 901f")
    decoder = Decoder()
    assert decoder.feed(false_start + encode(frame)) + decoder.flush() == [frame]
    assert decoder.dropped == len(false_start)


@given(frames)
def test_the_frame_of_another_protocol_before_it_costs_no_frame(frame: Frame) -> None:
    dlt645 = bytes.fromhex("fefefefe 68 110000000000 68 11 04 33333433 b7 16")
    assert frame in decode(dlt645 + encode(frame))


@given(frames, st.data())
def test_a_flipped_bit_never_yields_a_frame(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(raw)) == []


def test_start_end_and_wake_up_bytes_inside_a_frame_are_data() -> None:
    frame = Frame(0x10, "16681668166816", 0x81, bytes.fromhex("6816fe6816fe"))
    assert decode(b"\xfe\xfe" + encode(frame)) == [frame]


def test_only_reads_can_be_built() -> None:
    """No function of the room builds a write, a valve or an address command."""
    builders: list[Callable[[], bytes]] = [
        lambda: read_request(0x10, "1" * 14, METERED, 7),
        lambda: codec.read_address_request(),
    ]
    public = {n for n in vars(codec) if n.endswith("_request")}
    assert public == {"read_request", "read_address_request"}
    assert [decode(build())[0].control for build in builders] == [0x01, 0x03]
    for module in Path(codec.__file__).parent.glob("*.py"):
        if module.name != "codec.py":
            assert not re.search(r"\bencode\b|\bFrame\(", module.read_text()), module.name


@given(types, addresses, st.binary(min_size=2, max_size=2), st.integers(0, 255))
def test_whatever_is_asked_is_a_read(meter_type: int, address: str, di: bytes, serial: int) -> None:
    (frame,) = decode(read_request(meter_type, address, di, serial))
    assert (frame.control, frame.data) == (codec.READ, di + bytes([serial]))


@given(st.integers(0, 255), st.binary(max_size=8))
def test_no_frame_with_another_control_can_be_encoded(control: int, data: bytes) -> None:
    frame = Frame(0x10, ANY_ADDRESS, control, data)
    if control & 0x3F in (0x01, 0x03):
        assert encode(frame)[9] == control
    else:
        with pytest.raises(ValueError, match="control"):
            encode(frame)
