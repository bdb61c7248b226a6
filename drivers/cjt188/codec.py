"""CJ/T 188-2004 frames and values without I/O: bytes in, frames out. It can build reads only.

A frame is 68 T A0..A6 C L DATA CS 16 after any number of FE; data is sent as it is; CS is the sum
from the 68 through the data. Controls other than 01H and 03H (write, valve, address) cannot be
built here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.dlt645.codec import BadValueError, bcd, number
from drivers.hunt import Hunter

READ, READ_ADDRESS = 0x01, 0x03
REPLY, ERROR = 0x80, 0x40  # bits of the control byte: from the meter, it says no
WAKE_UP = b"\xfe" * 4
COLD_WATER, GAS, ANY_TYPE = 0x10, 0x30, 0xAA
ANY_ADDRESS = "A" * 14
METERED = bytes.fromhex("901F")  # what the meter counts; some makers send 1F first
ADDRESS = bytes.fromhex("810A")
HEAD, TAIL = 11, 2  # bytes before and after the data
LONGEST = 100  # data bytes of a read reply, 64H; the longest that was captured, of a heat meter, has 46
START, END = 0x68, 0x16

# The data of a reply of a water or gas meter, after DI and SER: twice a volume with its unit, the
# meter's clock, and two bytes of status.
ECHO, VOLUME, SETTLED, CLOCK, STATUS = slice(0, 3), slice(3, 8), slice(8, 13), slice(13, 20), slice(20, 22)
METERED_SIZE = 22
DIGITS, DECIMALS = 8, 2  # of a volume: XXXXXX.XX in its unit

UNITS = {
    0x02: "Wh",
    0x05: "kWh",
    0x08: "MWh",
    0x0A: "100MWh",
    0x01: "J",
    0x0B: "kJ",
    0x0E: "MJ",
    0x11: "GJ",
    0x13: "100GJ",
    0x14: "W",
    0x17: "kW",
    0x1A: "MW",
    0x29: "L",
    0x2C: "m3",
    0x32: "L/h",
    0x35: "m3/h",
}
_CODES = {unit: code for code, unit in UNITS.items()}


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
    return body + bytes([sum(body) & 0xFF, END])


def read_request(meter_type: int, address: str, di: bytes, serial: int) -> bytes:
    """Ask a meter for one data identifier, in the byte order that its maker sends; it echoes `serial`."""
    return WAKE_UP + encode(Frame(meter_type, address, READ, di + bytes([serial])))


def read_address_request(meter_type: int = ANY_TYPE, address: str = ANY_ADDRESS, serial: int = 0) -> bytes:
    """Ask the only meter on a line for its address, which stands in the head of its reply."""
    return WAKE_UP + encode(Frame(meter_type, address, READ_ADDRESS, ADDRESS + bytes([serial])))


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
    if have > 1 and not _is_type(data[start + 1]):
        return 0
    if have >= HEAD and data[start + HEAD - 1] > LONGEST:
        return 0
    if have < HEAD or have < HEAD + data[start + HEAD - 1] + TAIL:
        return None
    end = start + HEAD + data[start + HEAD - 1]
    good = data[end + 1] == END and sum(data[start:end]) & 0xFF == data[end]
    return end + TAIL - start if good else 0


def _is_type(code: int) -> bool:
    """10 to 19 water, 20 to 29 heat, 30 to 39 gas, 40 to 49 others; AA is any meter."""
    return 0x10 <= code <= 0x49 or code == ANY_TYPE


def _decoded(raw: bytes) -> Frame:
    return Frame(raw[1], raw[8:1:-1].hex().upper(), raw[9], raw[HEAD:-TAIL])


def amount(payload: bytes) -> tuple[float, str] | None:
    """A counted value and the unit that its fifth byte names; None when the meter filled it with FF.

    Raises BadValueError: not_bcd, or wrong_unit for a unit byte that the standard does not know.
    """
    value = number(payload[:4], DECIMALS, signed=False)
    if value is None:
        return None
    if payload[4] not in UNITS:
        raise BadValueError("wrong_unit")
    return value, UNITS[payload[4]]


def amount_bytes(value: float, unit: str) -> bytes:
    """The five bytes of a value in its unit, for the simulator; raises OverflowError when it does not fit."""
    return bcd(value, DIGITS // 2, DECIMALS, signed=False) + bytes([_CODES[unit]])


def local_time(payload: bytes) -> datetime | None:
    """The meter's clock, seven bytes, without a zone; None when it is no date, as on meters without a clock.

    The standard sends seconds first; a meter was captured that sends the century first.
    """
    return _moment(payload[::-1]) or _moment(payload)


def _moment(digits: bytes) -> datetime | None:
    if digits[0] != 0x20:
        return None
    try:
        return datetime.strptime(digits.hex(), "%Y%m%d%H%M%S")
    except ValueError:
        return None


def time_bytes(moment: datetime) -> bytes:
    """The seven bytes of the meter's clock, for the simulator."""
    return bytes.fromhex(moment.strftime("%Y%m%d%H%M%S"))[::-1]
