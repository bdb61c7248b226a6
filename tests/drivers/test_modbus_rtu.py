"""The Modbus RTU codec: frames found in any noise, and replies taken only where they are meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import drivers.modbus
from drivers.modbus import pdu, rtu, tcp
from drivers.modbus.rtu import Decoder, Frame, encode, reply_to
from drivers.modbus.unit import RtuReply


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Frame, Frame]:
    """A question and a reply to it: data, or a refusal."""
    function, unit = draw(st.sampled_from(pdu.READS)), draw(st.integers(1, 247))
    count = draw(st.integers(1, 24) if function in pdu.BIT_FUNCTIONS else st.integers(1, 20))
    asked = pdu.read_pdu(function, draw(st.integers(0, 0xFFFF - 24)), count)
    if draw(st.integers(0, 4)) == 0:
        reply = bytes([function | pdu.EXCEPTION, draw(st.integers(1, 11))])
    else:
        size = pdu.data_size(asked)
        reply = bytes([function, size]) + draw(st.binary(min_size=size, max_size=size))
    assume(reply != asked)
    return Frame(unit, asked), Frame(unit, reply)


def decode(asked: Frame, data: bytes) -> list[Frame]:
    return Decoder(reply_to(asked), bytes([asked.unit])).feed(data)


@given(exchanges())
def test_what_is_encoded_is_decoded(pair: tuple[Frame, Frame]) -> None:
    asked, reply = pair
    assert decode(asked, encode(reply)) == [reply]
    assert rtu.crc(encode(reply)) == 0


@given(exchanges(), st.integers(1, 3), st.data())
def test_frames_back_to_back_and_split_anywhere_are_the_same_frames(
    pair: tuple[Frame, Frame], times: int, data: st.DataObject
) -> None:
    asked, reply = pair
    raw = encode(reply) * times
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    decoder = Decoder(reply_to(asked), bytes([asked.unit]))
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += decoder.feed(raw[start:end])
    assert found == [reply] * times
    assert decoder.dropped == decoder.pending == 0


@given(st.binary(max_size=300), exchanges(), st.binary(max_size=30))
def test_noise_around_a_frame_loses_no_frame(before: bytes, pair: tuple[Frame, Frame], after: bytes) -> None:
    asked, reply = pair
    assert reply in decode(asked, before + encode(reply) + after)


@given(exchanges(), st.integers(0, 255))
def test_one_stray_byte_before_the_reply_does_not_delay_it(pair: tuple[Frame, Frame], stray: int) -> None:
    """The frame is there with its last byte, not after the silence behind it."""
    asked, reply = pair
    assert RtuReply(asked).feed(bytes([stray]) + encode(reply)) == reply


@given(exchanges())
def test_the_echo_of_the_question_is_no_reply_and_no_damage(pair: tuple[Frame, Frame]) -> None:
    asked, reply = pair
    waiting = RtuReply(asked)
    assert waiting.feed(encode(asked)) is None
    assert waiting.flush() is None
    assert not waiting.damaged()
    assert waiting.feed(encode(reply)) == reply


def test_an_echo_that_has_the_shape_of_a_reply_is_no_reply() -> None:
    """17 coils from 0300H: the question is a sound reply to itself, byte for byte."""
    asked = Frame(1, pdu.read_pdu(1, 0x0300, 17))
    waiting = RtuReply(asked)
    assert [waiting.feed(encode(asked)[i : i + 1]) for i in range(8)] == [None] * 8
    reply = Frame(1, bytes([1, 3, 0xFF, 0x00, 0x01]))
    assert waiting.feed(encode(reply)) == reply


@given(exchanges(), exchanges())
def test_a_reply_to_another_question_is_not_taken(pair: tuple[Frame, Frame], other: tuple[Frame, Frame]) -> None:
    asked, _ = pair
    _, stranger = other
    assume(asked.unit != stranger.unit or not pdu.answers(stranger.pdu, asked.pdu))
    waiting = RtuReply(asked)
    assert waiting.feed(encode(stranger)) is None
    assert waiting.damaged()


@pytest.mark.parametrize("reply", ["03083f80000042f60000", "8302", "03080304030403040304"])
def test_no_flipped_bit_and_no_two_flipped_bits_yield_a_value(reply: str) -> None:
    asked = Frame(3, pdu.read_pdu(3, 0, 4))
    raw = encode(Frame(3, bytes.fromhex(reply)))
    bits = range(8 * len(raw))
    for first in bits:
        for second in bits[first:]:
            flipped = bytearray(raw)
            for bit in {first, second}:
                flipped[bit // 8] ^= 1 << bit % 8
            assert decode(asked, bytes(flipped)) == []


def test_the_package_can_build_nothing_but_reads() -> None:
    """Functions 1 to 4, whatever is asked for, and no other way to build a question."""
    for function in range(256):
        if function not in pdu.READS:
            for build in (pdu.read_pdu, lambda *a: rtu.read_request(1, *a), lambda *a: tcp.read_request(1, 1, *a)):
                with pytest.raises(ValueError, match=str(function)):
                    build(function, 0, 1)
    folder = Path(drivers.modbus.__file__).parent
    sources = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    builders = {name for text in sources.values() for name in re.findall(r"def (\w*(?:request|write)\w*)", text)}
    assert builders == {"read_request", "_is_request"}
    senders = {name for name, text in sources.items() if re.search(r"\.ask\(|\bwrite\(", text)}
    assert senders == {"unit"}
    framing = {name for name, text in sources.items() if re.search(r"\bencode\(", text)}
    assert framing == {"rtu", "tcp", "unit", "explain"}
    assert set(re.findall(r"(?:rtu|tcp)\.Frame\((.*)\)", sources["unit"])) == {
        "next(_transactions) & 0xFFFF, self.number, pdu",
        "self.number, pdu",
    }
    assert sources["unit"].count("read_pdu(") == 1
