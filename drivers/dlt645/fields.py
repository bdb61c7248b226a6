"""The payload of one data item as fields for a reader: its name, its value or values, its unit, its bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.bcd import BadValueError, digits, is_filler, number
from drivers.dlt645.moment import written
from drivers.dlt645.table import Datum, Entry, Known, family, known

PERIOD_SIZE = 3  # number, then minute and hour, or day and month
Fields = dict[str, Any]


def payload_fields(di: str, payload: bytes, is_part: bool = False) -> Fields:
    """What an identifier and its data say; of one that is not listed, or of a part, only the data."""
    listed = known(di)
    if listed is None:
        about = family(di)
        return ({"family": _title(about)} if about else {}) | ({"payload_le": payload.hex()} if payload else {})
    fields: Fields = {"name": _title(listed.title)}
    if not payload:
        return fields
    if listed.entry.format == "secret":
        return fields | {"masked": ["password"]}
    fields["payload_le"] = payload.hex()
    if is_part or listed.entry.format == "unread":
        return fields
    return fields | _told(listed, payload)


def _told(listed: Known, payload: bytes) -> Fields:
    """The values, and of a payload that is longer than they are what is left over."""
    size, entry = _size(listed, len(payload)), listed.entry
    spare = payload[size:]
    if size > len(payload) or not size or len(spare) >= _smallest(listed):
        return {"problem": "wrong_length"}
    try:
        fields = _values(listed, payload[:size])
    except BadValueError as error:
        return {"problem": "wrong_length" if spare else error.reason}
    if is_filler(payload) and entry.format not in VALUES:
        fields["reason"] = "filler"
    return fields | ({"spare": spare.hex(), "note": "spare_bytes"} if spare else {})


def _size(listed: Known, have: int) -> int:
    """How many of the bytes are the item's."""
    entry = listed.entry
    if entry.format == "record":
        return sum(datum.size for datum in entry.data())
    if entry.format in WHOLE:
        return have
    if entry.format in GROUPS:
        return have - have % PERIOD_SIZE
    if listed.axis is None:
        return entry.size
    most = (listed.axis.last - listed.axis.first + 1) * entry.size
    return min(have - have % entry.size, most) if listed.axis.open else most


def _smallest(listed: Known) -> int:
    """From how many bytes on something left over may be a value of its own."""
    if listed.entry.format == "record":
        return min(datum.size for datum in listed.entry.data())
    return PERIOD_SIZE if listed.entry.format in GROUPS else max(listed.entry.size, 2)


def _values(listed: Known, payload: bytes) -> Fields:
    entry = listed.entry
    if entry.format == "record":
        return {"parts": _parts(entry, payload)}
    if listed.axis is not None:
        return _block(entry, [payload[i : i + entry.size] for i in range(0, len(payload), entry.size)])
    return FIELDS[entry.format](entry, payload)


def _parts(entry: Entry, payload: bytes) -> list[Fields]:
    """Each value of a record with its name."""
    found: list[Fields] = []
    at = 0
    for datum in entry.data():
        raw = payload[at : at + datum.size]
        at += datum.size
        found.append({"name": _title(datum.title)} | (_or_nothing(datum, raw) or {"payload_le": raw.hex()}))
    return found


def _block(entry: Entry, parts: list[bytes]) -> Fields:
    """The values in order, null where the meter filled the place or sent no number."""
    said = [_or_nothing(entry, part) for part in parts]
    fields: Fields = {"values": [one.get("value") for one in said]} | _unit(entry)
    if entry.format in ("demand", "moment"):
        fields["occurred"] = [one.get("occurred") for one in said]
    return fields


def _or_nothing(datum: Datum, part: bytes) -> Fields:
    try:
        return FIELDS[datum.format](datum, part)
    except BadValueError:
        return {}


def _title(text: Any) -> Fields:
    return {"zh": text.zh, "en": text.en}


