"""The number in the data of a record, before its VIF gives it a size: integer, BCD, float or variable length."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

from drivers.mbus.cut import BCD, INTEGER, LVAR_LONG, LVAR_NUMBER, VARIABLE

FLOAT = 5
NONE = (0, 8)  # no data, and a selection for readout
LVAR_NEGATIVE, LVAR_BINARY = 0xD0, 0xE0  # the lengths below the first are of positive BCD
MOST_DIGIT_BYTES = 9  # of variable BCD: C0 to C9 and D0 to D9, the others are reserved
LONGEST_NUMBER = 8  # bytes of a binary one; longer ones are keys, checksums, identifications

Number = tuple[Decimal | None, str | None]
NOTHING: Number = (None, "no_value")


def number_of(coding: int, data: bytes) -> Number:
    """The number, or the code why there is none: no_value, error_code, not_a_number, undecoded.

    EN 13757-3, data field codes; libmbus, mbus_variable_value_decode, for their bytes and signs.
    """
    if coding in INTEGER:
        return _integer(data), None
    if coding in BCD:
        return _bcd(data)
    if coding == FLOAT:
        return _float(data)
    return _variable(data) if coding == VARIABLE else NOTHING


def text_of(coding: int, data: bytes) -> str | None:
    """What is no number: letters, or a binary too long for one as hexadecimal; both stand last byte first.

    The order of the bytes is that of libmbus (test/test-frames/example_binary16_lvar.norm.xml).
    """
    if coding != VARIABLE:
        return None
    if data[0] < LVAR_NUMBER:
        return data[:0:-1].decode("latin-1")
    is_long = data[0] >= LVAR_LONG or (data[0] >= LVAR_BINARY and len(data) - 1 > LONGEST_NUMBER)
    return data[:0:-1].hex(" ").upper() if is_long else None


def is_smallest(coding: int, data: bytes) -> bool:
    """Whether it is the smallest signed number, by which a meter says that it has no value."""
    if coding == VARIABLE and data[0] >= LVAR_BINARY:
        data = data[1:]
    elif coding not in INTEGER:
        return False
    return data == bytes(len(data) - 1) + b"\x80"


def _integer(data: bytes) -> Decimal:
    return Decimal(int.from_bytes(data, "little", signed=True))


def _bcd(data: bytes) -> Number:
    """An F in the highest place is a minus sign; other digits are an error code of the meter."""
    digits = data[::-1].hex()
    plain = digits.removeprefix("f")
    if not plain.isdecimal():
        return None, "error_code"
    return Decimal(plain if plain == digits else "-" + plain), None


def _float(data: bytes) -> Number:
    (value,) = struct.unpack("<f", data)
    if math.isfinite(value):
        return Decimal(value), None
    return None, "no_value" if math.isnan(value) else "not_a_number"


def _variable(data: bytes) -> Number:
    """After its length: BCD of either sign without a sign of its own, or binary."""
    length, rest = data[0], data[1:]
    if not rest:
        return NOTHING
    if length >= LVAR_BINARY:
        return _integer(rest), None
    digits = rest[::-1].hex()
    if len(rest) > MOST_DIGIT_BYTES:
        return None, "undecoded"
    if not digits.isdecimal():
        return None, "error_code"
    return Decimal("-" + digits if length >= LVAR_NEGATIVE else digits), None
