"""When Plant A works and when its sun shines: shifts, idle days, heating, the height of the sun.

Everything follows from the local date and time; chance is a hash of the time, so that the same
moment is always the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
LATITUDE = math.radians(32.0)  # Jiangsu
MEAN_DEGC, SEASON_DEGC = 16.0, 12.5  # of the year, and how far its seasons lie from it
HOUR = 3600
EARLY, LATE = (6 * HOUR, 14 * HOUR), (14 * HOUR, 22 * HOUR)
BREAKS = ((int(11.5 * HOUR), 12 * HOUR), (int(17.5 * HOUR), 18 * HOUR))
BREAK_LEVEL = 0.4  # presses idle, ovens stay warm
IDLE_DAYS = 7  # of each of the two long holidays
SPRING_FESTIVAL = {  # first day of the lunar year
    2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26), 2029: (2, 13),
    2030: (2, 3), 2031: (1, 23), 2032: (2, 11), 2033: (1, 31), 2034: (2, 19), 2035: (2, 8),
}  # fmt: skip
TYPICAL_FESTIVAL = (2, 5)
_MASK = (1 << 64) - 1


def chance(index: int, salt: int) -> float:
    """A number from 0 to 1 that looks random and is a function of its arguments."""
    x = (index * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ x >> 30) * 0x94D049BB133111EB) & _MASK
    x = ((x ^ x >> 27) * 0xBF58476D1CE4E5B9) & _MASK
    return (x ^ x >> 31) / _MASK


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: its shifts in seconds since midnight, its sky and its sun."""

    shifts: tuple[tuple[int, int], ...]
    clearness: float  # share of the clear sky's radiation
    sin_part: float  # of the sun's height: sin of it is sin_part + cos_part * cos(hour angle)
    cos_part: float
    heating: float  # 0 in summer, 1 in the coldest weeks
    cooling: float  # 0 in winter, 1 in the hottest weeks
    mean_degc: float

    def activity(self, second: int) -> float:
        """How hard the plant works at a second of the day, 0 to 1."""
        if not any(start <= second < end for start, end in self.shifts):
            return 0.0
        return BREAK_LEVEL if any(start <= second < end for start, end in BREAKS) else 1.0

    def sun(self, second: int) -> float:
        """Sine of the sun's height, 0 at night."""
        angle = (second / HOUR - 12.0) * math.pi / 12.0
        return max(0.0, self.sin_part + self.cos_part * math.cos(angle))

    def temperature(self, second: int) -> float:
        """Outside, degC: coldest at four, warmest twelve hours later, more so under a clear sky."""
        swing = 2.0 + 4.0 * self.clearness
        return self.mean_degc - swing * math.cos((second / HOUR - 4.0) * math.pi / 12.0)


@lru_cache(maxsize=1024)
def day_of(number: int) -> Day:
    """The day `number` days after 1970-01-01, local."""
    when = date.fromordinal(EPOCH_ORDINAL + number)
    of_year = when.timetuple().tm_yday
    tilt = math.radians(23.44) * math.sin(2 * math.pi * (284 + of_year) / 365)
    cold = math.cos(2 * math.pi * (of_year - 20) / 365)
    return Day(
        _shifts(when),
        1.0 - 0.8 * chance(number, 1) ** 2.0,
        math.sin(LATITUDE) * math.sin(tilt),
        math.cos(LATITUDE) * math.cos(tilt),
        max(0.0, cold - 0.45) / 0.55,
        max(0.0, -cold - 0.45) / 0.55,
        MEAN_DEGC - SEASON_DEGC * cold + 3.0 * (chance(number, 8) - 0.5),
    )


def _shifts(when: date) -> tuple[tuple[int, int], ...]:
    """Two shifts Monday to Friday, one on Saturday, none on Sunday and in the long holidays."""
    if when.weekday() == 6 or _holiday(when):
        return ()
    return (EARLY,) if when.weekday() == 5 else (EARLY, LATE)


def _holiday(when: date) -> bool:
    month, day = SPRING_FESTIVAL.get(when.year, TYPICAL_FESTIVAL)
    eve = date(when.year, month, day) - timedelta(days=1)
    return 0 <= (when - eve).days < IDLE_DAYS or (when.month == 10 and when.day <= IDLE_DAYS)
