"""CJ/T 188-2004 frames without I/O: bytes in, frames out. It can build reads only.

A frame is 68 T A0..A6 C L DATA CS 16 after any number of FE; data is sent as it is; CS is the sum
from the 68 through the data. Controls other than 01H and 03H (write, valve, address) cannot be
built here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.hunt import Hunter

READ, READ_ADDRESS = 0x01, 0x03
REPLY, ERROR = 0x80, 0x40  # bits of the control byte: from the meter, it says no
WAKE_UP = b"\xfe" * 4
COLD_WATER, HEAT, COOLING, GAS, ANY_TYPE = 0x10, 0x20, 0x21, 0x30, 0xAA
ANY_ADDRESS = "A" * 14
METERED = bytes.fromhex("901F")  # what the meter counts; some makers send 1F first
ADDRESS = bytes.fromhex("810A")
HEAD, TAIL = 11, 2  # bytes before and after the data
ECHO = 3  # data bytes of a question, which a reply repeats: the identifier and the serial number
LONGEST = 100  # data bytes of a read reply, 64H; the longest that was captured, of a heat meter, has 46
START, END = 0x68, 0x16


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `address` is fourteen digits, high first; its first four are the maker's."""

    meter_type: int
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
    """The frame as sent, without wake-up bytes; raises ValueError for all but reads and their replies."""
    if frame.control & ~(REPLY | ERROR) not in (READ, READ_ADDRESS):
        raise ValueError(f"control {frame.control:02X}")
    body = bytes([START, frame.meter_type]) + bytes.fromhex(frame.address)[::-1]
    body += bytes([frame.control, len(frame.data)]) + frame.data
    return body + bytes([checksum(body), END])


def read_request(meter_type: int, address: str, di: bytes, serial: int) -> bytes:
    """Ask a meter for one data identifier, in the byte order that its maker sends; it echoes `serial`."""
    return WAKE_UP + encode(Frame(meter_type, address, READ, di + bytes([serial])))


def read_address_request(meter_type: int = ANY_TYPE, address: str = ANY_ADDRESS, serial: int = 0) -> bytes:
    """Ask the only meter on a line for its address, which stands in the head of its reply."""
    return WAKE_UP + encode(Frame(meter_type, address, READ_ADDRESS, ADDRESS + bytes([serial])))


def checksum(body: bytes | bytearray) -> int:
    """The byte behind the data: the sum of all from the 68 on."""
    return sum(body) & 0xFF


class Decoder(Hunter[Frame]):
    """Finds the frames of a line; wake-up bytes may stand before each."""

    filler = WAKE_UP
    longest = LONGEST

    def size(self, data: bytearray, start: int) -> int | None:
        if data[start] != START:
            return 0
        have = len(data) - start
        if have > 1 and not self.is_type(data[start + 1]):
            return 0
        if have >= HEAD and data[start + HEAD - 1] > self.longest:
            return 0
        if have < HEAD or have < HEAD + data[start + HEAD - 1] + TAIL:
            return None
        end = start + HEAD + data[start + HEAD - 1]
        good = data[end + 1] == END and checksum(data[start:end]) == data[end]
        return end + TAIL - start if good else 0

    def frame(self, raw: bytes) -> Frame:
        return Frame(raw[1], raw[8:1:-1].hex().upper(), raw[9], raw[HEAD:-TAIL])

    def is_type(self, code: int) -> bool:
        """10 to 19 water, 20 to 29 heat, 30 to 39 gas, 40 to 49 others; AA is any meter."""
        return 0x10 <= code <= 0x49 or code == ANY_TYPE


class AnyDecoder(Decoder):
    """The same for frames of any type and length, whatever a maker made of the standard."""

    longest = 0xFF

    def is_type(self, code: int) -> bool:
        return True
