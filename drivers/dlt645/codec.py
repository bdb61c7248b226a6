"""DL/T 645 frames of both editions without I/O: bytes in, frames out. It can build reads only.

A frame is 68 A0..A5 68 C L DATA CS 16 after any number of FE; every data byte is sent plus 33H; CS is
the sum from the first 68 through the data as sent. An identifier of eight digits is of the edition of
2007, one of four of that of 1997. Controls that write, switch or clear cannot be built here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.hunt import Hunter

READ, READ_NEXT, READ_ADDRESS = 0x11, 0x12, 0x13
READ_1997, READ_NEXT_1997 = 0x01, 0x02
READS = (READ, READ_NEXT, READ_ADDRESS, READ_1997, READ_NEXT_1997)
REPLY, ERROR, MORE = 0x80, 0x40, 0x20  # bits of the control byte: from the meter, it says no, more follows
NO_DATA = 0x02  # error word, bit 1: the meter lacks this item
WAKE_UP = b"\xfe" * 4
ANY_ADDRESS = "A" * 12
BROADCAST = "9" * 12  # meters of 1997 answer reads there: KTS-Intek/DLT645, test-exchange-dlt645-97.log
METER_NUMBER_1997 = "C032"  # that edition has no question for the address
HEAD, TAIL = 10, 2  # bytes before and after the data
LONGEST = 200  # data bytes of a read reply
START, END, SHIFT = 0x68, 0x16, 0x33


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame with its data as meant, 33H taken off. `address` is twelve digits, high first."""

    address: str
    control: int
    data: bytes

    @property
    def is_reply(self) -> bool:
        return bool(self.control & REPLY)

    @property
    def is_error(self) -> bool:
        return bool(self.control & ERROR)

    @property
    def has_more(self) -> bool:
        """Whether the rest of a long answer must be asked for."""
        return bool(self.control & MORE)

    @property
    def function(self) -> int:
        """What was asked, without the bits of the reply."""
        return self.control & ~(REPLY | ERROR | MORE)


def encode(frame: Frame) -> bytes:
    """The frame as sent, without wake-up bytes; raises ValueError for all but reads and their replies."""
    if frame.function not in READS:
        raise ValueError(f"control {frame.control:02X}")
    body = bytes([START]) + bytes.fromhex(frame.address)[::-1] + bytes([START, frame.control, len(frame.data)])
    body += bytes((b + SHIFT) & 0xFF for b in frame.data)
    return body + bytes([sum(body) & 0xFF, END])


def read_request(address: str, di: str) -> bytes:
    """Ask a meter for one data identifier, printed highest byte first as in the standard."""
    return WAKE_UP + encode(Frame(address, read_control(di), di_bytes(di)))


def read_next_request(address: str, di: str, sequence: int) -> bytes:
    """Ask for the rest of a long answer; `sequence` counts from 1."""
    return WAKE_UP + encode(Frame(address, next_control(di), di_bytes(di) + bytes([sequence])))


def read_address_request(address: str = ANY_ADDRESS) -> bytes:
    """Ask the only meter on a line for its address."""
    return WAKE_UP + encode(Frame(address, READ_ADDRESS, b""))


def read_address_request_1997(address: str = BROADCAST) -> bytes:
    """The same of the older edition: the address stands in the head of the reply."""
    return read_request(address, METER_NUMBER_1997)


def read_control(di: str) -> int:
    """The control that asks for an identifier in its edition."""
    return READ if len(di) == 8 else READ_1997


def next_control(di: str) -> int:
    """The control that asks for the rest."""
    return READ_NEXT if len(di) == 8 else READ_NEXT_1997


def di_bytes(di: str) -> bytes:
    """An identifier as it stands in the data, lowest byte first."""
    return bytes.fromhex(di)[::-1]


def same_address(asked: str, got: str) -> bool:
    """Whether a reply from `got` may answer a question to `asked`; A stands for any digit."""
    return all(a in ("A", g) for a, g in zip(asked.upper(), got, strict=True))


class Decoder(Hunter[Frame]):
    """Finds the frames of a line; wake-up bytes may stand before each."""

    filler = WAKE_UP

    def size(self, data: bytearray, start: int) -> int | None:
        return _size(data, start)

    def frame(self, raw: bytes) -> Frame:
        return _decoded(raw)


def _size(data: bytearray, start: int) -> int | None:
    """Bytes of the frame at `start`; 0 when there is none, None when it is not complete yet."""
    if data[start] != START:
        return 0
    have = len(data) - start
    if have > 7 and data[start + 7] != START:
        return 0
    if have > 9 and data[start + 9] > LONGEST:
        return 0
    if have < HEAD or have < HEAD + data[start + 9] + TAIL:
        return None
    end = start + HEAD + data[start + 9]
    good = data[end + 1] == END and sum(data[start:end]) & 0xFF == data[end]
    return end + TAIL - start if good else 0


def _decoded(raw: bytes) -> Frame:
    data = bytes((b - SHIFT) & 0xFF for b in raw[HEAD:-TAIL])
    return Frame(raw[6:0:-1].hex().upper(), raw[8], data)