def _number(datum: Datum, payload: bytes) -> Fields:
    return {"value": number(payload, datum.decimals, datum.signed)} | _unit(datum)


def _demand(datum: Datum, payload: bytes) -> Fields:
    return _number(datum, payload[: datum.bytes]) | {"occurred": written(payload[datum.bytes :])}


def _date(datum: Datum, payload: bytes) -> Fields:
    if is_filler(payload):
        return {"date": None, "weekday": None}
    year, month, day, weekday = _pairs(payload)
    return {"date": f"20{year}-{month}-{day}", "weekday": int(weekday)}


def _time(datum: Datum, payload: bytes) -> Fields:
    return {"time": None if is_filler(payload) else ":".join(_pairs(payload))}


def _datetime(datum: Datum, payload: bytes) -> Fields:
    return _date(datum, payload[3:]) | _time(datum, payload[:3])


def _monthly(datum: Datum, payload: bytes) -> Fields:
    if is_filler(payload) or not any(payload):
        return {"occurred": None}
    month, day, hour, minute = _pairs(payload)
    return {"occurred": f"{month}-{day} {hour}:{minute}"}


def _moment(datum: Datum, payload: bytes) -> Fields:
    return {"occurred": written(payload)}


def _dayhour(datum: Datum, payload: bytes) -> Fields:
    if is_filler(payload):
        return {"day": None, "hour": None}
    day, hour = _pairs(payload)
    return {"day": int(day), "hour": int(hour)}


def _periods(datum: Datum, payload: bytes) -> Fields:
    """Each begin, hh:mm, with the tariff from then on."""
    return {"periods": _groups(payload, ":")}


def _zones(datum: Datum, payload: bytes) -> Fields:
    """Each begin, MM-DD, with the day table from then on."""
    return {"periods": _groups(payload, "-")}


def _groups(payload: bytes, between: str) -> list[Fields]:
    groups = [_pairs(payload[i : i + PERIOD_SIZE]) for i in range(0, len(payload), PERIOD_SIZE)]
    return [{"from": f"{first}{between}{second}", "number": int(chosen)} for first, second, chosen in groups]


def _address(datum: Datum, payload: bytes) -> Fields:
    return {"meter_address": None if is_filler(payload) else payload[::-1].hex().upper()}


def _digits(datum: Datum, payload: bytes) -> Fields:
    return {"digits": None if is_filler(payload) else digits(payload)}


def _text(datum: Datum, payload: bytes) -> Fields:
    """ASCII, last letter first; meters fill the rest with 00, FF or spaces."""
    kept = payload[::-1].strip(b"\x00\xff ")
    return {"text": kept.decode("ascii", "replace")}


def _bits(datum: Datum, payload: bytes) -> Fields:
    word = int.from_bytes(payload, "little")
    return {"bits": [datum.bits.get(bit, f"bit {bit}") for bit in range(8 * len(payload)) if word >> bit & 1]}


def _hex(datum: Datum, payload: bytes) -> Fields:
    return {"hex": payload[::-1].hex().upper()}


def _unit(datum: Datum) -> Fields:
    return {"unit": datum.unit} if datum.unit else {}


def _pairs(payload: bytes) -> list[str]:
    found = digits(payload)
    return [found[i : i + 2] for i in range(0, len(found), 2)]


WHOLE = ("text", "hex")  # as long as the meter likes
GROUPS = ("periods", "zones")
VALUES = ("text", "hex", "bits", "record", "periods", "zones")  # FF is no filler there
FIELDS: dict[str, Callable[[Datum, bytes], Fields]] = {
    "number": _number,
    "demand": _demand,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "monthly": _monthly,
    "moment": _moment,
    "dayhour": _dayhour,
    "periods": _periods,
    "zones": _zones,
    "address": _address,
    "digits": _digits,
    "text": _text,
    "bits": _bits,
    "hex": _hex,
}
