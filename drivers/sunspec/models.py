"""Where the points of a SunSpec model stand and what their registers mean, without I/O.

The places are data, configs/sunspec.yaml; a type fixes the size and the bits that mean "not implemented".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from functools import cache
from typing import Literal

import msgspec

from configs import FOLDER
from configs.load import load
from configs.quantity import quantities
from drivers.error import DeviceError, ProfileError
from drivers.profile import Item

PointType = Literal[
    "int16", "uint16", "count", "acc16", "enum16", "bitfield16", "sunssf",
    "int32", "uint32", "acc32", "enum32", "bitfield32", "float32",
    "int64", "uint64", "acc64", "float64",
    "string",
]  # fmt: skip
# The struct code, and the bits of a point that the device does not implement: pysunspec2 1.3.7,
# sunspec2/mb.py, and the night dump of a real inverter. Of a float every NaN counts.
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
LARGEST_FACTOR = 10  # sunssf: the power of ten lies between -10 and 10


class Point(msgspec.Struct, frozen=True):
    """`offset` counts registers from the model's id; `size` is that of a string, in registers."""

    offset: int
    type: PointType
    size: int = 0
    factor: str = ""  # the point with the power of ten
    unit: str = ""

    @property
    def words(self) -> int:
        """Registers that the point takes."""
        return self.size or struct.calcsize(CODINGS[self.type][0]) // 2


class Layout(msgspec.Struct, frozen=True):
    """The points of one or more models that look alike.

    `data` are always the registers of one model from its id on; a point beyond their end is not
    implemented.
    """

    models: list[int]
    points: dict[str, Point]

    @property
    def size(self) -> int:
        """Registers from the model's id to the end of its last point."""
        return max(point.offset + point.words for point in self.points.values())

    def value(self, data: bytes, name: str) -> float | None:
        """A number in the point's unit, None when not implemented; raises DeviceError bad_factor."""
        point = self.points[name]
        raw = _number(data, point)
        if raw is None or not point.factor:
            return None if raw is None else float(raw)
        power = _number(data, self.points[point.factor])
        if power is None:
            return None  # the size of the value is not known
        if abs(power) > LARGEST_FACTOR:
            raise DeviceError("bad_factor", f"{point.factor} {power}")
        # Dividing by a whole power rounds once; 10 ** -1 itself is not exact.
        return float(raw * 10**power) if power >= 0 else raw / 10**-power

    def has(self, data: bytes, name: str) -> bool:
        """Whether the device implements the point now, whatever its scale factor says."""
        return _number(data, self.points[name]) is not None

    def text(self, data: bytes, name: str) -> str:
        """A string without its filling; empty when not implemented."""
        return _piece(data, self.points[name]).partition(b"\0")[0].decode("utf-8", "replace").strip()


class _Table(msgspec.Struct, frozen=True):
    source: str
    layouts: list[Layout]


@cache
def layouts() -> dict[int, Layout]:
    """Every model that we can read, by its id."""
    table = load(FOLDER / "sunspec.yaml", _Table).value
    return {model: layout for layout in table.layouts for model in layout.models}


def check(items: Mapping[str, Item]) -> None:
    """Raises ProfileError no_point when an item names a point that its models lack or that has another unit."""
    for name, item in items.items():
        unit = item.unit or quantities()[item.quantity].unit
        for model in item.models or [0]:
            layout = layouts().get(model)
            point = layout.points.get(item.point) if layout else None
            if point is None or point.type == "string" or point.unit not in ("", unit):
                raise ProfileError("no_point", f"{name}: {item.point} of model {model} in {unit or '1'}")


def _piece(data: bytes, point: Point) -> bytes:
    return data[2 * point.offset : 2 * (point.offset + point.words)]


def _number(data: bytes, point: Point) -> int | float | None:
    code, lacking = CODINGS[point.type]
    raw = _piece(data, point)
    if len(raw) < 2 * point.words or int.from_bytes(raw, "big") == lacking:
        return None
    (value,) = struct.unpack(">" + code, raw)
    return value if isinstance(value, int) or math.isfinite(value) else None
