"""Periods follow the site's zone and accounting day, over clock changes and year ends."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.period import US, Calendar, Period, PeriodError, parse
from edge_agent.when import as_read

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = int(datetime(2026, 11, 21, 4, 0, tzinfo=UTC).timestamp()) * US
HOUR = 3600 * US


def bounds(text: str, calendar: Calendar, now: int = NOW) -> tuple[str, str]:
    """A period as local texts."""
    period = parse(text, calendar, now)
    return f"{calendar.local(period.start):%Y-%m-%d %H:%M}", f"{calendar.local(period.end):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025", "2025-01-01 00:00", "2026-01-01 00:00"),
        ("2026-10", "2026-10-01 00:00", "2026-11-01 00:00"),
        ("2026-02-28", "2026-02-28 00:00", "2026-03-01 00:00"),
        ("2026-01-01..2026-11-01", "2026-01-01 00:00", "2026-11-01 00:00"),
        ("2026-03..2026-05", "2026-03-01 00:00", "2026-05-01 00:00"),
        ("today", "2026-11-21 00:00", "2026-11-21 12:00"),
        ("month", "2026-11-01 00:00", "2026-11-21 12:00"),
        ("year", "2026-01-01 00:00", "2026-11-21 12:00"),
    ],
)
def test_the_forms_of_a_period(text: str, start: str, end: str) -> None:
    assert bounds(text, Calendar(SHANGHAI)) == (start, end)


def test_a_day_of_a_clock_change_has_twenty_three_or_twenty_five_hours() -> None:
    calendar = Calendar(BERLIN)
    spring, autumn = (parse(day, calendar, NOW) for day in ("2026-03-29", "2026-10-25"))
    assert (spring.end - spring.start, autumn.end - autumn.start) == (23 * HOUR, 25 * HOUR)


@pytest.mark.parametrize(("day", "start"), [(5, "2026-11-05 00:00"), (26, "2026-10-26 00:00")])
def test_the_accounting_day_moves_the_month_so_that_it_keeps_most_of_its_days(day: int, start: str) -> None:
    assert bounds("2026-11", Calendar(SHANGHAI, day))[0] == start


@given(day=st.integers(1, 28), at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_every_moment_lies_in_exactly_the_month_that_is_named_for_it(day: int, at: datetime) -> None:
    calendar = Calendar(SHANGHAI, day)
    moment = int(at.replace(tzinfo=UTC).timestamp()) * US
    year, month = calendar.month_of(moment)
    period = calendar.months("m", year, month, 1)
    assert period.start <= moment < period.end
    assert calendar.months("n", year, month + 1, 1).start == period.end


def test_closed_months_end_before_now_and_in_january_are_the_year_before() -> None:
    calendar = Calendar(SHANGHAI)
    assert bounds("2026-01-01..2026-11-01", calendar) == tuple(
        f"{calendar.local(t):%Y-%m-%d %H:%M}" for t in _ends(calendar.closed_months(NOW, None))
    )
    january = int(datetime(2026, 1, 10, tzinfo=UTC).timestamp()) * US
    assert _ends(calendar.closed_months(january, None)) == _ends(calendar.full_year(2025))
    assert _ends(calendar.closed_months(january, 12)) == _ends(calendar.full_year(2025))


def _ends(period: Period) -> tuple[int, int]:
    return period.start, period.end


@pytest.mark.parametrize(
    "text", ["", "2027", "2026-13", "26-01", "2026-1", "tomorrow", "..", "2026-02..2026-01", "2026-11-22"]
)
def test_what_names_no_period_that_has_begun_is_refused(text: str) -> None:
    with pytest.raises(PeriodError):
        parse(text, Calendar(SHANGHAI), NOW)


def test_when_a_meter_says_that_a_maximum_occurred_is_read_as_a_date() -> None:
    assert as_read(2601051430.0, "YYMMDDhhmm") == "2026-01-05 14:30"
    assert as_read(0.0, "YYMMDDhhmm") == "--"
    assert as_read(1051430.0, "MMDDhhmm") == "01-05 14:30"
    assert as_read(0.0, "MMDDhhmm") == "--"
    assert as_read(2601051430.0, "kWh") is None
