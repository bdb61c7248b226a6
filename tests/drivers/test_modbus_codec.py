"""The Modbus TCP codec, and which replies are taken for an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.pdu import answers, read_pdu
from drivers.modbus.tcp import Decoder, Frame, encode
from drivers.modbus.unit import TcpReply


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


ASKED = Frame(0x1234, 7, read_pdu(4, 10, 2))
ANSWER = encode(Frame(0x1234, 7, bytes.fromhex("040411112222")))
LATE = encode(Frame(0x1233, 7, bytes.fromhex("040499999999")))


@pytest.mark.parametrize("before", [b"", LATE, encode(Frame(0x1234, 8, bytes.fromhex("040499999999"))), b"\xff"])
@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_the_answer_is_found_however_the_segments_fall(before: bytes, cut: int) -> None:
    """Alone or behind a late reply, that of another unit or a stray byte; in one segment or in two."""
    waiting, raw = TcpReply(ASKED), before + ANSWER
    found = [waiting.feed(part) for part in (raw[:cut], raw[cut:]) if part]
    assert [f for f in [*found, waiting.flush()] if f] == [bytes.fromhex("040411112222")]


@pytest.mark.parametrize(
    "raw",
    [
        LATE,
        encode(Frame(0x1234, 8, bytes.fromhex("040411112222"))),  # another unit behind the gateway
        ANSWER[:2] + b"\0\1" + ANSWER[4:],  # another protocol
        encode(Frame(0x1234, 7, bytes.fromhex("0402111122"))),  # a wrong byte count
        encode(Frame(0x1234, 7, bytes.fromhex("040211112222"))),
        encode(Frame(0x1234, 7, bytes.fromhex("8302"))),  # a refusal of another function
        ANSWER[:-1],
    ],
)
def test_what_does_not_answer_the_question_is_not_taken(raw: bytes) -> None:
    waiting = TcpReply(ASKED)
    assert waiting.feed(raw) is None
    assert waiting.flush() is None


def test_a_refusal_is_an_answer() -> None:
    assert TcpReply(ASKED).feed(encode(Frame(0x1234, 7, b"\x84\x02"))) == b"\x84\x02"


@given(st.integers(8 * 9, 8 * len(ANSWER) - 1))
def test_over_tcp_a_flipped_bit_of_the_data_is_a_wrong_value_and_nobody_can_tell(bit: int) -> None:
    """Said so that nobody believes otherwise: beyond its head a Modbus TCP frame guards nothing, TCP does."""
    raw = bytearray(ANSWER)
    raw[bit // 8] ^= 1 << bit % 8
    found = TcpReply(ASKED).feed(bytes(raw))
    assert found is not None
    assert found != bytes.fromhex("040411112222")
