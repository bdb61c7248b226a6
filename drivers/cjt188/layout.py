"""What stands where in the data of a CJ/T 188 reply: configs/cjt188.yaml as types, without I/O.

Lengths and places are data of a model. Nothing here chooses a layout by the length of a reply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

import msgspec

from configs import FOLDER
from configs.load import load

METERED, ADDRESS = "901F", "810A"  # what a meter counts; who it is
MONTH_ENDS = [f"D1{n:02X}" for n in range(0x20, 0x2C)]  # last month first
NOT_TOLD = 0x00  # a unit byte that names no unit
Measure = Literal["", "energy", "power", "volume", "flow"]


class Part(msgspec.Struct, frozen=True):
    """One value of a reply. `unit` is a number's own, or what an amount means whose unit byte is 00."""

    kind: Literal["amount", "number", "clock", "status", "word"]
    size: int  # bytes, an amount's unit byte left out
    decimals: int = 0
    measures: Measure = ""
    unit: str = ""

    @property
    def width(self) -> int:
        """Bytes on the wire."""
        return self.size + (self.kind == "amount")


Parts = Mapping[str, Part]


class Layout(msgspec.Struct, frozen=True):
    """How one kind of meter fills its replies."""

    meters: str  # high digits of the meter types that it is for
    source: str
    current: dict[str, Part]
    month_end: dict[str, Part] = {}
    unit_first: bool = False

    def parts(self, di: str) -> Parts:
        """What answers an identifier, in order; empty when it is not known."""
        if di == METERED:
            return self.current
        return self.month_end if di in MONTH_ENDS else table().others.get(di, {})


class Table(msgspec.Struct, frozen=True):
    """The whole of configs/cjt188.yaml."""

    source: str
    note: str
    units: dict[Measure, dict[str, str]]  # unit byte, two hexadecimal digits, to its unit
    layouts: dict[str, Layout]
    others: dict[str, dict[str, Part]]
    controls: dict[str, str]
    identifiers: dict[str, str]


@cache
def table() -> Table:
    """The shipped layouts, units and names."""
    return load(FOLDER / "cjt188.yaml", Table).value


@cache
def unit_of(code: int) -> tuple[str, Measure] | None:
    """The unit that a unit byte names and what it measures; None for a byte that nobody knows."""
    named = ((units[f"{code:02X}"], measure) for measure, units in table().units.items() if f"{code:02X}" in units)
    return next(named, None)


@cache
def code_of(unit: str) -> int:
    """The unit byte of a unit, for the simulator; raises KeyError."""
    return {u: int(code, 16) for units in table().units.values() for code, u in units.items()}[unit]


def width(parts: Parts) -> int:
    """Bytes of all parts together."""
    return sum(part.width for part in parts.values())


def pieces(parts: Parts, body: bytes) -> Iterator[tuple[str, Part, bytes]]:
    """Each part with its bytes, fewer than its width where the reply ends early."""
    at = 0
    for name, part in parts.items():
        yield name, part, body[at : at + part.width]
        at += part.width
