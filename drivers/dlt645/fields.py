"""The payload of one data item as fields for a reader: its name, its value or values, its unit, its bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.bcd import BadValueError, digits, is_filler, number
from drivers.dlt645.table import Entry, known


def payload_fields(di: str, payload: bytes, is_part: bool = False) -> dict[str, Any]:
    """What an identifier and its data say; of one that is not listed, or of a part, only the data."""
    listed = known(di)
    fields: dict[str, Any] = {"name": {"zh": listed.title.zh, "en": listed.title.en}} if listed else {}
    if not payload:
        return fields
    fields["payload_le"] = payload.hex()
    if listed is None or is_part:
        return fields
    entry = listed.entry
    if listed.axis is not None:
        if not listed.fits(len(payload)):
            return fields | {"problem": "wrong_length"}
        return fields | _block(entry, [payload[i : i + entry.size] for i in range(0, len(payload), entry.size)])
    if entry.format not in ANY_LENGTH and len(payload) != entry.size:
        return fields | {"problem": "wrong_length"}
    try:
        return fields | FIELDS[entry.format](entry, payload)
    except BadValueError as error:
        return fields | {"problem": error.reason}


def _block(entry: Entry, parts: list[bytes]) -> dict[str, Any]:
    """The values in order, null where the meter filled the place or sent no number."""
    said = [_or_nothing(entry, part) for part in parts]
    fields: dict[str, Any] = {"values": [one.get("value") for one in said]} | _unit(entry)
    if entry.format == "demand":
        fields["occurred"] = [one.get("occurred") for one in said]
    return fields


def _or_nothing(entry: Entry, part: bytes) -> dict[str, Any]:
    try:
        return FIELDS[entry.format](entry, part)
    except BadValueError:
        return {}


def _number(entry: Entry, payload: bytes) -> dict[str, Any]:
    return {"value": number(payload, entry.decimals, entry.signed)} | _unit(entry)


def _demand(entry: Entry, payload: bytes) -> dict[str, Any]:
    return _number(entry, payload[: entry.bytes]) | {"occurred": _moment(payload[entry.bytes :])}


def _moment(payload: bytes) -> str | None:
    """mm hh DD MM YY on the wire; None when it never occurred."""
    if is_filler(payload) or not any(payload):
        return None
    year, month, day, hour, minute = _pairs(payload)
    return f"20{year}-{month}-{day} {hour}:{minute}"


def _date(entry: Entry, payload: bytes) -> dict[str, Any]:
    year, month, day, weekday = _pairs(payload)
    return {"date": f"20{year}-{month}-{day}", "weekday": int(weekday)}


def _time(entry: Entry, payload: bytes) -> dict[str, Any]:
    return {"time": ":".join(_pairs(payload))}


def _datetime(entry: Entry, payload: bytes) -> dict[str, Any]:
    return _date(entry, payload[3:]) | _time(entry, payload[:3])


def _monthly(entry: Entry, payload: bytes) -> dict[str, Any]:
    if is_filler(payload) or not any(payload):
        return {"occurred": None}
    month, day, hour, minute = _pairs(payload)
    return {"occurred": f"{month}-{day} {hour}:{minute}"}


def _dayhour(entry: Entry, payload: bytes) -> dict[str, Any]:
    day, hour = _pairs(payload)
    return {"day": int(day), "hour": int(hour)}


def _address(entry: Entry, payload: bytes) -> dict[str, Any]:
    return {"meter_address": payload[::-1].hex().upper()}


def _digits(entry: Entry, payload: bytes) -> dict[str, Any]:
    return {"digits": digits(payload)}


def _text(entry: Entry, payload: bytes) -> dict[str, Any]:
    """ASCII, last letter first; meters fill the rest with 00, FF or spaces."""
    kept = payload[::-1].strip(b"\x00\xff ")
    return {"text": kept.decode("ascii", "replace")}


def _bits(entry: Entry, payload: bytes) -> dict[str, Any]:
    word = int.from_bytes(payload, "little")
    return {"bits": [entry.bits.get(bit, f"bit {bit}") for bit in range(8 * len(payload)) if word >> bit & 1]}


def _hex(entry: Entry, payload: bytes) -> dict[str, Any]:
    return {"hex": payload[::-1].hex().upper()}


def _unit(entry: Entry) -> dict[str, Any]:
    return {"unit": entry.unit} if entry.unit else {}


def _pairs(payload: bytes) -> list[str]:
    found = digits(payload)
    return [found[i : i + 2] for i in range(0, len(found), 2)]


ANY_LENGTH = ("text", "hex")
FIELDS: dict[str, Callable[[Entry, bytes], dict[str, Any]]] = {
    "number": _number,
    "demand": _demand,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "monthly": _monthly,
    "dayhour": _dayhour,
    "address": _address,
    "digits": _digits,
    "text": _text,
    "bits": _bits,
    "hex": _hex,
}
