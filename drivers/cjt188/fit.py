"""Which layouts a reply could be read with: for people who look at captures, never for the driver."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.cjt188.layout import Part, pieces, table, width
from drivers.cjt188.value import Value, value_of

READ_AS_NUMBERS = ("amount", "number")
HARMLESS = (None, "filler")


@dataclass(frozen=True)
class Fit:
    """One layout laid over a reply: its parts with their bytes, its values, and what is left over."""

    layout: str
    parts: dict[str, tuple[Part, bytes]]
    values: dict[str, Value]
    unit_first: bool
    wanted: int  # bytes that the layout has
    spare: bytes  # behind its last part

    @property
    def is_long_enough(self) -> bool:
        return not self.spare and all(len(raw) == part.width for part, raw in self.parts.values())

    @property
    def is_heat(self) -> bool:
        return any(part.measures == "energy" for part, _ in self.parts.values())

    @property
    def faults(self) -> int:
        """Values that cannot be read so; a number for which the layout knows no unit can."""
        return sum(not self._is_harmless(name) for name in self.values)

    @property
    def is_near(self) -> bool:
        """Whether a reply can be shown so at all.

        Of the right length it has nothing but digits, or a number in its unit; of another length every
        number that is there is in its unit.
        """
        there = [name for name in self.values if len(self.parts[name][1]) == self.parts[name][0].width]
        reasons = [self.values[name].reason for name in there]
        if self.is_long_enough and "not_bcd" in reasons:
            return any(reason in HARMLESS for reason in reasons)
        if self.is_long_enough:
            return True
        return bool(there) and all(reason in HARMLESS for reason in reasons)

    @property
    def is_good(self) -> bool:
        """Right length, every value with a unit that measures it."""
        return self.is_long_enough and not self.faults

    def _is_harmless(self, name: str) -> bool:
        unitless = self.parts[name][0].kind == "number" and not self.parts[name][0].unit
        return self.values[name].reason in (*HARMLESS, *(["wrong_unit"] if unitless else []))


def fits(di: str, meter_type: int, body: bytes) -> list[Fit]:
    """Every layout that knows the identifier, the most likely first; of equals the one for this meter type."""
    family = f"{meter_type:02X}"[0]
    found = [(family not in table().layouts[name].meters, laid(name, di, body)) for name in table().layouts]
    known = [(other, fit) for other, fit in found if fit.parts]
    known.sort(key=lambda pair: (not pair[1].is_long_enough, pair[1].faults, pair[0]))
    return [fit for _, fit in known]


def laid(name: str, di: str, body: bytes) -> Fit:
    """One layout over a reply, whether it fits or not."""
    layout = table().layouts[name]
    parts = layout.parts(di)
    told = {part_name: (part, raw) for part_name, part, raw in pieces(parts, body)}
    values = {
        part_name: value_of(part, raw, layout.unit_first)
        for part_name, (part, raw) in told.items()
        if part.kind in READ_AS_NUMBERS
    }
    return Fit(name, told, values, layout.unit_first, width(parts), body[width(parts) :])
