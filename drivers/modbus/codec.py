"""Modbus TCP without I/O: reads out, replies in, registers to numbers. It can build reads only.

A frame is transaction(2) 0000 length(2) unit(1) PDU. Functions 1 to 4 read; nothing else can be
built here. MBAP has no checksum, so a reply must also be consistent in itself.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from drivers.profile import Item

READS = (1, 2, 3, 4)
BIT_FUNCTIONS = (1, 2)
EXCEPTION = 0x80
MOST_REGISTERS, MOST_BITS = 125, 2000
MBAP = struct.Struct(">HHHB")
LONGEST_PDU = 253
REASONS = {
    1: "illegal_function",
    2: "illegal_address",
    3: "illegal_value",
    4: "device_failure",
    5: "busy",  # accepted, takes long
    6: "busy",
    10: "no_reply",  # the gateway has no path to the device
    11: "no_reply",  # the device behind the gateway is silent
}
FORMATS = {
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; the PDU begins with the function code."""

    transaction: int
    unit: int
    pdu: bytes


def encode(frame: Frame) -> bytes:
    """The frame as sent."""
    return MBAP.pack(frame.transaction, 0, len(frame.pdu) + 1, frame.unit) + frame.pdu


def read_request(transaction: int, unit: int, function: int, start: int, count: int) -> bytes:
    """Ask for `count` registers or bits; raises ValueError for a function that does not read."""
    most = MOST_BITS if function in BIT_FUNCTIONS else MOST_REGISTERS
    if function not in READS or not 1 <= count <= most or start + count > 65536:
        raise ValueError((function, start, count))
    return encode(Frame(transaction, unit, struct.pack(">BHH", function, start, count)))


def is_reply(pdu: bytes) -> bool:
    """Whether a PDU is consistent as a reply to a read."""
    if pdu[0] & EXCEPTION:
        return len(pdu) == 2 and pdu[0] & ~EXCEPTION in READS
    return pdu[0] in READS and len(pdu) == 2 + pdu[1] if len(pdu) > 1 else False


class Decoder:
    """Finds frames in a stream; after a fault it goes on one byte later.

    `replies` is False on the side of the slave, which must also see functions it refuses.
    """

    def __init__(self, replies: bool = True) -> None:
        self._replies = replies
        self._rest = bytearray()
        self.dropped = 0  # bytes that belonged to no frame

    @property
    def pending(self) -> int:
        """Bytes that may become a frame."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes, return the complete frames; keep the rest."""
        self._rest += data
        frames: list[Frame] = []
        start = 0
        while len(self._rest) - start >= MBAP.size:
            transaction, protocol, length, unit = MBAP.unpack_from(self._rest, start)
            end = start + MBAP.size - 1 + length
            plausible = protocol == 0 and 2 <= length <= LONGEST_PDU + 1
            if plausible and end > len(self._rest):
                break
            pdu = bytes(self._rest[start + MBAP.size : end]) if plausible else b""
            if pdu and (not self._replies or is_reply(pdu)):
                frames.append(Frame(transaction, unit, pdu))
                start = end
            else:
                start += 1
                self.dropped += 1
        del self._rest[:start]
        return frames

    def flush(self) -> list[Frame]:
        """The line went quiet: the frames behind a start that never came to its end."""
        for start in range(1, len(self._rest)):
            tail = Decoder(self._replies)
            frames = tail.feed(bytes(self._rest[start:]))
            if frames:
                self.dropped += start + tail.dropped
                self._rest = tail._rest
                return frames
        return []


def width(item: Item) -> int:
    """Registers that an item takes, or 1 for a bit."""
    return 1 if item.function in BIT_FUNCTIONS else struct.calcsize(FORMATS[item.type]) // 2


def number(raw: bytes, item: Item) -> float | None:
    """The value of an item's registers in the wire's unit; None when the device says it has none."""
    data = _ordered(raw, item.order)
    value = struct.unpack(">" + FORMATS[item.type], data)[0]
    if value in item.absent or int.from_bytes(data, "big") in item.absent:
        return None
    scaled = float(value) * item.scale + item.offset
    return scaled if math.isfinite(scaled) else None


def registers(value: float, item: Item) -> bytes:
    """The registers of a value in the wire's unit, for the simulator."""
    raw = (value - item.offset) / item.scale
    code = FORMATS[item.type]
    return _ordered(struct.pack(">" + code, raw if code in "fd" else round(raw)), item.order)


def _ordered(raw: bytes, order: str) -> bytes:
    """Between the wire's order and ABCD; each of the four orders undoes itself."""
    words = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w[::-1] for w in words]
    return b"".join(words)
