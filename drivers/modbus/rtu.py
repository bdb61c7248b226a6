"""Modbus RTU frames without I/O: unit(1) PDU CRC(2), and nothing that marks their beginning or their end.

The silence between frames does not survive a USB adapter, so a frame is found by what it must hold:
its unit, its function, its length and its checksum. Modbus over serial line V1.02, 2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.modbus.pdu import EXCEPTION, data_size, read_pdu

LONGEST = 256  # bytes of a frame
SHORTEST = 4  # unit, function, checksum
CRC_SIZE = 2
EXCEPTION_SIZE = 5
CRC_START, CRC_POLYNOMIAL = 0xFFFF, 0xA001

# How long the wanted frame is that begins with these bytes, even where they hold only a part of it; 0 for none.
Size = Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; the PDU begins with the function code."""

    unit: int
    pdu: bytes


def encode(frame: Frame) -> bytes:
    """The frame as sent."""
    body = bytes([frame.unit]) + frame.pdu
    return body + crc(body).to_bytes(CRC_SIZE, "little")


def read_request(unit: int, function: int, start: int, count: int) -> bytes:
    """Ask for `count` registers or bits; raises ValueError for a function that does not read."""
    return encode(Frame(unit, read_pdu(function, start, count)))


def crc(data: bytes) -> int:
    """The checksum; it is sent low byte first, and over a whole frame with it the result is 0."""
    value = CRC_START
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def reply_to(asked: Frame) -> Size:
    """The frames that may come after a read: its reply, its refusal, and its echo."""
    echo, size = encode(asked), SHORTEST + 1 + data_size(asked.pdu)
    good = bytes([asked.unit, asked.pdu[0], data_size(asked.pdu)])
    refused = bytes([asked.unit, asked.pdu[0] | EXCEPTION])

    def found(data: bytes) -> int:
        if echo.startswith(data[: len(echo)]):
            return len(echo)  # also where a reply of the same length would look alike
        if data.startswith(refused):
            return EXCEPTION_SIZE
        return size if data.startswith(good) else 0

    return found


class Decoder:
    """Finds the wanted frames in a stream, at whatever byte they begin; what is no frame never holds one back.

    `units` are the first bytes of the wanted frames.
    """

    def __init__(self, size: Size, units: bytes) -> None:
        self._size, self._units = size, units
        self._rest = bytearray()
        self.dropped = 0  # bytes that belonged to no wanted frame

    @property
    def pending(self) -> int:
        """Bytes that may become a frame."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes, return the complete frames; keep as many bytes as a frame that has begun may have."""
        self._rest += data
        frames: list[Frame] = []
        start = 0
        while (start := self._begin(start)) < len(self._rest):
            raw = self._sound(start)
            if raw:
                frames.append(Frame(raw[0], raw[1:-CRC_SIZE]))
                self._drop(start)
                del self._rest[: len(raw)]
                start = 0
            else:
                start += 1
        self._drop(max(0, len(self._rest) - LONGEST + 1))
        return frames

    def flush(self) -> list[Frame]:
        """The line went quiet: no frame waits behind another one here."""
        return []

    def _begin(self, start: int) -> int:
        """Where the next frame may begin; the end of what came when nowhere."""
        places = (self._rest.find(unit, start) for unit in self._units)
        return min((place for place in places if place >= 0), default=len(self._rest))

    def _sound(self, start: int) -> bytes:
        data = bytes(self._rest[start : start + LONGEST])
        size = self._size(data)
        return data[:size] if SHORTEST <= size <= len(data) and not crc(data[:size]) else b""

    def _drop(self, count: int) -> None:
        del self._rest[:count]
        self.dropped += count


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (CRC_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_crc_of(byte) for byte in range(256)]
