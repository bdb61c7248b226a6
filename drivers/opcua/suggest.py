"""Items for a profile, proposed from what a walk found; what the unit does not settle is left to the engineer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from configs.quantity import quantities
from drivers.opcua.browse import Found
from drivers.profile_check import NODE, RESERVED_ITEMS

NUMBERS = {"SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double"}
FILED = "amount"  # quantities of this kind are filed by people, no device measures them
WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}  # YAML reads them as something else
_NO_NAME = re.compile(r"[^\w]+")
_SAFE = re.compile(r"[a-z][a-z0-9_]*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One item; `quantity` is empty where several are possible, `candidates` are those."""

    name: str
    node: str
    quantity: str
    unit: str  # empty where it is the quantity's own, or none that we know
    candidates: tuple[str, ...]
    seen: str  # where it stands and what it showed


def suggest(found: Iterable[Found]) -> list[Suggestion]:
    """Items for the numbers and booleans that a profile can name, in order, under names that are unique."""
    known, used, suggestions = quantities(), set(RESERVED_ITEMS), []
    for one in found:
        if (one.kind != "Boolean" and one.kind not in NUMBERS) or not NODE.fullmatch(one.node):
            continue
        unit = "" if one.kind == "Boolean" else one.unit
        candidates = tuple(_possible(unit, one.kind == "Boolean"))
        quantity = candidates[0] if len(candidates) == 1 else ""
        own = not unit or (bool(quantity) and known[quantity].unit == unit)
        name = _unique(one.path, used)
        used.add(name)
        now = f"-- ({one.status})" if one.value is None else f"{one.value} {one.unit}".rstrip()
        suggestions.append(Suggestion(name, one.node, quantity, "" if own else unit, candidates, f"{one.path} = {now}"))
    return suggestions


def yaml_line(one: Suggestion) -> str:
    """An item as it is pasted below `items:`; one that lacks its quantity is commented out and says what fits."""
    unit = f", unit: {_quoted(one.unit)}" if one.unit else ""
    name = one.name if _SAFE.fullmatch(one.name) and one.name not in WORDS else _quoted(one.name)
    item = f"{name}: {{quantity: {one.quantity or '?'}{unit}, node: {_quoted(one.node)}}}"
    seen = "".join(each if each.isprintable() else "?" for each in one.seen)
    if one.quantity:
        return f"  {item}  # {seen}"
    return f"  # {item}  # {seen}" + (f"; {' / '.join(one.candidates)}" if one.candidates else "")


def _quoted(text: str) -> str:
    """Between double quotes, as YAML reads it back."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in escaped)


def _possible(unit: str, boolean: bool) -> Iterable[str]:
    """The quantities that a device can measure in this unit; without a unit the states, for a boolean."""
    for name, quantity in quantities().items():
        if quantity.kind == FILED or name == "link_state":
            continue
        if (boolean and quantity.kind == "state") or (unit and unit in (quantity.unit, *quantity.accepts)):
            yield name


def _unique(path: str, used: set[str]) -> str:
    """The last step of a path as an item's name, with as many steps before it as make it unique."""
    steps = [_NO_NAME.sub("_", _HUMP.sub("_", step).lower()).strip("_") or "item" for step in path.split("/")]
    name = ""
    for step in reversed(steps):
        name = f"{step}_{name}" if name else step
        if name not in used:
            return name
    return next(each for number in range(2, len(used) + 3) if (each := f"{name}_{number}") not in used)
