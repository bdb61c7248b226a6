"""What a profile says of a CJ/T 188 meter: its type, its layout, and what is wrong with them."""

from __future__ import annotations

import re

from configs.load import Loaded
from configs.problem import Problem, nearest
from drivers.cjt188.codec import ANY_TYPE, COLD_WATER, COOLING, GAS, HEAT
from drivers.cjt188.layout import METERED, MONTH_ENDS, Layout, Part, table
from drivers.profile import Item, Profile

TYPE = re.compile(r"[1-4][0-9]|AA")  # two hexadecimal digits
MEASURED_BY = {"gas_volume": GAS, "heat_energy": HEAT, "cooling_energy": COOLING}  # first wins


def meter_type(profile: Profile) -> int:
    """Whom the questions are for: what the profile says, or else what it measures decides."""
    if profile.meter_type:
        return int(profile.meter_type, 16)
    quantities = {item.quantity for item in profile.items.values()}
    return next((code for quantity, code in MEASURED_BY.items() if quantity in quantities), COLD_WATER)


def layout_of(profile: Profile) -> Layout:
    """How the meter fills its replies: the named layout, or else the standard's for its type."""
    return table().layouts[profile.layout or _standard(profile)]


def identifier(item: Item) -> str:
    """The data identifier whose reply holds an item."""
    return item.di or METERED


def faults(loaded: Loaded[Profile]) -> list[Problem]:
    """Types, layouts, identifiers and parts that do not exist."""
    profile, known = loaded.value, table().layouts
    found: list[Problem] = []
    if profile.meter_type and not TYPE.fullmatch(profile.meter_type):
        found.append(loaded.problem("bad_meter_type", "meter_type", value=profile.meter_type))
    if profile.layout and profile.layout not in known:
        hint = nearest(profile.layout, known)
        wrong = {"value": profile.layout, "allowed": ", ".join(known), "nearest": hint}
        return [*found, loaded.problem("no_layout", "layout", **wrong)]
    if found:
        return found
    for name, item in profile.items.items():
        if identifier(item) not in (METERED, *MONTH_ENDS, *table().others):
            allowed = f"{METERED}, {MONTH_ENDS[0]} - {MONTH_ENDS[-1]}"
            found.append(loaded.problem("no_identifier", "items", name, "di", value=item.di, allowed=allowed))
            continue
        parts = {
            part: spec
            for part, spec in layout_of(profile).parts(identifier(item)).items()
            if spec.kind not in ("clock", "word")
        }
        if item.field and item.field not in parts:
            wrong = {"value": item.field, "allowed": ", ".join(parts), "nearest": nearest(item.field, parts)}
            found.append(loaded.problem("no_part", "items", name, "field", **wrong))
        elif not item.bits_fit(_bit_count(parts.get(item.field))):
            found.append(loaded.problem("bad_bits", "items", name, "bits", value=item.bits))
    return found


def _bit_count(part: Part | None) -> int:
    """How many bits an item can take some of: those of a status."""
    return 8 * part.size if part is not None and part.kind == "status" else 0


def _standard(profile: Profile) -> str:
    code = meter_type(profile)
    return "heat" if code != ANY_TYPE and code >> 4 == HEAT >> 4 else "water"
