"""What the records of a meter make of an item: its value in the quantity's unit, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from configs.quantity import Quantity
from drivers.mbus.record_name import RecordName
from drivers.mbus.records import Record
from drivers.reading import Quality

HOUR_S, HOUR_MIN = 3600, 60
# Units of a telegram that quantities do not take: the same in units that they may take.
SAME = {
    "Wh": (("kWh", 0.001),),
    "J": (("kJ", 0.001), ("MJ", 1e-6), ("Wh", 1 / HOUR_S)),
    "J/h": (("W", 1 / HOUR_S),),
    "m3/min": (("m3/h", HOUR_MIN),),
    "m3/s": (("m3/h", HOUR_S),),
    "VA": (("kVA", 0.001),),
    "var": (("kvar", 0.001),),
    "varh": (("kvarh", 0.001),),
    "bar": (("kPa", 100.0),),
    "s": (("h", 1 / HOUR_S),),
    "min": (("h", 1 / HOUR_MIN),),
    "d": (("h", 24.0),),
}
MISSING = {"error_code", "no_value"}  # the meter has no value now, and says so
# What the status byte makes of every value of the telegram; the other codes of it leave them as they are.
REFUSED = {"busy": "busy", "application_error": "device_error"}
DOUBTED = ("permanent_error", "temporary_error", "low_power")

Measured = tuple[float | None, Quality, str | None]


def factor(unit: str | None, quantity: Quantity) -> float | None:
    """What to multiply a value of a telegram by; None when its unit does not measure the quantity."""
    if unit is None:
        return 1.0 if quantity.unit in ("", "1") else None
    direct = quantity.factor(unit)
    if direct is not None:
        return direct
    same = ((quantity.factor(other), times) for other, times in SAME.get(unit, ()))
    return next((known * times for known, times in same if known is not None), None)


def measured(name: RecordName, quantity: Quantity, records: Sequence[Record], status: Sequence[str]) -> Measured:
    """The value of one item with its quality and reason; `status` are the words of the status byte."""
    record = next((r for r in records if r.name == name), None)
    if record is None:
        failed = replace(name, function="error")
        if name.function == "now" and any(r.name == failed for r in records):
            return None, Quality.BAD, "error_state"
        return None, Quality.ABSENT, "no_record"
    if name.quantity == "status":
        return record.value, Quality.GOOD, None
    for word, reason in REFUSED.items():
        if word in status:
            return None, Quality.BAD, reason
    if record.value is None:
        reason = record.reason or "not_a_number"
        return None, Quality.ABSENT if reason in MISSING else Quality.BAD, reason
    times = factor(record.unit, quantity)
    if times is None:
        return None, Quality.BAD, "wrong_unit"
    value = record.value * times
    if not math.isfinite(value):
        return None, Quality.BAD, "not_a_number"
    doubt = next((word for word in DOUBTED if word in status), None)
    return value, Quality.GOOD if doubt is None else Quality.UNCERTAIN, doubt
