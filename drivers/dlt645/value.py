"""From the bytes of one item to a number, by the format that the standard's table gives it."""

from __future__ import annotations

from drivers.bcd import BadValueError, digits, is_filler, number
from drivers.dlt645.table import MOMENT_SIZE, Known, known
from drivers.profile import Item

MOMENTS = ("date", "time", "datetime", "dayhour")
NEVER_AS_ZERO = ("monthly", "moment")  # moments of events: nothing but zeros means that there was none
NO_NUMBERS = ("text", "record", "periods", "zones", "secret", "unread")


def value_size(item: Item) -> int:
    """Bytes of one value of an item on the wire."""
    return item.bytes + (MOMENT_SIZE if _format(known(item.di)) == "demand" else 0)


def value(item: Item, raw: bytes) -> float | None:
    """The number that an item stands for, in the wire's unit; None when the meter filled the field.

    A moment is the number of its digits, year or month first, for a meter tells no time zone; a demand
    that never occurred has none. Raises BadValueError: wrong_length, not_bcd, or not_a_number for texts and records.
    """
    kind = _format(known(item.di))
    if len(raw) != value_size(item) and kind not in NO_NUMBERS:
        raise BadValueError("wrong_length")
    if kind == "demand":
        return _moment(raw[item.bytes :]) if item.part == "time" else number(raw[: item.bytes], *_rule(item))
    if is_filler(raw):
        return None
    if kind in ("bits", "hex"):
        return float(int.from_bytes(raw, "little"))
    if kind in NO_NUMBERS:
        raise BadValueError("not_a_number")
    if kind in NEVER_AS_ZERO:
        return _moment(raw)
    if kind in MOMENTS:
        return float(digits(_without_weekday(kind, raw)))
    return number(raw, *_rule(item))


def _format(listed: Known | None) -> str:
    return listed.entry.format if listed else "number"


def _rule(item: Item) -> tuple[int, bool]:
    return item.decimals, item.signed


def _moment(raw: bytes) -> float | None:
    if is_filler(raw):
        return None
    return float(digits(raw)) or None


def _without_weekday(kind: str, raw: bytes) -> bytes:
    """The weekday stands before the day on the wire: WW DD MM YY, ss mm hh WW DD MM YY."""
    places = {"date": 0, "datetime": 3}
    return raw[: places[kind]] + raw[places[kind] + 1 :] if kind in places else raw
