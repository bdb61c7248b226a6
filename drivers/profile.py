"""A device profile: which item stands where on the wire, what it measures, how it scales."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec.structs import force_setattr, replace

from configs.quantity import KindName, quantities
from configs.scalars import Seconds
from configs.text import Text
from drivers.dlt645.table import DI_DIGITS, known

Protocol = Literal["dlt645-2007", "dlt645-1997", "cjt188-2004", "modbus", "sunspec", "opcua", "mbus"]
PLACE = {
    "dlt645-2007": "di",
    "dlt645-1997": "di",
    "cjt188-2004": "field",
    "modbus": "register",
    "sunspec": "point",
    "opcua": "node",
    "mbus": "record",
}
AS_LISTED = -1  # left out by the profile: as configs/dlt645.yaml lists it
UNLISTED_BYTES = 4  # of an identifier that is not listed there
WORDS = {
    "uint16": 1,
    "int16": 1,
    "uint32": 2,
    "int32": 2,
    "uint64": 4,
    "int64": 4,
    "float32": 2,
    "float64": 4,
    "bcd16": 1,  # four decimal digits to a register
    "bcd32": 2,
    "mod1k32": 2,  # thousands, and 0 to 999; Stiebel Eltron sends the lower register first: CDAB
    "mod10k32": 2,  # 0 to 9999 to a register; ABCD has the highest register first, PowerLogic the lowest: CDAB
    "mod10k48": 3,
    "mod10k64": 4,
}
RegisterType = Literal[
    "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64",
    "bcd16", "bcd32", "mod1k32", "mod10k32", "mod10k48", "mod10k64",
]  # fmt: skip
ByteOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
BITS = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")


class Item(msgspec.Struct, frozen=True):
    """One value of a device. `unit` is what the wire carries; the quantity's own when left out."""

    quantity: str
    unit: str = ""
    kind: KindName | None = None
    ratio: Literal["current", "voltage", "power"] | None = None
    max_age: Annotated[Seconds, msgspec.Meta(gt=0)] = Seconds(60.0)
    priority: Literal["high", "low"] = "high"  # low: asked in turn, one question a cycle
    quotient: list[str] = []  # no place of its own: the first of these two items through the second
    modulus: Annotated[float, msgspec.Meta(gt=0)] | None = None  # a counter returns to 0 here, in the wire's unit
    # DL/T 645
    di: str = ""  # data identifier as the standard prints it, DI3 DI2 DI1 DI0
    bytes: Annotated[int, msgspec.Meta(ge=1, le=32)] = AS_LISTED
    decimals: Annotated[int, msgspec.Meta(ge=0, le=8)] = AS_LISTED
    signed: bool = False  # the top bit of the highest byte is a minus sign
    part: Literal["value", "time"] = "value"  # of a maximum demand: how much, or when it occurred
    # Modbus
    function: Literal[1, 2, 3, 4] = 3
    register: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None  # 0-based protocol address
    type: RegisterType = "uint16"
    order: ByteOrder = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    absent: list[int] = []  # raw values that mean "no sensor"
    bits: str = ""  # of an integer: one bit "3", or several "8-15", lowest first
    # CJ/T 188
    field: str = ""  # which part of the reply, as its layout in configs/cjt188.yaml calls it
    # SunSpec
    point: str = ""
    models: list[int] = []  # the first of these in the device's chain holds the point
    module: Annotated[int, msgspec.Meta(ge=0)] = 0  # which repetition of its block, or which such model; from 1
    # OPC UA
    node: str = ""  # nsu=URI;s=NAME or ns=2;i=7
    # M-Bus
    record: str = ""  # which record of the telegram
    states: dict[int, Text] = {}  # what the codes of a state mean

    @property
    def kind_or_default(self) -> str:
        return self.kind or quantities()[self.quantity].kind

    def bits_fit(self, width: int) -> bool:
        """Whether `bits`, where given, are bits of an integer that has so many."""
        found = BITS.fullmatch(self.bits)
        return not self.bits or (found is not None and int(found[1]) <= int(found[2] or found[1]) < width)


class Reads(msgspec.Struct, frozen=True):
    """What a Modbus device lets one read be."""

    most: Annotated[int, msgspec.Meta(ge=1, le=125)] = 125  # registers
    most_bits: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 2000
    hole: Annotated[int, msgspec.Meta(ge=0, le=125)] = 0  # registers, or bits, between two items that it may go over
    # First and last register, and a function where it is only for that: an item in there is asked alone.
    forbidden: list[list[int]] = []


class Identity(msgspec.Struct, frozen=True):
    """A text in which a Modbus device says who it is; for `probe` and `scan`, never a reading."""

    register: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    words: Annotated[int, msgspec.Meta(ge=1, le=125)]
    function: Literal[3, 4] = 3
    order: ByteOrder = "ABCD"  # BADC where the two letters of a register are swapped
    says: str = ""  # what this kind of device begins it with


class Sign(msgspec.Struct, frozen=True):
    """What an item shows on every device of this kind, in the quantity's unit; for `scan`, never a reading."""

    item: str
    low: float | None = None
    high: float | None = None
    lacks: bool = False  # a device of this kind has no such item


class Profile(msgspec.Struct, frozen=True):
    """One kind of device; `source` is the manual and page, or the file, that its author has read."""

    title: Text
    protocol: Protocol
    source: str
    items: dict[str, Item]
    primary: bool = False  # the meter already multiplies by its transformer ratio
    note: str = ""
    recognise: list[Sign] = []  # a device that shows all of them is taken for this kind
    # CJ/T 188
    meter_type: str = ""  # two hexadecimal digits; what the items measure decides when left out
    layout: str = ""  # of configs/cjt188.yaml; the standard's for the meter type when left out
    # Modbus
    reads: Reads = Reads()
    identity: dict[str, Identity] = {}

    @property
    def asked(self) -> dict[str, Item]:
        """The items that stand on the wire; the others are computed of them."""
        return {name: item for name, item in self.items.items() if not item.quotient}

    def __post_init__(self) -> None:
        """What a DL/T 645 item leaves out stands in the table of the standard."""
        items = {name: _as_listed(item, self.protocol) for name, item in self.items.items()}
        force_setattr(self, "items", items)


def _as_listed(item: Item, protocol: Protocol) -> Item:
    """A DL/T 645 item with what its profile leaves out as configs/dlt645.yaml lists it."""
    found = known(item.di) if protocol in DI_DIGITS else None
    size, decimals = (found.entry.bytes, found.entry.decimals) if found else (UNLISTED_BYTES, 0)
    return replace(
        item,
        bytes=size if item.bytes == AS_LISTED else item.bytes,
        decimals=decimals if item.decimals == AS_LISTED else item.decimals,
        signed=item.signed or bool(found and found.entry.signed),
    )
