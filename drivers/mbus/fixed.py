"""Telegrams of fixed data (CI 73H), which carry two counters in place of records.

Order of bytes, units and media after mbus/mbus-protocol.c of libmbus (mbus_data_fixed_unit and its
neighbours). The bits 01H "binary" and 02H "stored" of the status are recalled from EN 1434-3 and agree
with firmware on GitHub that quotes it; libmbus looks for them in 80H and 40H, which are the maker's.
"""

from __future__ import annotations

from drivers.mbus.record_name import RecordName
from drivers.mbus.records import Record

BINARY, STORED = 0x01, 0x02  # of the status: counters are signed binary, not BCD; are those of a fixed date
UNIT_BITS = 0x3F
SAME_STORED, WITHOUT_UNIT = 0x3E, 0x3F  # as the first counter, but of the fixed date
COUNTER_SIZE = 4

# First code, how many, quantity, unit, power of ten of the first; each next code is ten times as much.
UNITS = (
    (0x02, 9, "energy", "Wh", 0),
    (0x0B, 9, "energy", "J", 3),
    (0x14, 9, "power", "W", 0),
    (0x1D, 9, "power", "J/h", 3),
    (0x26, 9, "volume", "m3", -6),
    (0x2F, 9, "volume_flow", "m3/h", -6),
    (0x38, 1, "temperature", "degC", -3),
    (0x39, 1, "dimensionless_hca", None, 0),
    (WITHOUT_UNIT, 1, "dimensionless", None, 0),
)
# By the two top bits of the first unit byte, and above them those of the second.
MEDIA = (
    *("Other", "Oil", "Electricity", "Gas", "Heat", "Steam", "Hot Water", "Water"),
    *("H.C.A.", "Reserved", "Gas Mode 2", "Heat Mode 2"),
    *("Hot Water Mode 2", "Water Mode 2", "H.C.A. Mode 2", "Reserved"),
)


def counters(payload: bytes, status: int) -> list[Record]:
    """The two counters of the ten bytes after the status; a code without a meaning gives no value."""
    first, second = (code & UNIT_BITS for code in payload[:2])
    stored = int(bool(status & STORED))
    found = [_counter(first, payload[2:6], status, stored)]
    historic = second == SAME_STORED
    other = _counter(first if historic else second, payload[6:10], status, 1 if historic else stored)
    if other.name == found[0].name:
        name = RecordName(other.name.quantity, storage=other.name.storage, number=2)
        other = Record(name, None, other.unit, other.value, reason=other.reason)
    return [*found, other]


def medium_of(payload: bytes) -> str:
    """What the meter measures."""
    return MEDIA[payload[0] >> 6 | payload[1] >> 4 & 0x0C]


def _counter(code: int, data: bytes, status: int, storage: int) -> Record:
    for first, count, quantity, unit, power in UNITS:
        if first <= code < first + count:
            number = _number(data, bool(status & BINARY))
            reason = None if number is not None else "error_code"
            exponent = power + code - first
            value = None if number is None else number * 10**exponent if exponent >= 0 else number / 10**-exponent
            return Record(RecordName(quantity, storage=storage), None, unit, value, reason=reason)
    return Record(RecordName("unknown", storage=storage), reason="undecoded")


def _number(data: bytes, binary: bool) -> float | None:
    if binary:
        return float(int.from_bytes(data, "little", signed=True))
    digits = data[::-1].hex()
    return float(digits) if digits.isdecimal() else None
