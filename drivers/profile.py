"""A device profile: which item stands where on the wire, what it measures, how it scales."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from configs.load import Loaded
from configs.problem import Problem, nearest
from configs.quantity import KindName, quantities
from configs.scalars import Seconds
from configs.text import Text

Protocol = Literal["dlt645-2007", "cjt188-2004", "modbus", "sunspec", "opcua"]
PLACE = {"dlt645-2007": "di", "cjt188-2004": "field", "modbus": "register", "sunspec": "point", "opcua": "node"}
NODE = re.compile(r"(nsu=[^;]+;|ns=[0-9]+;)?([sgb]=.+|i=[0-9]+)")  # OPC 10000-6, 5.3.1.10
ITEM_NAME = re.compile(r"[\w-]+")  # a tag is `device.item`
RESERVED_ITEMS = ("link",)  # `device.link` is the state of the connection
WORDS = {"uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 4, "int64": 4, "float32": 2, "float64": 4}
RegisterType = Literal["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]


class Item(msgspec.Struct, frozen=True):
    """One value of a device. `unit` is what the wire carries; the quantity's own when left out."""

    quantity: str
    unit: str = ""
    kind: KindName | None = None
    ratio: Literal["current", "voltage", "power"] | None = None
    max_age: Annotated[Seconds, msgspec.Meta(gt=0)] = Seconds(60.0)
    modulus: Annotated[float, msgspec.Meta(gt=0)] | None = None  # a counter returns to 0 here, in the wire's unit
    # DL/T 645
    di: str = ""  # data identifier as the standard prints it, DI3 DI2 DI1 DI0
    bytes: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4
    decimals: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0
    signed: bool = False  # the top bit of the highest byte is a minus sign
    # Modbus
    function: Literal[1, 2, 3, 4] = 3
    register: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None  # 0-based protocol address
    type: RegisterType = "uint16"
    order: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    absent: list[int] = []  # raw values that mean "no sensor"
    # CJ/T 188
    field: Literal["", "volume", "settled_volume", "status"] = ""
    # SunSpec
    point: str = ""
    models: list[int] = []  # the first of these in the device's chain holds the point
    # OPC UA
    node: str = ""  # nsu=URI;s=NAME or ns=2;i=7
    states: dict[int, Text] = {}  # what the codes of a state mean

    @property
    def kind_or_default(self) -> str:
        return self.kind or quantities()[self.quantity].kind


class Profile(msgspec.Struct, frozen=True):
    """One kind of device; `source` is the manual and page, or the file, that its author has read."""

    title: Text
    protocol: Protocol
    source: str
    items: dict[str, Item]
    primary: bool = False  # the meter already multiplies by its transformer ratio
    note: str = ""


def faults(loaded: Loaded[Profile]) -> list[Problem]:
    """What the types cannot say: quantities and units that do not exist, items without a place."""
    found: list[Problem] = []
    known = quantities()
    if not loaded.value.items:
        found.append(loaded.problem("no_items", "items"))
    for name, item in loaded.value.items.items():
        where = ("items", name)
        quantity = known.get(item.quantity)
        if quantity is None:
            hint = nearest(item.quantity, known)
            found.append(loaded.problem("no_quantity", *where, "quantity", value=item.quantity, nearest=hint))
        elif quantity.factor(item.unit) is None:
            allowed = ", ".join([quantity.unit, *quantity.accepts])
            found.append(loaded.problem("no_unit", *where, "unit", value=item.unit, allowed=allowed))
        if name in RESERVED_ITEMS or not ITEM_NAME.fullmatch(name):
            found.append(loaded.problem("bad_item_name", *where, value=name))
        if item.scale == 0:
            found.append(loaded.problem("scale_zero", *where, "scale"))
        if quantity is not None and (item.field == "status") != (item.kind_or_default == "state" and bool(item.field)):
            found.append(loaded.problem("status_is_a_state", *where, "quantity", value=item.quantity))
        place = PLACE[loaded.value.protocol]
        if getattr(item, place) in ("", None):
            found.append(loaded.problem("missing_key", *where, value=place))
        if item.register is not None and item.register + WORDS[item.type] > 65536:
            found.append(loaded.problem("past_last_register", *where, "register", value=str(item.register)))
        if item.node and not NODE.fullmatch(item.node):
            found.append(loaded.problem("bad_node", *where, "node", value=item.node))
        if item.di and (len(item.di) != 8 or any(c not in "0123456789ABCDEF" for c in item.di)):
            found.append(loaded.problem("bad_di", *where, "di", value=item.di))
    return found
