"""Modbus TCP frames without I/O: transaction(2) 0000 length(2) unit(1) PDU.

There is no checksum, so a reply must also be consistent in itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drivers.hunt import Hunter
from drivers.modbus.pdu import EXCEPTION, LONGEST_PDU, READS, data_size, read_pdu

MBAP = struct.Struct(">HHHB")
PDU = slice(MBAP.size, None)  # of a frame


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


def reply_begin(asked: Frame) -> tuple[bytes, int]:
    """How the frame begins that answers a read with data, and how long it is."""
    size = data_size(asked.pdu)
    head = MBAP.pack(asked.transaction, 0, 3 + size, asked.unit)
    return head + bytes([asked.pdu[0], size]), MBAP.size + 2 + size


class Decoder(Hunter[Frame]):
    """Finds the frames of a connection.

    `replies` is False on the side of the slave, which must also see functions it refuses.
    """

    def __init__(self, replies: bool = True) -> None:
        super().__init__()
        self._replies = replies

    def size(self, data: bytearray, start: int) -> int | None:
        if len(data) - start < MBAP.size:
            return None
        _, protocol, length, _ = MBAP.unpack_from(data, start)
        size: int = MBAP.size - 1 + length
        if protocol or not 2 <= length <= LONGEST_PDU + 1:
            return 0
        if len(data) - start < size:
            return None
        pdu = bytes(data[start + MBAP.size : start + size])
        return size if not self._replies or _is_reply(pdu) else 0

    def frame(self, raw: bytes) -> Frame:
        transaction, _, _, unit = MBAP.unpack_from(raw)
        return Frame(transaction, unit, raw[MBAP.size :])


def _is_reply(pdu: bytes) -> bool:
    """Whether a PDU is consistent as a reply to a read."""
    if pdu[0] & EXCEPTION:
        return len(pdu) == 2 and pdu[0] & ~EXCEPTION in READS
    return pdu[0] in READS and len(pdu) == 2 + pdu[1] if len(pdu) > 1 else False
