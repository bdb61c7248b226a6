"""Modbus TCP frames without I/O: transaction(2) 0000 length(2) unit(1) PDU.

There is no checksum, so a reply must also be consistent in itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drivers.modbus.pdu import EXCEPTION, LONGEST_PDU, READS, read_pdu

MBAP = struct.Struct(">HHHB")


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
    return encode(Frame(transaction, unit, read_pdu(function, start, count)))


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
            if pdu and (not self._replies or _is_reply(pdu)):
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


def _is_reply(pdu: bytes) -> bool:
    """Whether a PDU is consistent as a reply to a read."""
    if pdu[0] & EXCEPTION:
        return len(pdu) == 2 and pdu[0] & ~EXCEPTION in READS
    return pdu[0] in READS and len(pdu) == 2 + pdu[1] if len(pdu) > 1 else False
