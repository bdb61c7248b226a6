"""What is wrong with a device profile beyond its types: names, quantities, units, places on the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from configs.load import Loaded
from configs.problem import Problem, nearest
from configs.quantity import quantities
from drivers.dlt645.table import DI_DIGITS, known
from drivers.profile import PLACE, WORDS, Item, Profile

NODE = re.compile(r"(nsu=[^;]+;|ns=[0-9]+;)?([sgb]=.+|i=[0-9]+)")  # OPC 10000-6, 5.3.1.10
DI = re.compile(r"[0-9A-F]*")
ITEM_NAME = re.compile(r"[\w-]+")  # a tag is `device.item`
RESERVED_ITEMS = ("link",)  # `device.link` is the state of the connection
REGISTERS = 65536
NO_PLACE = ("", None)  # the place of an item on the wire when left out
PARTS = 2  # of a quotient
MOMENTS = {"demand": "YYMMDDhhmm", "moment": "YYMMDDhhmm", "monthly": "MMDDhhmm"}  # by DL/T 645 format

Faults = Iterator[Problem]


def faults(loaded: Loaded[Profile]) -> list[Problem]:
    """Every fault of a profile, those of its items first."""
    profile = loaded.value
    found: list[Problem] = []
    if not profile.items:
        found.append(loaded.problem("no_items", "items"))
    for name, item in profile.items.items():
        found += _named(loaded, name)
        found += _measured(loaded, name, item)
        found += _computed(loaded, name, item) if item.quotient else _placed(loaded, name, item)
    for place, sign in enumerate(profile.recognise):
        if sign.item not in profile.items:
            where = ("recognise", str(place))
            found.append(
                loaded.problem("no_sign_item", *where, value=sign.item, nearest=nearest(sign.item, profile.items))
            )
    return found + list(BY_PROTOCOL.get(profile.protocol, _nothing)(loaded))


def _named(loaded: Loaded[Profile], name: str) -> Faults:
    if name in RESERVED_ITEMS or not ITEM_NAME.fullmatch(name):
        yield loaded.problem("bad_item_name", "items", name, value=name)


def _measured(loaded: Loaded[Profile], name: str, item: Item) -> Faults:
    quantity = quantities().get(item.quantity)
    if quantity is None:
        hint = nearest(item.quantity, quantities())
        yield loaded.problem("no_quantity", "items", name, "quantity", value=item.quantity, nearest=hint)
    elif quantity.factor(item.unit) is None:
        allowed = ", ".join([quantity.unit, *quantity.accepts])
        yield loaded.problem("no_unit", "items", name, "unit", value=item.unit, allowed=allowed)
    if item.scale == 0:
        yield loaded.problem("scale_zero", "items", name, "scale")


def _computed(loaded: Loaded[Profile], name: str, item: Item) -> Faults:
    """A quotient has no place of its own; both its parts are read, and in the same cycle, which is every one."""
    items, place = loaded.value.items, PLACE[loaded.value.protocol]
    if getattr(item, place) not in NO_PLACE:
        yield loaded.problem("quotient_with_place", "items", name, place, value=place)
    for part in item.quotient if len(item.quotient) == PARTS else [", ".join(item.quotient)]:
        if part not in items or items[part].quotient:
            yield loaded.problem("no_item", "items", name, "quotient", value=part, nearest=nearest(part, items))
        elif items[part].priority == "low":
            yield loaded.problem("quotient_of_low", "items", name, "quotient", value=part)


def _placed(loaded: Loaded[Profile], name: str, item: Item) -> Faults:
    place = PLACE[loaded.value.protocol]
    if getattr(item, place) in NO_PLACE:
        yield loaded.problem("missing_key", "items", name, value=place)


def _nothing(loaded: Loaded[Profile]) -> Faults:
    yield from ()


def _dlt645(loaded: Loaded[Profile]) -> Faults:
    digits = DI_DIGITS[loaded.value.protocol]
    for name, item in loaded.value.items.items():
        if item.di and (len(item.di) != digits or not DI.fullmatch(item.di)):
            yield loaded.problem("bad_di", "items", name, "di", value=item.di)
        yield from _moment645(loaded, name, item)


def _moment645(loaded: Loaded[Profile], name: str, item: Item) -> Faults:
    """A moment is read as the unit of its quantity says, and nothing else is a moment."""
    listed, quantity = known(item.di), quantities().get(item.quantity)
    if listed is None or quantity is None:
        return
    kind = listed.entry.format
    told = kind if kind == "demand" and item.part == "value" else MOMENTS.get(kind, kind)
    if told != quantity.unit and (told in MOMENTS.values() or quantity.unit in MOMENTS.values()):
        yield loaded.problem("wrong_moment", "items", name, "quantity", value=item.quantity, allowed=told)


def _cjt188(loaded: Loaded[Profile]) -> Faults:
    from drivers.cjt188.model import faults as faults188  # only where a meter speaks it

    for name, item in loaded.value.items.items():
        measures = item.quantity in quantities()
        if measures and (item.field == "status") != (item.kind_or_default == "state" and bool(item.field)):
            yield loaded.problem("status_is_a_state", "items", name, "quantity", value=item.quantity)
    yield from faults188(loaded)


def _modbus(loaded: Loaded[Profile]) -> Faults:
    """Bit fields that do not fit their integer, ranges that are none, items that no read can hold."""
    reads = loaded.value.reads
    for name, item in loaded.value.items.items():
        if not item.bits_fit(16 * WORDS[item.type] if "int" in item.type else 0):
            yield loaded.problem("bad_bits", "items", name, "bits", value=item.bits)
        if item.register is None:
            continue
        if item.register + WORDS[item.type] > REGISTERS:
            yield loaded.problem("past_last_register", "items", name, "register", value=str(item.register))
        if item.function in (3, 4) and WORDS[item.type] > reads.most:
            yield loaded.problem("wider_than_read", "items", name, value=str(reads.most))
    for place, span in enumerate(reads.forbidden):
        if (
            len(span) not in (2, 3)
            or not 0 <= span[0] <= span[1] < REGISTERS
            or (span[2:] or [3])[0] not in (1, 2, 3, 4)
        ):
            yield loaded.problem("bad_range", "reads", "forbidden", str(place), value=str(span))


def _opcua(loaded: Loaded[Profile]) -> Faults:
    for name, item in loaded.value.items.items():
        if item.node and not NODE.fullmatch(item.node):
            yield loaded.problem("bad_node", "items", name, "node", value=item.node)


def _mbus(loaded: Loaded[Profile]) -> Faults:
    from drivers.mbus.record_name import record_of  # only where a meter speaks it

    for name, item in loaded.value.items.items():
        try:
            record_of(item.record)
        except ValueError:
            if item.record:
                yield loaded.problem("bad_record", "items", name, "record", value=item.record)
        if item.unit:
            yield loaded.problem("no_unit_on_wire", "items", name, "unit", value=item.unit)


BY_PROTOCOL: dict[str, Callable[[Loaded[Profile]], Faults]] = {
    "dlt645-2007": _dlt645,
    "dlt645-1997": _dlt645,
    "cjt188-2004": _cjt188,
    "modbus": _modbus,
    "opcua": _opcua,
    "mbus": _mbus,
}
