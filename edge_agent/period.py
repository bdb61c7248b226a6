"""Periods of accounts: years, months and days of the site's zone and its accounting day.

An accounting month that starts on day 2 to 15 begins in the month it is named after; one that
starts on day 16 to 28 begins in the month before, so a month always holds most of its own days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

US = 1_000_000
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
class Calendar:
    """The site's zone and accounting day."""

    zone: ZoneInfo
    accounting_day: int = 1

    def instant(self, day: date) -> int:
        """Local midnight of a day in microseconds UTC."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * US

    def local(self, at: int) -> datetime:
        """A moment on the site's own clock."""
        return datetime.fromtimestamp(at / US, UTC).astimezone(self.zone)

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
