"""DL/T 645-2007 frames and values without I/O: bytes in, frames out. It can build reads only.

A frame is 68 A0..A5 68 C L DATA CS 16 after any number of FE; every data byte is sent plus 33H;
CS is the sum from the first 68 through the data as sent. Controls other than 11H, 12H and 13H
(write, relay, clear) cannot be built here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.hunt import Hunter

READ, READ_NEXT, READ_ADDRESS = 0x11, 0x12, 0x13
REPLY, ERROR = 0x80, 0x40  # bits of the control byte: from the meter, it says no
NO_DATA = 0x02  # error word, bit 1: the meter lacks this item
WAKE_UP = b"\xfe" * 4
ANY_ADDRESS = "A" * 12
HEAD, TAIL = 10, 2  # bytes before and after the data
LONGEST = 200  # data bytes of a read reply
START, END, SHIFT = 0x68, 0x16, 0x33


class BadValueError(ValueError):
    """The bytes are no number; `reason` is not_bcd or wrong_length."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


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


def encode(frame: Frame) -> bytes:
    """The frame as sent, without wake-up bytes."""
    body = bytes([START]) + bytes.fromhex(frame.address)[::-1] + bytes([START, frame.control, len(frame.data)])
    body += bytes((b + SHIFT) & 0xFF for b in frame.data)
    return body + bytes([sum(body) & 0xFF, END])


def read_request(address: str, di: str) -> bytes:
    """Ask a meter for one data identifier, printed DI3 DI2 DI1 DI0 as in the standard."""
    return WAKE_UP + encode(Frame(address, READ, bytes.fromhex(di)[::-1]))


def read_next_request(address: str, di: str, sequence: int) -> bytes:
    """Ask for the rest of a long answer; `sequence` counts from 1."""
    return WAKE_UP + encode(Frame(address, READ_NEXT, bytes.fromhex(di)[::-1] + bytes([sequence])))


def read_address_request(address: str = ANY_ADDRESS) -> bytes:
    """Ask the only meter on a line for its address."""
    return WAKE_UP + encode(Frame(address, READ_ADDRESS, b""))


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


def number(payload: bytes, decimals: int, signed: bool) -> float | None:
    """A BCD number, low byte first; None when the meter filled the field with FF.

    Only a `signed` item has its sign in the top bit: unsigned energy reaches 999999.99, where
    that bit is a digit. Raises BadValueError not_bcd for anything else.
    """
    if payload and all(b == 0xFF for b in payload):
        return None
    raw = bytearray(payload[::-1])
    negative = signed and bool(raw) and bool(raw[0] & 0x80)
    if negative:
        raw[0] &= 0x7F
    digits = raw.hex()
    if not digits.isdecimal():
        raise BadValueError("not_bcd")
    value = float(int(digits) / 10**decimals)
    return -value if negative and value else value


def bcd(value: float, size: int, decimals: int, signed: bool) -> bytes:
    """The payload of a value, for the simulator; raises OverflowError when it does not fit."""
    whole = round(abs(value) * 10**decimals)
    raw = bytearray.fromhex(f"{whole:0{2 * size}d}") if whole < 10 ** (2 * size) else bytearray()
    if not raw or (signed and raw[0] & 0x80) or (value < 0 and whole and not signed):
        raise OverflowError(value)
    if value < 0 and whole:
        raw[0] |= 0x80
    return bytes(raw[::-1])
