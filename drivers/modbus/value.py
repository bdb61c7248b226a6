"""Registers to numbers and back, without I/O: types, byte orders, scales, bit fields, and what means "none"."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial

from drivers.error import DeviceError
from drivers.modbus.pdu import BIT_FUNCTIONS
from drivers.profile import BITS, WORDS, ByteOrder, Item

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
MODULUS = 10_000  # of a register that holds four decimal digits; Schneider Electric FAQ FA146443, "Mod10"
THOUSAND = 1000  # kWh beside whole MWh: Stiebel Eltron, Modbus manual of the ISG, energy data
NOT_THERE = 0x8000  # in a register of such a pair; the same maker's mark of an object that is not there
EXACT = 10**15  # a scale that is a ratio of smaller integers is applied without rounding twice
FLOAT32 = struct.Struct(">f")
LEAST_EXPONENT, MOST_EXPONENT, MANTISSA = -125, 128, 24  # of a float32, as math.frexp counts them; the mantissa's bits
LARGEST = sys.float_info.max

Raw = int | float


class Coding:
    """How an item stands in its registers; made once for all replies. `factor` leads to the quantity's unit."""

    def __init__(self, item: Item, factor: float = 1.0) -> None:
        self._size = 2 * width(item)
        self._order = _order(self._size, item.order)
        self._unpack = _unpacker(item)
        self._is_float32 = item.type == "float32" and item.function not in BIT_FUNCTIONS
        self._shift, self._mask = _field(item.bits)
        self._absent = frozenset(item.absent)
        # The same as the bits of the registers; one that fits into a bit field means the field alone.
        self._patterns = frozenset(a % (1 << 8 * self._size) for a in item.absent if not 0 <= a <= self._mask)
        self._times, self._by = _ratio(item.scale, factor)
        self._offset = item.offset * factor
        self._is_plain = not (self._order or self._mask or self._absent)
        self._is_scaled = (self._times, self._by, self._offset) != (1, 1, 0)

    def value(self, data: bytes, place: int = 0) -> float | None:
        """The value of the registers that begin at the byte `place`; None when the device says it has none.

        Raises DeviceError: not_a_number for an infinity, not_bcd and bad_digits for digits that are none.
        """
        raw = self._unpack(data, place)[0] if self._is_plain else self._picked(data[place : place + self._size])
        if raw is None:
            return None
        if self._is_float32:
            raw = shortest(raw)
        scaled = raw * self._times / self._by + self._offset if self._is_scaled else float(raw)
        if -LARGEST <= scaled <= LARGEST:
            return scaled
        if raw != raw:
            return None
        raise DeviceError("not_a_number")

    def _picked(self, data: bytes) -> Raw | None:
        """The number as the wire has it, after order, sentinels and bit field."""
        if self._order:
            data = bytes([data[i] for i in self._order])
        whole = int.from_bytes(data, "big")
        if whole in self._patterns:
            return None
        raw = whole >> self._shift & self._mask if self._mask else self._unpack(data, 0)[0]
        return None if raw is None or raw in self._absent else raw


def width(item: Item) -> int:
    """Registers that an item takes, or 1 for a bit."""
    return 1 if item.function in BIT_FUNCTIONS else WORDS[item.type]


def number(raw: bytes, item: Item) -> float | None:
    """One value in the wire's unit; see `Coding.value`."""
    return Coding(item).value(raw)


def text(raw: bytes, order: ByteOrder = "ABCD") -> str:
    """What registers say as letters, without the filling around it."""
    letters = ordered(raw, "BADC" if order in ("BADC", "DCBA") else "ABCD")
    return letters.split(b"\0")[0].decode("ascii", "replace").strip()


def shortest(value: float) -> float:
    """The shortest decimal that a float32 stands for: 230.2, not 230.1999969; a whole number stays."""
    if value.is_integer() or not math.isfinite(value):
        return value
    fraction, exponent = math.frexp(value)
    if fraction in (0.5, -0.5):
        return value  # the step below a power of 2 is half as long
    places, half = _STEPS[max(exponent, LEAST_EXPONENT)]
    short = round(value, places)
    return short if abs(short - value) < half else round(value, places + 1)


