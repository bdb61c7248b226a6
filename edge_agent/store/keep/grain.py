"""How fine the time is that is there: every reading, or slots of 15 minutes, hours, or the site's own days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edge_agent.store.sealed.span import HOUR_US, MINUTE_US

ROWS, QUARTERS, HOURS, DAYS = range(4)  # as the tables have them
CODES = ("raw", "quarter", "hour", "day")
_US = 1_000_000
_LENGTHS = {QUARTERS: 15 * MINUTE_US, HOURS: HOUR_US}


def edges_of(start: int, end: int, grain: int, zone: ZoneInfo) -> list[int]:
    """Where slots begin, from the one of `start` to the first after `end`."""
    if grain == DAYS:
        return _midnights(start, end, zone)
    length = _LENGTHS[grain]
    ahead = datetime.fromtimestamp(start // _US, zone).utcoffset() or timedelta()
    first = start - (start + int(ahead.total_seconds()) * _US) % length
    return list(range(first, end + length + 1, length))


def _midnights(start: int, end: int, zone: ZoneInfo) -> list[int]:
    day = datetime.fromtimestamp(start // _US, UTC).astimezone(zone).date()
    found: list[int] = []
    while not found or found[-1] <= end:
        found.append(int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * _US)
        day += timedelta(days=1)
    return found
