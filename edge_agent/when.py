"""Moments as people write and read them, in the site's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edge_agent.period import US

# How people read the moments that meters tell, by the unit of their quantity: DL/T 645-2007, table A.4, and
# the meters of 1997, which leave the year out.
METER_MOMENTS = {"YYMMDDhhmm": "20{}-{}-{} {}:{}", "MMDDhhmm": "{}-{} {}:{}"}
_LOOSE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?")
_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


class YearError(ValueError):
    """A moment in a year that no plant has seen."""


def iso(at: int | None, zone: ZoneInfo) -> str | None:
    """A moment with the site's offset, to the second, or to the microsecond when it has one."""
    if at is None:
        return None
    local = datetime.fromtimestamp(at // US, UTC).astimezone(zone).replace(microsecond=at % US)
    return local.isoformat()


def short(text: str | None) -> str:
    """A moment of a JSON body as people read it: day and minute of the site's clock."""
    return "--" if text is None else text[:16].replace("T", " ")


def as_read(value: float, unit: str) -> str | None:
    """A number that people read as something else: when a meter says that something occurred; None for any other."""
    if unit not in METER_MOMENTS:
        return None
    if not value:
        return "--"
    digits = f"{value:0{len(unit)}.0f}"
    return METER_MOMENTS[unit].format(*(digits[i : i + 2] for i in range(0, len(unit), 2)))


def moment(text: str, zone: ZoneInfo) -> int:
    """`2026-01-31`, `2026/1/31 8:00`, with or without seconds and offset; microseconds UTC.

    Without an offset it is a time of the site. Raises ValueError for anything else, YearError out of 1970..9998.
    """
    text = text.strip()
    offset = _OFFSET.search(text) if ":" in text else None
    if offset:
        return _us(datetime.fromisoformat(text))
    match = _LOOSE.fullmatch(text)
    if not match:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction = int((match[7] or "0").ljust(6, "0"))
    return _us(datetime(year, month, day, hour, minute, second, fraction, tzinfo=zone))


def _us(value: datetime) -> int:
    """Exact to the microsecond, which a float of seconds is not; no plant is older than 1970."""
    if not 1970 <= value.year < 9999:
        raise YearError(value)
    whole = value.replace(microsecond=0)
    return int(whole.timestamp()) * US + value.microsecond