def registers(value: float, item: Item) -> bytes:
    """The registers of a value in the wire's unit, for the simulator."""
    raw = (value - item.offset) / item.scale
    if item.bits:
        data = (round(raw) << _field(item.bits)[0]).to_bytes(2 * width(item), "big")
    elif item.type in FORMATS:
        code = FORMATS[item.type]
        data = struct.pack(">" + code, raw if code in "fd" else round(raw))
    elif item.type.startswith("bcd"):
        data = bytes.fromhex(f"{round(raw):0{4 * width(item)}d}")
    elif item.type == "mod1k32":
        data = struct.pack(">HH", *divmod(round(raw), THOUSAND))
    else:
        left = round(raw)
        words = [left // MODULUS**i % MODULUS for i in reversed(range(width(item)))]
        data = struct.pack(f">{len(words)}H", *words)
    return ordered(data, item.order)


def ordered(raw: bytes, order: ByteOrder) -> bytes:
    """Between the wire's order and ABCD; each of the four orders undoes itself."""
    words = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w[::-1] for w in words]
    return b"".join(words)


def _steps(exponent: int) -> tuple[int, float]:
    """Of float32 with this exponent: decimal places no finer than their step, and half a step.

    A decimal with that many places is the one that is nearest to its float32, and with one more place
    every float32 has a decimal of its own.
    """
    step = math.ldexp(1.0, exponent - MANTISSA)
    return math.floor(-math.log10(step)), step / 2


_STEPS = {exponent: _steps(exponent) for exponent in range(LEAST_EXPONENT, MOST_EXPONENT + 1)}


def _order(size: int, order: ByteOrder) -> tuple[int, ...]:
    """Which byte of the wire stands where in ABCD; empty where they are the same."""
    places = ordered(bytes(range(size)), order)
    return () if places == bytes(range(size)) else tuple(places)


def _unpacker(item: Item) -> Callable[[bytes, int], tuple[Raw | None]]:
    """From the bytes in the order ABCD to the number as the wire has it; None for what is not there."""
    code = "H" if item.function in BIT_FUNCTIONS else FORMATS.get(item.type)
    if code is not None:
        return struct.Struct(">" + code).unpack_from
    if item.type == "mod1k32":
        return _mod1k
    return partial(_bcd if item.type.startswith("bcd") else _mod10k, WORDS[item.type])


def _bcd(words: int, data: bytes, place: int) -> tuple[Raw]:
    digits = data[place : place + 2 * words].hex()
    if not digits.isdecimal():
        raise DeviceError("not_bcd", digits)
    return (int(digits),)


def _mod1k(data: bytes, place: int) -> tuple[Raw | None]:
    thousands, ones = struct.unpack_from(">HH", data, place)
    if NOT_THERE in (thousands, ones):
        return (None,)
    if ones >= THOUSAND:
        raise DeviceError("bad_digits", data[place : place + 4].hex())
    return (thousands * THOUSAND + ones,)


def _mod10k(words: int, data: bytes, place: int) -> tuple[Raw]:
    """Each register is signed, -9999 to 9999, and all have the same sign."""
    value = 0
    for word in struct.unpack_from(f">{words}h", data, place):
        if abs(word) >= MODULUS:
            raise DeviceError("bad_digits", data[place : place + 2 * words].hex())
        value = value * MODULUS + word
    return (value,)


def _field(bits: str) -> tuple[int, int]:
    """Shift and mask of a bit field; the mask is 0 where there is none."""
    found = BITS.fullmatch(bits)
    if found is None:
        return 0, 0
    low, high = int(found[1]), int(found[2] or found[1])
    return low, (1 << high - low + 1) - 1


def _ratio(scale: float, factor: float) -> tuple[Raw, Raw]:
    """What to multiply with and what to divide by: 2302 with scale 0.1 is 230.2, which 2302 * 0.1 is not."""
    ratio = Fraction(Decimal(repr(scale))) * Fraction(Decimal(repr(factor)))
    if max(abs(ratio.numerator), ratio.denominator) < EXACT:
        return ratio.numerator, ratio.denominator
    return scale * factor, 1
