"""What captured Modbus bytes say, over RTU and over TCP: questions and replies, of any master and any device.

A frame alone may be both: a question, or the reply to another one. What came before it, or a hint, decides;
without either it is taken for a question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drivers.explained import Explained, Hints
from drivers.modbus import rtu, tcp
from drivers.modbus.fields import WITH_REGISTERS, Fields, fields_of
from drivers.modbus.pdu import EXCEPTION, READS, REQUEST, data_size
from drivers.modbus.shape import FUNCTIONS, Side, sizes

RTU, TCP = "modbus-rtu", "modbus-tcp"
GLITCH = 2  # stray bytes around a frame that shall not hide what is wrong with it
SUNSPEC_FROM = 40000  # plain registers from here on may be a chain of models


@dataclass(frozen=True, slots=True)
class Said:
    """One frame of a capture, whatever carried it."""

    unit: int
    side: Side
    pdu: bytes

    @property
    def function(self) -> int:
        return self.pdu[0] & ~EXCEPTION


def explain_rtu(raw: bytes, hints: Hints) -> list[Explained]:
    """The frames of a serial line, noise between them skipped; at least one entry."""
    found: list[Explained] = []
    hinted = asked = _rtu_at(hints.request, 0, None) if hints.request else None
    start = 0
    while start < len(raw):
        is_request = hints.request is not None and raw.startswith(hints.request, start)
        said = _rtu_at(raw, start, None if is_request else asked)
        if said is None:
            start += 1
            continue
        found.append(_explained(RTU, said, asked, hints))
        asked = said if said.side == Side.REQUEST else hinted
        start += 1 + len(said.pdu) + rtu.CRC_SIZE
    return found or [_unfound_rtu(raw)]


def explain_tcp(raw: bytes, hints: Hints) -> list[Explained]:
    """The frames of a connection; at least one entry. There is no checksum: `valid` means consistent in itself."""
    found: list[Explained] = []
    asked: dict[int, Said] = {}  # by transaction: a master need not wait for one reply before it asks again
    hinted = [Said(frame.unit, Side.REQUEST, frame.pdu) for frame in _frames(hints.request or b"")]
    for frame in _frames(raw):
        is_request = tcp.encode(frame) == hints.request
        before = None if is_request else asked.get(frame.transaction, hinted[0] if hinted else None)
        sides = [side for side, size in sizes(frame.pdu) if size == len(frame.pdu)]
        about = {"transaction": frame.transaction}
        if not sides and frame.pdu[0] & ~EXCEPTION in FUNCTIONS:
            fields = {"unit": frame.unit, "fc": frame.pdu[0] & ~EXCEPTION, **about}
            found.append(Explained(TCP, False, str(frame.unit), f"{frame.pdu[0]:02X}", fields, "wrong_length"))
            continue
        said = Said(frame.unit, _side(sides, frame.unit, frame.pdu, before), frame.pdu)
        found.append(_explained(TCP, said, before, hints, about))
        if said.side == Side.REQUEST:
            asked[frame.transaction] = said
    return found or [Explained(TCP, False, error="too_short" if _begins_tcp(raw) else "no_frame")]


def _rtu_at(raw: bytes, start: int, asked: Said | None) -> Said | None:
    """The frame with a right checksum that begins here."""
    if len(raw) - start < rtu.SHORTEST:
        return None
    unit, rest = raw[start], raw[start + 1 : start + rtu.LONGEST]
    ends = [(side, start + 1 + size) for side, size in sizes(rest)]
    sound = [(side, end) for side, end in ends if _is_sound(raw[start : end + rtu.CRC_SIZE], end - start)]
    if not sound:
        return None
    end = sound[0][1]
    pdu = raw[start + 1 : end]
    return Said(unit, _side([side for side, at in sound if at == end], unit, pdu, asked), pdu)


def _is_sound(frame: bytes, size: int) -> bool:
    return len(frame) == size + rtu.CRC_SIZE and not rtu.crc(frame)


def _side(sides: list[Side], unit: int, pdu: bytes, asked: Said | None) -> Side:
    """Question or reply, where the shape allows both or is not known."""
    if len(sides) == 1:
        return sides[0]
    is_answer = asked is not None and (asked.unit, asked.function) == (unit, pdu[0] & ~EXCEPTION)
    return Side.REPLY if is_answer else Side.REQUEST


def _explained(
    protocol: str, said: Said, asked: Said | None, hints: Hints, about: dict[str, Any] | None = None
) -> Explained:
    base, count, start = hints.base, None, None
    fields: Fields = {"unit": said.unit, **(about or {})}
    if said.side == Side.REPLY and asked is not None:
        fields["answers_request"] = _answers(said, asked)
        if fields["answers_request"] and asked.function in (*READS, 23):
            base, count = int.from_bytes(asked.pdu[1:3], "big"), int.from_bytes(asked.pdu[3:5], "big")
            start = hints.base  # the question says where the registers stand, so the hint says where the model does
    fields |= fields_of(said.side, said.pdu, base, count)
    if said.side == Side.REPLY and said.pdu[0] in WITH_REGISTERS:
        fields = _sunspec(said.pdu[2:], base, hints.model, start) | fields
    return Explained(protocol, True, str(said.unit), f"{said.pdu[0]:02X}", fields)


def _answers(said: Said, asked: Said) -> bool:
    """Whether a reply fits the question before it."""
    if (said.unit, said.function) != (asked.unit, asked.function):
        return False
    return said.pdu[0] not in READS or (len(asked.pdu) == REQUEST.size and said.pdu[1] == data_size(asked.pdu))


def _sunspec(data: bytes, base: int | None, model: int | None, start: int | None) -> Fields:
    """The same registers as points of a SunSpec model, where a hint says so or they look like it."""
    from drivers.sunspec.chain import MARKER
    from drivers.sunspec.explain import explain_model, explain_registers

    first = SUNSPEC_FROM if base is None else base
    if model is not None:
        return explain_model(data, first, model, start)
    if data.startswith(MARKER) or (base is not None and base >= SUNSPEC_FROM):
        return explain_registers(data, first) or {}
    return {}


def _unfound_rtu(raw: bytes) -> Explained:
    """Why there is no frame: the best that a start near the beginning comes to."""
    if len(raw) < rtu.SHORTEST:
        return Explained(RTU, False, error="too_short")
    if not rtu.crc(raw):  # a function of a maker's own, or a length that cannot be
        known = raw[1] & ~EXCEPTION in FUNCTIONS
        fields: Fields = {"unit": raw[0], "fc": raw[1] & ~EXCEPTION, "data": raw[2 : -rtu.CRC_SIZE].hex()}
        return Explained(RTU, not known, str(raw[0]), f"{raw[1]:02X}", fields, "wrong_length" if known else None)
    error = "no_frame"
    for start in range(GLITCH + 1):
        for _, size in sizes(raw[start + 1 :]) if len(raw) > start + 1 else ():
            end = start + 1 + size + rtu.CRC_SIZE
            if 0 <= len(raw) - end <= GLITCH:
                expected = rtu.crc(raw[start : end - rtu.CRC_SIZE]).to_bytes(rtu.CRC_SIZE, "little")
                fields = {"unit": raw[start], "fc": raw[start + 1] & ~EXCEPTION, "checksum_expected": expected.hex()}
                fields |= {"checksum": raw[end - rtu.CRC_SIZE : end].hex(), "note": "unproven"}
                return Explained(RTU, False, str(raw[start]), f"{raw[start + 1]:02X}", fields, "checksum")
            if end > len(raw) and start == 0:
                error = "too_short"
    return Explained(RTU, False, error=error)


def _frames(raw: bytes) -> list[tcp.Frame]:
    decoder = tcp.Decoder(replies=False)
    return decoder.feed(raw) + decoder.flush()


def _begins_tcp(raw: bytes) -> bool:
    """Whether there is the head of a frame, and less than it announces."""
    if len(raw) < tcp.MBAP.size:
        return True
    _, protocol, length, _ = tcp.MBAP.unpack_from(raw)
    return not protocol and bool(len(raw) < tcp.MBAP.size - 1 + length)
