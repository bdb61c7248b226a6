"""The parts of a period on the site's clock: they cover it, keep their order over clock changes, and begin on time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.problem import ConfigError
from configs.text import Text
from edge_agent.period import STEPS, US, Calendar, Period, Shift, Step, parse
from tests.plants import plant

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
SHIFTS = tuple(Shift(hour * 60, Text(name, name)) for hour, name in ((6, "早班"), (14, "中班"), (22, "夜班")))
MINUTE = 60 * US
HOUR = 60 * MINUTE
FAR = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * US
days = st.dates(date(2000, 1, 1), date(2040, 1, 1))


def walls(calendar: Calendar, edges: list[int]) -> list[str]:
    return [f"{calendar.local(at):%d %H:%M}" for at in edges]


@given(zone=st.sampled_from(ZONES), day=days, count=st.integers(1, 70), step=st.sampled_from(STEPS))
def test_parts_cover_a_period_once_and_begin_on_the_clock(zone: str, day: date, count: int, step: Step) -> None:
    calendar = Calendar(ZoneInfo(zone), shifts=SHIFTS)
    period = Period("p", calendar.instant(day), calendar.instant(day + timedelta(days=count)))
    edges = calendar.edges(period, step, FAR)
    assert all(before < after for before, after in pairwise(edges))
    if step != "shift":
        assert (edges[0], edges[-1]) == (period.start, period.end)
    begun = [calendar.local(at) for at in edges[:-1]]
    if step == "15m":
        assert all((local.minute % 15, local.second) == (0, 0) for local in begun)
        assert {after - before for before, after in pairwise(edges)} == {15 * MINUTE}
    elif step == "hour":
        assert all((local.minute, local.second) == (0, 0) for local in begun)
    elif step == "day":
        assert [local.date() for local in begun] == [day + timedelta(days=n) for n in range(count)]
        assert all((local.hour, local.minute) == (0, 0) for local in begun)
    elif step == "shift":
        expected = [(day + timedelta(days=n), shift.begins) for n in range(count) for shift in SHIFTS]
        assert [(local.date(), local.hour * 60 + local.minute) for local in begun] == expected
    else:
        assert all(local.day == 1 for local in begun[1:])


@given(zone=st.sampled_from(ZONES), day=days, accounting=st.integers(1, 28), months=st.integers(1, 15))
def test_accounting_months_are_the_months_of_accounts(zone: str, day: date, accounting: int, months: int) -> None:
    calendar = Calendar(ZoneInfo(zone), accounting)
    period = calendar.months("p", day.year, day.month, months)
    single = [calendar.months("m", day.year, day.month + n, 1) for n in range(months)]
    assert calendar.edges(period, "month", FAR) == [*(month.start for month in single), period.end]


@pytest.mark.parametrize(
    ("zone", "day", "step", "expected"),
    [
        ("Europe/Berlin", "2026-03-29", "hour", ["29 00:00", "29 01:00", "29 03:00", "29 04:00"]),
        ("Europe/Berlin", "2026-10-25", "hour", ["25 00:00", "25 01:00", "25 02:00", "25 02:00", "25 03:00"]),
        ("Australia/Lord_Howe", "2026-04-05", "15m", ["05 00:00", "05 00:15", "05 00:30", "05 00:45"]),
    ],
)
def test_a_clock_change_has_each_hour_once(zone: str, day: str, step: Step, expected: list[str]) -> None:
    calendar = Calendar(ZoneInfo(zone))
    edges = calendar.edges(parse(day, calendar, FAR), step, FAR)
    assert walls(calendar, edges)[: len(expected)] == expected


@pytest.mark.parametrize(("day", "parts"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_it_lasts(day: str, parts: int) -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    period = parse(day, calendar, FAR)
    assert len(calendar.edges(period, "hour", FAR)) == parts + 1
    assert len(calendar.edges(period, "15m", FAR)) == 4 * parts + 1


def test_a_shift_over_midnight_is_of_the_day_on_which_it_began() -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), shifts=SHIFTS)
    edges = calendar.edges(parse("2026-11-20", calendar, FAR), "shift", FAR)
    assert walls(calendar, edges) == ["20 06:00", "20 14:00", "20 22:00", "21 06:00"]
    assert [calendar.shift(at).title.zh for at in edges[:-1]] == ["早班", "中班", "夜班"]
    assert calendar.shift(edges[-1] - 1).title.zh == "夜班"


def test_what_still_runs_ends_now_and_what_has_not_begun_is_no_part() -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), shifts=SHIFTS)
    now = calendar.instant(date(2026, 11, 21)) + 5 * HOUR + 7 * MINUTE
    assert calendar.edges(parse("today", calendar, now), "shift", now) == []
    assert walls(calendar, calendar.edges(parse("2026-11-20", calendar, now), "shift", now))[-1] == "21 05:07"
    assert walls(calendar, calendar.edges(parse("today", calendar, now), "hour", now))[-2:] == ["21 05:00", "21 05:07"]


def test_the_shifts_of_a_day_that_runs_are_told_up_to_now() -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), shifts=SHIFTS)
    now = calendar.instant(date(2026, 11, 20)) + 17 * HOUR
    for text in ("today", "month"):
        assert walls(calendar, calendar.edges(parse(text, calendar, now), "shift", now))[-3:] == [
            "20 06:00",
            "20 14:00",
            "20 17:00",
        ]


def test_shifts_come_from_plant_yaml(tmp_path: Path) -> None:
    text = """site:
  id: s
  title: S
  timezone: Asia/Shanghai
  shifts:
    夜班: "00:00"
    day: {begins: 8:30, title: {zh: 白班, en: Day}}
"""
    calendar = plant(tmp_path, text).calendar
    assert [(shift.begins, shift.title) for shift in calendar.shifts] == [
        (0, Text("夜班", "夜班")),
        (510, Text("白班", "Day")),
    ]
    wrong = text.replace('"00:00"', '"24:30"').replace("8:30", "8:30, end: 3")
    with pytest.raises(ConfigError) as found:
        plant(tmp_path, wrong)
    assert [(p.code, p.line) for p in found.value.problems] == [("not_a_time_of_day", 6), ("unknown_key", 7)]
    with pytest.raises(ConfigError) as found:
        plant(tmp_path, text.replace("00:00", "08:30"))
    assert [(p.code, p.line) for p in found.value.problems] == [("same_shift", 7)]
