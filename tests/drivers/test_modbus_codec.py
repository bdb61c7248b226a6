"""The Modbus TCP codec, registers to numbers and the plan of reads."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.pdu import FORMATS, answers, number, registers, width
from drivers.modbus.plan import plan, singly
from drivers.modbus.tcp import Decoder, Frame, encode
from drivers.profile import Item

ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]


def reply(function: int, data: bytes) -> bytes:
    return bytes([function, len(data)]) + data


pdus = st.builds(reply, st.sampled_from([1, 2, 3, 4]), st.binary(min_size=2, max_size=60)) | st.builds(
    lambda f, c: bytes([f | 0x80, c]), st.sampled_from([1, 2, 3, 4]), st.integers(1, 11)
)
frames = st.builds(Frame, st.integers(0, 0xFFFF), st.integers(0, 255), pdus)


def decode(data: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(data) + decoder.flush()


@given(frames)
def test_what_is_encoded_is_decoded(frame: Frame) -> None:
    assert decode(encode(frame)) == [frame]


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_frames_split_anywhere_are_the_same_frames(sent: list[Frame], data: st.DataObject) -> None:
    raw = b"".join(encode(f) for f in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    decoder = Decoder()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += decoder.feed(raw[start:end])
    assert found == sent
    assert decoder.dropped == decoder.pending == 0


@given(st.binary(max_size=30), frames, st.binary(max_size=30))
def test_noise_around_a_frame_loses_no_frame(before: bytes, frame: Frame, after: bytes) -> None:
    assert frame in decode(before + encode(frame) + after)


@given(st.data())
def test_a_flipped_bit_in_the_head_never_yields_the_awaited_reply(data: st.DataObject) -> None:
    """MBAP has no checksum of its own; what can be checked is checked, TCP guards the rest."""
    frame = Frame(0x1234, 7, reply(4, bytes(4)))
    raw = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * 9 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert not [f for f in decode(bytes(raw)) if (f.transaction, f.unit, f.pdu[0]) == (0x1234, 7, 4)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", list(FORMATS))
def test_every_type_in_every_order_comes_back(kind: str, order: str) -> None:
    item = Item("count", type=kind, order=order, scale=0.5, offset=3.0)  # type: ignore[arg-type]
    value = -1021.5 if kind[0] in "if" else 1021.5
    raw = registers(value, item)
    assert len(raw) == 2 * width(item)
    assert number(raw, item) == value


@pytest.mark.parametrize(
    ("order", "raw"), [("ABCD", "3f800000"), ("CDAB", "00003f80"), ("BADC", "803f0000"), ("DCBA", "0000803f")]
)
def test_the_four_orders_stand_as_they_are_named(order: str, raw: str) -> None:
    item = Item("count", type="float32", order=order)  # type: ignore[arg-type]
    assert number(bytes.fromhex(raw), item) == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_nan_and_infinity_are_absent(kind: str, value: float) -> None:
    item = Item("count", type=kind)  # type: ignore[arg-type]
    assert number(struct.pack(">" + FORMATS[kind], value), item) is None


def test_a_value_that_means_no_sensor_is_absent() -> None:
    assert number(b"\x80\x00", Item("temperature", type="int16", absent=[-32768])) is None
    assert number(b"\x80\x00", Item("temperature", type="int16", absent=[32768])) is None
    assert number(b"\x80\x01", Item("temperature", type="int16", absent=[32768])) == -32767


@pytest.mark.parametrize(
    ("asked", "pdu", "fits"),
    [
        ("0300000002", "030411112222", True),
        ("0300000002", "030211112222", False),  # says another length than it has
        ("0300000002", "03021111", False),
        ("0300000002", "040411112222", False),
        ("0300000002", "8302", True),
        ("0300000002", "8402", False),
        ("0300000002", "83", False),
        ("010000000b", "0102ff07", True),
        ("0103000011", "0103000011", False),  # 17 bits: the question itself has the shape of a reply
        ("0103000011", "0103000012", True),
    ],
)
def test_a_reply_fits_the_question_in_function_and_length(asked: str, pdu: str, fits: bool) -> None:
    assert answers(bytes.fromhex(pdu), bytes.fromhex(asked)) is fits


def test_neighbours_are_read_together_and_holes_never() -> None:
    items = {
        "a": Item("voltage", function=4, register=0, type="float32"),
        "c": Item("voltage", function=4, register=5),
        "b": Item("voltage", function=4, register=2, type="float32"),
        "d": Item("voltage", function=3, register=6),
    }
    blocks = plan(items)
    assert [(b.function, b.start, b.count, b.names) for b in blocks] == [
        (3, 6, 1, ("d",)),
        (4, 0, 4, ("a", "b")),
        (4, 5, 1, ("c",)),
    ]
    assert [(b.start, b.count) for b in singly(blocks[1], items)] == [(0, 2), (2, 2)]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=300, unique=True))
def test_no_read_is_longer_than_125_registers_and_no_item_is_left_out(places: list[int]) -> None:
    items = {f"i{p}": Item("count", register=p) for p in places}
    blocks = plan(items)
    assert max(b.count for b in blocks) <= 125
    assert sorted(n for b in blocks for n in b.names) == sorted(items)
    assert sum(b.count for b in blocks) == len(places)


def test_bits_are_cut_from_their_byte() -> None:
    items = {f"b{i}": Item("link_state", function=2, register=10 + i) for i in range(10)}
    (block,) = plan(items)
    cut = [number(block.cut(bytes([0b101, 0b10]), item), item) for item in items.values()]
    assert cut == [1, 0, 1, 0, 0, 0, 0, 0, 0, 1]
