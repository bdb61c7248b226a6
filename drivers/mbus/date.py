"""Points in time of a record: types F, G and I of EN 13757-3, annex A, without a zone."""

from __future__ import annotations

import contextlib
from datetime import datetime

CENTURY = 2000
G_SIZE, F_SIZE, I_SIZE = 2, 4, 6
INVALID = 0x80  # of the byte with the minutes


def date_time(data: bytes) -> datetime | None:
    """The moment, or the beginning of the day; None when the meter says that it is none, or it is no date."""
    if len(data) not in (G_SIZE, F_SIZE, I_SIZE):
        return None
    second, minute, hour = 0, 0, 0
    if len(data) == I_SIZE:
        second, data = data[0] & 0x3F, data[1:5]
    if len(data) == F_SIZE:
        if data[0] & INVALID:
            return None
        minute, hour, data = data[0] & 0x3F, data[1] & 0x1F, data[2:]
    year = CENTURY + (data[0] >> 5 | data[1] >> 1 & 0x78)
    with contextlib.suppress(ValueError):
        return datetime(year, data[1] & 0xF, data[0] & 0x1F, hour, minute, second)
    return None
