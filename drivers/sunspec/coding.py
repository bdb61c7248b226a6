"""The types of SunSpec points: how many registers mean what, and which bits mean "not implemented"."""

from __future__ import annotations

import math
import struct

Raw = int | float | str
# The struct code, and the bits of a point that the device does not implement: pysunspec2 1.3.7,
# sunspec2/mb.py, and the night dump of a real inverter. Of a float every NaN and infinity counts.
CODINGS: dict[str, tuple[str, int]] = {
    "int16": ("h", 0x8000),
    "uint16": ("H", 0xFFFF),
    "count": ("H", 0xFFFF),
    "acc16": ("H", 0),
    "enum16": ("H", 0xFFFF),
    "bitfield16": ("H", 0xFFFF),
    "sunssf": ("h", 0x8000),
    "int32": ("i", 0x8000_0000),
    "uint32": ("I", 0xFFFF_FFFF),
    "acc32": ("I", 0),
    "enum32": ("I", 0xFFFF_FFFF),
    "bitfield32": ("I", 0xFFFF_FFFF),
    "float32": ("f", 0x7FC0_0000),
    "int64": ("q", 0x8000_0000_0000_0000),
    "uint64": ("Q", 0xFFFF_FFFF_FFFF_FFFF),
    "acc64": ("Q", 0),
    "float64": ("d", 0x7FF8_0000_0000_0000),
}
TEXTS = ("string", "ipaddr", "ipv6addr", "eui48")  # types without a number
NO_EUI48 = b"\xff" * 6
LARGEST_FACTOR = 10  # sunssf: the power of ten lies between -10 and 10


def is_number(kind: str) -> bool:
    """Whether a point of this type can be an item of a profile."""
    return kind in CODINGS


def number(kind: str, raw: bytes) -> int | float | None:
    """The number in the registers of a point, without its power of ten; None when not implemented."""
    code, lacking = CODINGS[kind]
    if len(raw) != struct.calcsize(code) or int.from_bytes(raw, "big") == lacking:
        return None
    (value,) = struct.unpack(">" + code, raw)
    return value if isinstance(value, int) or math.isfinite(value) else None


def text(kind: str, raw: bytes) -> str | None:
    """A string without its filling, or an address in the usual notation; None when not implemented."""
    if kind == "string":
        written = raw.partition(b"\0")[0]
        return written.decode("utf-8", "replace").strip() if written else None
    if not any(raw):
        return None
    if kind == "ipaddr":
        return ".".join(map(str, raw))
    if kind == "ipv6addr":
        return ":".join(raw[i : i + 2].hex() for i in range(0, len(raw), 2))
    mac = raw[2:]  # eui48: four registers, of which the first is filling
    return None if mac == NO_EUI48 else mac.hex(":").upper()


def scaled(raw: float, power: int) -> float:
    """The value of a number with a power of ten; dividing by a whole power rounds once, 10 ** -1 is not exact."""
    return float(raw * 10**power) if power >= 0 else raw / 10**-power
