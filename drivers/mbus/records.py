"""The records of a telegram as numbers, texts, times, or the reason why there is none of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from drivers.mbus.cut import INTEGER, MORE, Raw
from drivers.mbus.date import date_time
from drivers.mbus.number import is_smallest, number_of, text_of
from drivers.mbus.record_name import FUNCTIONS, RecordName, error_of, qualifiers_of
from drivers.mbus.vif import EXTENDED, MAKERS_VIF, extensions_of, meaning_of

OWN_NAMES = ("manufacturer_specific", "temperature", "status")  # the last is the byte in the header


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
    """What a quantity with a number can be called: a VIF of the primary table or of its two extensions."""
    blocks = [bytes([vif]) for vif in range(0x7B)] + [bytes([ext, vif]) for ext in EXTENDED for vif in range(0x80)]
    found = (meaning_of(block) for block in blocks)
    names = {meaning.quantity for meaning in found if meaning is not None and not meaning.is_time}
    return frozenset({*names, *OWN_NAMES} - {"reserved", "unknown", "none"})


def _record(raw: Raw) -> Record:
    if raw.is_special:
        tail = "more_records_follow" if raw.dif[0] == MORE else "manufacturer_specific"
        return Record(RecordName(tail), raw, text=raw.data.hex(" ").upper())
    meaning = meaning_of(raw.vif, raw.text)
    if meaning is None:
        return Record(_name(raw, "unknown"), raw, reason="undecoded")
    record = Record(_name(raw, meaning.quantity), raw, meaning.unit)
    fault = error_of(extensions_of(raw.vif))
    text = text_of(raw.coding, raw.data)
    if fault is not None or text is not None:
        return replace(record, text=text, reason=fault)
    number, why = number_of(raw.coding, raw.data)
    if meaning.is_time and why != "no_value":
        time = date_time(raw.data) if raw.coding in INTEGER else None
        return replace(record, time=time, reason=None if time else "bad_time")
    if number is None:
        return replace(record, reason=why)
    if meaning.unit is not None and is_smallest(raw.coding, raw.data):
        return replace(record, reason="no_value")
    return replace(record, value=float(number * meaning.times + meaning.plus))


def _name(raw: Raw, quantity: str) -> RecordName:
    storage, tariff, unit = raw.dif[0] >> 6 & 1, 0, 0
    for place, extension in enumerate(raw.dif[1:]):
        storage |= (extension & 0xF) << 1 + 4 * place
        tariff |= (extension >> 4 & 3) << 2 * place
        unit |= (extension >> 6 & 1) << place
    qualifiers = qualifiers_of(extensions_of(raw.vif))
    if raw.vif[0] in MAKERS_VIF and len(raw.vif) > 1:
        qualifiers = ("vife " + raw.vif[1:].hex(" ").upper(),)
    return RecordName(quantity, FUNCTIONS[raw.dif[0] >> 4 & 3], storage, tariff, unit, qualifiers)
