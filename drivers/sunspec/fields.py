"""One model's registers as JSON values: every point by its path, and in detail with raw number, unit and words."""

from __future__ import annotations

from typing import Any

from drivers.error import DeviceError
from drivers.sunspec.coding import LARGEST_FACTOR, TEXTS, is_number
from drivers.sunspec.definition import Layout
from drivers.sunspec.places import Place
from drivers.sunspec.rest import Rest
from drivers.sunspec.values import FACTOR, Registers

# How the published captures group the phases, and values whose size makers understand differently.
GROUPED = {
    "AphA..C_raw": ("AphA", "AphB", "AphC"),
    "PhVphABC": ("PhVphA", "PhVphB", "PhVphC"),
    "WphABC": ("WphA", "WphB", "WphC"),
}
RAW = ("PF",)
NO_TEXT = ""  # a string that is not implemented is shown as an empty one


def shown(layout: Layout, places: dict[str, Place], registers: Registers) -> dict[str, Any]:
    """Every point that is in the registers: its value, null when not implemented; scale factors applied."""
    found = {path: _value(place, registers) for path, place in places.items() if _is_here(place, registers)}
    for name, parts in GROUPED.items():
        if all(part in found for part in parts):
            of_parts = [places[part] for part in parts]
            found[name] = [registers.raw(p) if name.endswith("_raw") else found[p.path] for p in of_parts]
    found |= {f"{path}_raw": registers.raw(places[path]) for path in RAW if path in found}
    rest = Rest.of(layout.id, places)
    if rest is not None and all(_is_here(place, registers) for place in rest.places):
        found["asleep"] = rest.asleep(registers)
    return found


def detailed(places: dict[str, Place], registers: Registers) -> list[dict[str, Any]]:
    """The same with what a commissioning engineer asks next, point by point."""
    return [_detail(place, registers) for place in places.values() if _is_here(place, registers)]


def bad_factors(places: dict[str, Place], registers: Registers) -> list[str]:
    """The scale factors that cannot be one; these registers are then hardly those of this model."""
    factors = [place for place in places.values() if place.point.type == FACTOR]
    return [place.path for place in factors if abs(registers.raw(place) or 0) > LARGEST_FACTOR]


def _is_here(place: Place, registers: Registers) -> bool:
    return bool(registers.cut(place.offset, place.point.size))


def _value(place: Place, registers: Registers) -> Any:
    kind = place.point.type
    if kind in TEXTS:
        found = registers.text(place)
        return NO_TEXT if found is None and kind == "string" else found
    if not is_number(kind):
        return int.from_bytes(registers.cut(place.offset, place.point.size), "big")  # filling
    try:
        value = registers.value(place)
    except DeviceError:
        return None
    raw = registers.raw(place)
    return int(value) if value is not None and isinstance(raw, int) and value == int(value) else value


def _detail(place: Place, registers: Registers) -> dict[str, Any]:
    point = place.point
    found: dict[str, Any] = {
        "name": place.path,
        "label": point.label,
        "type": point.type,
        "hex": registers.cut(place.offset, point.size).hex(),
        "value": _value(place, registers),
        "unit": point.unit or None,
    }
    if is_number(point.type):
        raw = registers.raw(place)
        found["raw"] = raw
        if point.type == FACTOR and abs(raw or 0) > LARGEST_FACTOR:
            found["problem"] = "bad_factor"
        if place.factor is not None or place.power:
            found["factor"] = registers.power(place)
            found["bad_factor"] = raw is not None and found["factor"] is not None and found["value"] is None
        if point.symbols and isinstance(raw, int):
            found["words"] = _words(point.type, raw, {s.value: s.name for s in point.symbols})
    return found


def _words(kind: str, raw: int, symbols: dict[int, str]) -> list[str]:
    """What a code says, or each bit that is set, by number where it has no word."""
    values = [bit for bit in range(raw.bit_length()) if raw >> bit & 1] if kind.startswith("bitfield") else [raw]
    return [symbols.get(value, str(value)) for value in values]
