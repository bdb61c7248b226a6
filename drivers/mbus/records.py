"""The records of a telegram as pymbusparser decodes them, turned into our own; the library stops here.

Every record is given to the library alone, so that one that it cannot decode does not hide those
behind it. Corrected or decided here, because version 0.5.3 does not: BCD with other digits than 0 to
9 (it gives up), dates (it takes day 31 for every day and leaves the invalid bit out), plain text
before the extensions (it gives up), the smallest signed number (it means: no value), records that their own
extension reports as faulty (it gives their value).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import pymbusparser

from drivers.mbus.cut import BCD, INTEGER, MORE, Raw
from drivers.mbus.date import date_time
from drivers.mbus.record_name import FUNCTIONS, TEXT, RecordName, error_of, qualifiers_of

EXTENDED = (0xFB, 0xFD)  # a VIF whose quantity stands in its first extension
MAKERS_VIF = (0x7F, 0xFF)
# What the library calls units, and what we do.
UNITS = {
    "W.h": "Wh",
    "J": "J",
    "m3": "m3",
    "W": "W",
    "J.h-1": "J/h",
    "m3.h-1": "m3/h",
    "m3.min-1": "m3/min",
    "m3.s-1": "m3/s",
    "kg.h-1": "kg/h",
    "Cel": "degC",
    "[degF]": "degF",
    "W (reactive)": "var",
    "W (reactive)h": "varh",
    "W (apparent)": "VA",
    "W (apparent)h": "VAh",
    "°": "deg",
}
OWN_NAMES = ("manufacturer_specific", "temperature", "status")  # the last is the byte in the header
NAMES = {"time_point_date": "date", "time_point_date_and_time": "date_time"}
LIMITS = range(0xFB78, 0xFB7C)  # cumulated maximum power, whose value the library doubles


@dataclass(frozen=True, slots=True)
class Record:
    """One value of a telegram in the meter's unit; where `value` is None, `text`, `time` or `reason` says why.

    `reason` is a code: not_a_number, no_value (the meter says so), error_code (of the meter, in the
    place of a value), bad_time, undecoded.
    """

    name: RecordName
    raw: Raw | None = None  # as sent; none in fixed data
    unit: str | None = None
    value: float | None = None
    text: str | None = None
    time: datetime | None = None
    reason: str | None = None


def records_of(raws: list[Raw]) -> list[Record]:
    """One record for each; those that are called alike are numbered in their order."""
    seen: Counter[RecordName] = Counter()
    found: list[Record] = []
    for raw in raws:
        record = _record(raw)
        seen[record.name] += 1
        found.append(replace(record, name=replace(record.name, number=seen[record.name])))
    return found


@cache
def known_quantities() -> frozenset[str]:
    """What the library can call a quantity: a VIF of the primary table or of its two extensions."""
    blocks = [bytes([vif]) for vif in range(0x7B)] + [bytes([ext, vif]) for ext in EXTENDED for vif in range(0x80)]
    asked = (_asked(Raw(b"\x01", block, b"", b"\0")) for block in blocks)
    names = {_quantity(answer) for answer in asked if answer is not None}
    return frozenset({*names, *OWN_NAMES} - {"reserved", "unknown", "none"})


def _record(raw: Raw) -> Record:
    if raw.is_special:
        tail = "more_records_follow" if raw.dif[0] == MORE else "manufacturer_specific"
        return Record(RecordName(tail), raw, text=raw.data.hex(" ").upper())
    coded = raw.coding in BCD and not _is_bcd(raw.data)
    # The library gives up on such digits; of zeros it says the quantity and the unit just as well.
    answer = _asked(replace(raw, data=bytes(len(raw.data))) if coded else raw)
    if answer is None:
        return Record(_name(raw, "unknown"), raw, reason="undecoded")
    name = _name(raw, _quantity(answer) if not raw.text else TEXT + _text(raw))
    record = Record(name, raw, _unit(answer))
    fault = "error_code" if coded else error_of(_extensions(raw))
    if fault is not None:
        return replace(record, reason=fault)
    if answer["value"]["kind"] in ("date", "datetime") or name.quantity == "date_and_time_of_battery_change":
        time = date_time(raw.data)
        return replace(record, time=time, reason=None if time else "bad_time")
    return _valued(record, raw, answer["value"])


def _valued(record: Record, raw: Raw, value: dict[str, Any]) -> Record:
    match value["kind"]:
        case "text":
            return replace(record, text=str(value["value"]))
        case "float" if not math.isfinite(number := float(_finite(value["value"]))):
            return replace(record, reason="no_value" if math.isnan(number) else "not_a_number")
        case "float" | "decimal":
            smallest = raw.coding in INTEGER and raw.data == bytes(len(raw.data) - 1) + b"\x80"
            if smallest and record.unit is not None:
                return replace(record, reason="no_value")
            return replace(record, value=_corrected(raw, float(value["value"])))
        case "none":
            return replace(record, reason="no_value")
    return replace(record, text=raw.data.hex(" ").upper())


def _asked(raw: Raw) -> dict[str, Any] | None:
    """What the library says of one record; None when it cannot decode it."""
    try:
        answers: list[dict[str, Any]] = pymbusparser.parse_records(raw.wire.hex())
    except pymbusparser.MbusParserError:
        return None
    return answers[0] if len(answers) == 1 else None


def _corrected(raw: Raw, value: float) -> float:
    code = raw.vif[0] << 8 | raw.vif[1] & 0x7F if len(raw.vif) > 1 else 0
    return value / 2 if code in LIMITS else value


def _finite(value: object) -> str:
    """The library spells numbers that are none in its own way."""
    return {"positive_infinity": "inf", "negative_infinity": "-inf"}.get(str(value), str(value))


def _name(raw: Raw, quantity: str) -> RecordName:
    storage, tariff, unit = raw.dif[0] >> 6 & 1, 0, 0
    for place, extension in enumerate(raw.dif[1:]):
        storage |= (extension & 0xF) << 1 + 4 * place
        tariff |= (extension >> 4 & 3) << 2 * place
        unit |= (extension >> 6 & 1) << place
    qualifiers = qualifiers_of(_extensions(raw))
    if raw.vif[0] in MAKERS_VIF and len(raw.vif) > 1:
        qualifiers = ("vife " + raw.vif[1:].hex(" ").upper(),)
    return RecordName(quantity, FUNCTIONS[raw.dif[0] >> 4 & 3], storage, tariff, unit, qualifiers)


def _extensions(raw: Raw) -> bytes:
    """Those that are no part of the quantity's own code; what a maker's own VIF has is the maker's too."""
    if raw.vif[0] in MAKERS_VIF:
        return b""
    return raw.vif[2 if raw.vif[0] in EXTENDED else 1 :]


def _quantity(answer: dict[str, Any]) -> str:
    words = "".join(c if c.isalnum() else " " for c in (answer["quantities"] or ["unknown"])[0].lower()).split()
    name = "_".join(words)
    return NAMES.get(name, name)


def _unit(answer: dict[str, Any]) -> str | None:
    unit = answer.get("unit")
    return UNITS.get(unit, unit) if unit is not None else None


def _text(raw: Raw) -> str:
    """Plain text stands with its last letter first."""
    return raw.text[:0:-1].decode("latin-1")


def _is_bcd(data: bytes) -> bool:
    """Digits only, but for an F in the highest place, which is a minus sign."""
    digits = data[::-1].hex()
    return digits.removeprefix("f").isdecimal()
