"""Periods of accounts: years, months, days, shifts, hours and quarters of the site's clock and its accounting day.

An accounting month that starts on day 2 to 15 begins in the month it is named after; one that
starts on day 16 to 28 begins in the month before, so a month always holds most of its own days.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from configs.text import Text

US = 1_000_000
Step = Literal["15m", "hour", "day", "shift", "month"]
STEPS: tuple[Step, ...] = get_args(Step)
MINUTE_US = 60 * US
_CLOCK = {"15m": 15 * MINUTE_US, "hour": 60 * MINUTE_US}  # every zone is whole quarters of an hour ahead of UTC
WORDS = ("today", "month", "year")
_FORMS = "2026, 2026-11, 2026-11-01, 2026-01-01..2026-11-01, today, month, year"


class PeriodError(ValueError):
    """The text names no period; `allowed` shows the forms that do."""

    allowed = _FORMS


@dataclass(frozen=True, slots=True)
class Period:
    """From start to end, the end excluded; microseconds UTC. An open one ends now and goes on."""

    name: str
    start: int
    end: int
    open: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """From so many minutes after midnight to the next shift; one that runs over midnight is of the day it began."""

    begins: int
    title: Text


@dataclass(frozen=True, slots=True)
class Calendar:
    """The site's zone, accounting day and shifts, which come by their beginning."""

    zone: ZoneInfo
    accounting_day: int = 1
    shifts: tuple[Shift, ...] = ()

    def instant(self, day: date) -> int:
        """Local midnight of a day in microseconds UTC."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * US

    def local(self, at: int) -> datetime:
        """A moment on the site's own clock."""
        return datetime.fromtimestamp(at / US, UTC).astimezone(self.zone)

    def ahead(self, at: int) -> int:
        """By how many microseconds the site's clock is ahead of UTC at a moment."""
        return int((self.local(at).utcoffset() or timedelta()).total_seconds()) * US

    def cut(self, at: int) -> int:
        """The same without summer time."""
        return self.ahead(at) - int((self.local(at).dst() or timedelta()).total_seconds()) * US

    def edges(self, period: Period, step: Step, now: int) -> list[int]:
        """Where the parts of a period begin, and at last where it ends, strictly increasing; none where it has no part.

        A part that still runs ends now. Shifts are those that begin on its days, so that the last one may end
        after it; an hour of a day with a clock change is a span in which the clock shows that hour once.
        """
        if step == "shift":
            first = self._shift_day(period.start)
            after = period.end if period.open else self._shift_day(period.end)
        else:
            first, after = period.start, period.end
        after = min(after, now)
        inner = {at for at in self._begins(first, after, step) if first < at < after}
        return sorted({first, *inner, after}) if first < after else []

    def shift(self, at: int) -> Shift:
        """The shift that runs at a moment."""
        local = self.local(at)
        place = bisect_right([shift.begins for shift in self.shifts], local.hour * 60 + local.minute)
        return self.shifts[place - 1]

    def _begins(self, start: int, end: int, step: Step) -> Iterator[int]:
        """Where parts may begin from start to end, and some about it."""
        if step in _CLOCK:
            quarter = _CLOCK["15m"]
            moments = range(start - start % quarter, end, quarter)
            yield from (at for at in moments if (at + self.ahead(at)) % _CLOCK[step] == 0)
            return
        day, last = self.local(start).date(), self.local(end).date()
        if step == "month":
            year, month = self.month_of(start)
            while (first := self.month_start(year, month)) <= last:
                yield self.instant(first)
                month += 1
            return
        while day <= last:
            yield from self._shift_starts(day) if step == "shift" else [self.instant(day)]
            day += timedelta(days=1)

    def _shift_starts(self, day: date) -> Iterator[int]:
        for shift in self.shifts:
            begins = time(shift.begins // 60, shift.begins % 60)
            yield int(datetime.combine(day, begins, self.zone).timestamp()) * US

    def _shift_day(self, at: int) -> int:
        """When the first shift begins of the day that begins at a local midnight."""
        return next(self._shift_starts(self.local(at).date()), at)

    def month_start(self, year: int, month: int) -> date:
        """The first day of an accounting month; month may run over either end of the year."""
        if self.accounting_day > 15:
            month -= 1
        return date(year + (month - 1) // 12, (month - 1) % 12 + 1, self.accounting_day)

    def month_of(self, at: int) -> tuple[int, int]:
        """The accounting month that a moment lies in."""
        day = self.local(at).date()
        for ahead in (1, 0, -1):
            total = day.year * 12 + day.month - 1 + ahead
            if self.month_start(total // 12, total % 12 + 1) <= day:
                return total // 12, total % 12 + 1
        raise AssertionError("a day lies in one of three neighbouring months")

    def months(self, name: str, year: int, month: int, count: int) -> Period:
        """`count` accounting months from the one given."""
        first, after = self.month_start(year, month), self.month_start(year, month + count)
        return Period(name, self.instant(first), self.instant(after))

    def full_year(self, year: int) -> Period:
        """The twelve accounting months of a year."""
        return self.months(str(year), year, 1, 12)

    def closed_months(self, now: int, count: int | None) -> Period:
        """The last `count` months that have ended, or those of the current year when None.

        In January the year has no closed month: then it is the year before.
        """
        year, month = self.month_of(now)
        if count is None:
            year, month = (year, month) if month > 1 else (year - 1, 13)
            return self.months(f"{year}-01..{year}-{month - 1:02}", year, 1, month - 1)
        return self.months(f"{count}m", year, month - count, count)


def parse(text: str, calendar: Calendar, now: int) -> Period:
    """`2026`, `2026-11`, `2026-11-01`, `A..B` with B excluded, `today`, `month`, `year`.

    A period that has not ended yet ends now and is open; one that lies ahead raises PeriodError.
    """
    period = _named(text, calendar, now)
    if period.start >= min(period.end, now):
        raise PeriodError(text)
    return period if period.end <= now else Period(period.name, period.start, now, open=True)


def _named(text: str, calendar: Calendar, now: int) -> Period:
    if text in WORDS:
        year, month = calendar.month_of(now)
        today = calendar.local(now).date()
        named = {"today": str(today), "month": f"{year:04}-{month:02}", "year": f"{year:04}"}
        return _named(named[text], calendar, now)
    if ".." in text:
        first, _, after = text.partition("..")
        if ".." in first + after:
            raise PeriodError(text)
        return Period(text, _named(first, calendar, now).start, _named(after, calendar, now).start)
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", text)
    if not match:
        raise PeriodError(text)
    try:
        if match[3]:
            day = date.fromisoformat(text)
            return Period(text, calendar.instant(day), calendar.instant(day + timedelta(days=1)))
        if match[2]:
            date(int(match[1]), int(match[2]), 1)
            return calendar.months(text, int(match[1]), int(match[2]), 1)
        return calendar.full_year(int(match[1]))
    except (ValueError, OverflowError):
        raise PeriodError(text) from None
