"""Telegrams in the words of libmbus's normalised XML, in which M-Bus decoders are compared.

pymbusparser prints that XML. Where libmbus prints a number that a meter did not mean (BCD with the
digits of an error code, the smallest signed number) there is None here; a date that is none stays as
the text that libmbus makes of it. Units have their degree sign. libmbus takes a correction into the
value only as the first extension of a primary VIF; `drivers.mbus.records` takes all of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pymbusparser

from drivers.mbus.address import maker_of
from drivers.mbus.cut import BCD, LVAR_NUMBER, VARIABLE, Raw
from drivers.mbus.fixed import medium_of
from drivers.mbus.header import FIXED, LONG, Header
from drivers.mbus.link import RSP_UD, Frame, encode
from drivers.mbus.number import number_of
from drivers.mbus.record_name import RecordName
from drivers.mbus.records import Record

Fields = dict[str, str | None]

NO_NUMBER = ("error_code", "no_value", "not_a_number", "undecoded")
# For what has no VIF of its own: the name and unit of libmbus by ours.
FIXED_UNITS = {"m3": "m^3", "m3/h": "m^3/h", "degC": "°C", None: None}
FIXED_FUNCTIONS = ("Actual value", "Stored value")
FUNCTIONS = {
    "now": "Instantaneous value",
    "max": "Maximum value",
    "min": "Minimum value",
    "error": "Value during error state",
}
ZERO_HEAD = bytes(8)
INTEGER64 = 7  # the low four bits of a DIF
NO_DIGIT = re.compile("[A-F]")  # of an identification, which the library takes with decimal digits only


def slave(header: Header) -> Fields:
    """Who sends, as text; ProductName is what libmbus knows of maker and version, None when nothing."""
    if header.ci == FIXED and header.secondary is not None:
        number = _without_zeros(header.secondary.identification)
        return {"Id": number, "Medium": medium_of(header.payload), **_counted(header)}
    if header.secondary is None:
        return {**_counted(header), "Signature": f"{header.configuration:04X}"} if header.access is not None else {}
    who = header.secondary
    head = replace(who, identification=NO_DIGIT.sub("0", who.identification)).wire
    head += bytes([header.access or 0, header.status or 0]) + header.configuration.to_bytes(2, "little")
    names = {"Id": _without_zeros(who.identification), "Manufacturer": maker_of(who.wire[4:6])}
    return names | (_xml(head, "SlaveInformation") or _counted(header)) | names


def listed(record: Record) -> Fields:
    """One record as text, with Tariff and Device only where the meter sends them."""
    raw = record.raw
    if raw is None:
        return _fixed(record)
    fields = _xml(ZERO_HEAD + bytes(4) + _printable(raw, record).wire, "DataRecord") or _undecoded(record.name)
    if raw.coding == VARIABLE and raw.data[0] >= LVAR_NUMBER and record.text is not None:
        fields["Value"] = record.text
    if record.reason in NO_NUMBER:
        fields["Value"] = None
    return fields


def _printable(raw: Raw, record: Record) -> Raw:
    """The record as the library prints it whole: BCD of other digits as zeros, a variable number as an integer."""
    if raw.coding in BCD and record.reason == "error_code":
        return replace(raw, data=bytes(len(raw.data)))
    if raw.coding == VARIABLE and record.value is not None:
        number, _ = number_of(raw.coding, raw.data)
        dif = bytes([raw.dif[0] & 0xF0 | INTEGER64]) + raw.dif[1:]
        return replace(raw, dif=dif, data=int(number or 0).to_bytes(8, "little", signed=True))
    return raw


def _fixed(record: Record) -> Fields:
    """A counter of fixed data, in the units and with the decimals of a record."""
    value = None if record.value is None else f"{record.value:.6f}"
    quantity = record.name.quantity.replace("_", " ").capitalize()
    unit = FIXED_UNITS.get(record.unit, record.unit)
    function = FIXED_FUNCTIONS[record.name.storage != 0]
    return {"Function": function, "Unit": unit, "Quantity": quantity, "Value": value}


def _undecoded(name: RecordName) -> Fields:
    found: Fields = {"Function": FUNCTIONS[name.function], "StorageNumber": str(name.storage)}
    return found | {"Unit": None, "Quantity": "Unknown", "Value": None}


def _counted(header: Header) -> Fields:
    return {"AccessNumber": str(header.access), "Status": f"{header.status or 0:02X}"}


def _without_zeros(number: str) -> str:
    return number.lstrip("0") or "0"


def _xml(data: bytes, element: str) -> Fields:
    """The first such element of the XML that the library prints of a telegram; empty when it prints none."""
    telegram = encode(Frame(RSP_UD, 0, LONG, data))
    try:
        tree = ElementTree.fromstring(pymbusparser.render(telegram.hex(), "xml", include_enrichment=False))
    except (pymbusparser.MbusParserError, ElementTree.ParseError):
        return {}
    found = tree.find(element)
    return {part.tag: part.text or None for part in found} if found is not None else {}
