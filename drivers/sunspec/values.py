"""What the registers of a model say: each point as a number or a text, with its scale factor applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.error import DeviceError
from drivers.sunspec.coding import LARGEST_FACTOR, number, scaled, text
from drivers.sunspec.definition import Layout
from drivers.sunspec.places import Place, counters, places

FACTOR = "sunssf"


@dataclass(frozen=True, slots=True)
class Piece:
    """Registers of a model that came in one reply; `start` counts from the model's id."""

    start: int
    data: bytes

    def cut(self, offset: int, size: int) -> bytes:
        """The registers of a point; empty when they are not all here."""
        first = 2 * (offset - self.start)
        found = self.data[first : first + 2 * size] if first >= 0 else b""
        return found if len(found) == 2 * size else b""


class Registers:
    """The registers of one model, in one piece or several.

    A value is taken with the scale factor of its own piece where that has both.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)

    def value(self, place: Place) -> float | None:
        """A number in the point's unit, None when not implemented; raises DeviceError bad_factor."""
        piece = self._piece(place)
        raw = self.raw(place, piece)
        if raw is None:
            return None
        power = self.power(place, piece)
        if power is None:
            return None  # the size of the value is not known
        if abs(power) > LARGEST_FACTOR:
            raise DeviceError("bad_factor", f"{place.path} {power}")
        return scaled(raw, power)

    def raw(self, place: Place, piece: Piece | None = None) -> int | float | None:
        """The number without its scale factor; None when not implemented or not here."""
        return number(place.point.type, self.cut(place.offset, place.point.size, piece))

    def power(self, place: Place, piece: Piece | None = None) -> int | None:
        """The power of ten of a point; None when the device gives none."""
        if place.factor is None:
            return place.power
        found = number(FACTOR, self.cut(place.factor, 1, piece))
        return None if found is None else int(found)

    def text(self, place: Place) -> str | None:
        """A string or an address; None when not implemented or not here."""
        return text(place.point.type, self.cut(place.offset, place.point.size))

    def cut(self, offset: int, size: int, piece: Piece | None = None) -> bytes:
        """The bytes of registers, counted from the model's id, of one piece or of the first that has them; or empty."""
        pieces = self.pieces if piece is None else (piece,)
        return next((found for p in pieces if (found := p.cut(offset, size))), b"")

    def _piece(self, place: Place) -> Piece | None:
        """The one that holds both a value and its scale factor."""
        factor = place.offset if place.factor is None else place.factor
        return next((p for p in self.pieces if p.cut(place.offset, place.point.size) and p.cut(factor, 1)), None)


def whole(layout: Layout, data: bytes) -> tuple[Registers, dict[str, Place]]:
    """The registers of a model from its id on, and every point that fits into them."""
    registers, length = Registers([Piece(0, data)]), len(data) // 2 - 2
    return registers, places(layout, length, counts(layout, registers))


def counts(layout: Layout, registers: Registers) -> dict[str, int]:
    """How often each group stands there; one whose count is not implemented does not."""
    fixed = {place.path: place for place in places(layout, layout.group.words, {}).values()}
    return {name: int(registers.raw(fixed[name]) or 0) for name in counters(layout)}
