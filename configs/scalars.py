"""From the text of a YAML scalar to one typed value, by tables of our own.

Plain YAML reads `000000000161` as octal 113, `12:30` as 750 and `no` as false; here a text stays a
text until the type of its field says otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, NewType

Seconds = NewType("Seconds", float)
Bytes = NewType("Bytes", int)
TimeOfDay = NewType("TimeOfDay", int)

BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?)(ms|s|min|h|d)")
UNITS_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?)(kB|MB|GB|TB|KiB|MiB|GiB)")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_NUMBER = re.compile(r"[+-]?([0-9][0-9_]*)?(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")


class ScalarError(ValueError):
    """The text does not fit the type; `code` and `allowed` say what would."""

    def __init__(self, code: str, allowed: str = "") -> None:
        self.code, self.allowed = code, allowed
        super().__init__(code)


def number(text: str) -> float:
    """A finite decimal number; nan, inf, hexadecimal and sexagesimal are refused."""
    if not any(c.isdigit() for c in text) or not _NUMBER.fullmatch(text):
        raise ScalarError("not_a_number", "0.5306")
    value = float(text.replace("_", ""))
    if not math.isfinite(value):
        raise ScalarError("not_a_number", "0.5306")
    return value


def whole(text: str) -> int:
    """A whole number in decimal digits."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ScalarError("not_whole", "1")
    return int(text)


def boolean(text: str) -> bool:
    """true, yes, on, false, no, off, in small letters."""
    if text not in BOOLEANS:
        raise ScalarError("not_a_boolean", ", ".join(BOOLEANS))
    return BOOLEANS[text]


def duration(text: str) -> Seconds:
    """`15s`, `10min`, `24h`, `35d`, `500ms`; seconds as a float."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ScalarError("not_a_duration", "500ms, 15s, 10min, 24h, 35d")
    return Seconds(float(match[1]) * UNITS_S[match[2]])


def size(text: str) -> Bytes:
    """`500MB`, `2GB`, `1.5GiB`; whole bytes."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise ScalarError("not_a_size", "500MB, 2GB, 2GiB")
    return Bytes(round(float(match[1]) * UNITS_BYTES[match[2]]))


def time_of_day(text: str) -> TimeOfDay:
    """`08:00`; minutes after midnight."""
    match = _TIME.fullmatch(text)
    if not match:
        raise ScalarError("not_a_time_of_day", "08:00")
    return TimeOfDay(int(match[1]) * 60 + int(match[2]))


def day(text: str) -> date:
    """A calendar day, `2026-01-31`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ScalarError("not_a_date", "2026-01-31") from None


def moment(text: str) -> datetime:
    """A point in time with its offset, `2026-01-31T08:00:00+08:00`, in UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ScalarError("not_a_moment", "2026-01-31T08:00:00+08:00") from None
    if value.tzinfo is None:
        raise ScalarError("no_offset", "2026-01-31T08:00:00+08:00")
    return value.astimezone(UTC)


READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    float: number,
    int: whole,
    bool: boolean,
    Seconds: duration,
    Bytes: size,
    TimeOfDay: time_of_day,
    date: day,
    datetime: moment,
}


def choice(text: str, allowed: type[Enum]) -> Enum:
    """A member of an enumeration by its value."""
    try:
        return allowed(text)
    except ValueError:
        raise ScalarError("not_allowed", ", ".join(str(m.value) for m in allowed)) from None
