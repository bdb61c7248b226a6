"""The registers inside a capture: a bare dump, or one whole Modbus reply with the question that it answers."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.explained import Hints
from drivers.modbus import rtu, tcp
from drivers.modbus.pdu import EXCEPTION, REASONS, REQUEST
from drivers.sunspec.chain import BASES, MARKER

HOLDING, INPUT = 3, 4


@dataclass(frozen=True, slots=True)
class Captured:
    """`base` is the register of the first byte, `start` that of the model where a hint says it beside the question.

    `refused` says why a device answered without registers.
    """

    data: bytes
    base: int
    start: int | None = None
    unit: int | None = None
    refused: str | None = None


def captured(raw: bytes, hints: Hints) -> Captured:
    """What a capture holds; without a hint a dump begins at the first base address, with its marker."""
    frame = _frame(raw)
    asked = _frame(hints.request) if hints.request else None
    base, start = hints.base, None
    if asked is not None and len(asked[1]) == REQUEST.size:
        base, start = REQUEST.unpack(asked[1])[1], hints.base
    if frame is not None:
        unit, pdu = frame
        refused = REASONS.get(pdu[1], "device_error") if pdu[0] & EXCEPTION else None
        return Captured(b"" if refused else pdu[2:], BASES[0] if base is None else base, start, unit, refused)
    at = max(raw.find(MARKER), 0)
    return Captured(raw[at:], BASES[0] if base is None else base + at // 2, start)


def _frame(raw: bytes) -> tuple[int, bytes] | None:
    """Unit and PDU when the bytes are one whole frame of a read, over TCP or RTU."""
    frames = tcp.Decoder(replies=False).feed(raw)
    if len(frames) == 1 and tcp.encode(frames[0]) == raw and _is_read(frames[0].pdu):
        return frames[0].unit, frames[0].pdu
    if len(raw) >= rtu.SHORTEST and not rtu.crc(raw) and _is_read(raw[1 : -rtu.CRC_SIZE]):
        return raw[0], raw[1 : -rtu.CRC_SIZE]
    return None


def _is_read(pdu: bytes) -> bool:
    """A question for registers, its reply or its refusal."""
    if pdu[0] & EXCEPTION:
        return len(pdu) == 2 and pdu[0] & ~EXCEPTION in (HOLDING, INPUT)
    return pdu[0] in (HOLDING, INPUT) and len(pdu) in (REQUEST.size, 2 + pdu[1])
