"""Periods at the site's midnights are answered by headers alone, whatever the zone; a database keeps its cut."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.period import Calendar
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.summary import Summary, digest, summary
from edge_agent.store.reader import Reader
from edge_agent.store.sealed import index
from edge_agent.store.sealed.span import DAY_US, HOUR_US, MINUTE_US, Days
from edge_agent.store.store import Store
from tests.store.plain import Row, old_database

KATHMANDU = 5 * HOUR_US + 45 * MINUTE_US
cuts = st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 15 * MINUTE_US)


def fill(data: Path, zone: str, days: int, step: int, again: str = "") -> list[int]:
    """A gauge since a local midnight, sealed and merged; answers the midnights. again: the zone of a later start."""
    calendar = Calendar(ZoneInfo(zone))
    edges = [calendar.instant(date(2026, 1, 10) + timedelta(days=n)) for n in range(days + 1)]
    with Store(data, calendar.cut(edges[0])) as store:
        batch = Batch()
        for number, at in enumerate(range(edges[0], edges[-1], step)):
            batch.add("m.p", at, at, number % 50 / 10, Quality.GOOD, None)
        with store.transaction():
            store.write([batch])
    with Store(data, Calendar(ZoneInfo(again or zone)).cut(edges[0])) as store:
        batch = Batch()
        batch.add("m.p", edges[-1] + 90 * DAY_US, edges[-1] + 90 * DAY_US, 0.0, Quality.GOOD, None)
        with store.transaction():
            store.write([batch])
        while store.tidy():
            pass
    return edges


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kathmandu", "America/Phoenix", "UTC"])
def test_days_of_the_site_are_answered_without_decoding(zone: str, tmp_path: Path) -> None:
    edges = fill(tmp_path, zone, 8, MINUTE_US, again="Europe/Berlin")
    reader = Reader(tmp_path)
    with patch.object(index, "body", side_effect=AssertionError("decoded")):
        days = reader.summaries(reader.ids()["m.p"], edges)
    assert [(day.n, day.held, day.joined) for day in days[:-1]] == [(1440, DAY_US, DAY_US)] * 7
    means = [sum(n % 50 / 10 for n in range(day * 1440, day * 1440 + 1440)) / 1440 for day in range(7)]
    assert [day.mean for day in days[:-1]] == pytest.approx(means)


def test_months_of_the_site_are_answered_without_decoding(tmp_path: Path) -> None:
    fill(tmp_path, "Asia/Shanghai", 80, 15 * MINUTE_US)
    calendar, reader = Calendar(ZoneInfo("Asia/Shanghai")), Reader(tmp_path)
    edges = [calendar.instant(date(2026, month, 1)) for month in (2, 3)]
    with patch.object(index, "body", side_effect=AssertionError("decoded")):
        [february] = reader.summaries(reader.ids()["m.p"], edges)
    assert (february.n, february.held) == (28 * 96, 28 * DAY_US)


def test_another_zone_gets_the_same_answers(tmp_path: Path) -> None:
    """A change of the zone costs only time."""
    fill(tmp_path, "Asia/Shanghai", 4, MINUTE_US)
    reader, calendar = Reader(tmp_path), Calendar(ZoneInfo("America/New_York"))
    edges = [calendar.instant(date(2026, 1, 11)), calendar.instant(date(2026, 1, 12))]
    [day] = reader.summaries(reader.ids()["m.p"], edges)
    assert (day.n, day.held) == (1440, DAY_US)


def test_an_upgrade_cuts_at_the_site_too(tmp_path: Path) -> None:
    start = Calendar(ZoneInfo("Asia/Kathmandu")).instant(date(2026, 1, 1))
    rows = [Row("m.p", start + n * MINUTE_US, start + n * MINUTE_US, 1.0, 0, None) for n in range(3 * 1440)]
    old_database(tmp_path / "plant.db", 2, rows)
    Store(tmp_path, KATHMANDU).close()
    reader = Reader(tmp_path)
    with patch.object(index, "body", side_effect=AssertionError("decoded")):
        [day] = reader.summaries(reader.ids()["m.p"], [start + DAY_US, start + 2 * DAY_US])
    assert (day.n, day.held) == (1440, DAY_US)


@given(cut=cuts, at=st.integers(0, 4_000_000_000_000_000))
def test_days_and_months_are_those_of_a_clock_ahead(cut: int, at: int) -> None:
    days = Days(cut)
    local = datetime.fromtimestamp((at + cut) // 1_000_000, UTC)
    start, month = days.start(at), days.month(at)
    assert start <= at < start + DAY_US
    assert datetime.fromtimestamp((start + cut) // 1_000_000, UTC) == local.replace(hour=0, minute=0, second=0)
    if at + cut >= 0:
        assert month is not None
        assert month[0] <= at < month[1]
        assert datetime.fromtimestamp((month[0] + cut) // 1_000_000, UTC).replace(day=local.day).date() == local.date()


@given(
    steps=st.lists(st.sampled_from([1, 1, 1, 10, 1000]).map(lambda s: s * MINUTE_US), min_size=1, max_size=60),
    places=st.lists(st.integers(0, 60), max_size=4),
    bad=st.sets(st.integers(0, 60), max_size=8),
    cut=cuts,
)
def test_parts_of_days_put_together_are_the_whole(steps: list[int], places: list[int], bad: set[int], cut: int) -> None:
    at = [sum(steps[:n]) for n in range(len(steps) + 1)]
    values = [None if n in bad else float(n % 7) for n in range(len(at))]
    rows = Columns(at, at, values, [3 if v is None else 0 for v in values], [None] * len(at))
    days, told = Days(cut), Summary()
    for _, day in days.by(rows):
        whole = summary(day, days)
        bounds = sorted({0, len(day), *(place for place in places if place < len(day))})
        for first, last in pairwise(bounds):
            told = told.then(digest(day.slice(first, last), whole.step))
    expected = summary(rows, days)
    assert told._replace(total=None, area=0.0, step=None) == expected._replace(total=None, area=0.0, step=None)
    assert told.area == pytest.approx(expected.area)
    assert (told.step == expected.step) or not expected.good


def test_a_reading_that_is_alone_on_its_day_is_known_at_its_moment_only() -> None:
    rows = Columns([HOUR_US], [HOUR_US], [5.0], [0], [None])
    told = summary(rows, Days())
    assert (told.good, told.low, told.held, told.mean) == (1, 5.0, 0, None)


def test_a_mean_beyond_any_number_is_unknown() -> None:
    at = [n * MINUTE_US for n in range(4)]
    told = summary(Columns(at, at, [1.7e308, -1.7e308, 1.7e308, 0.0], [0] * 4, [None] * 4), Days())
    assert (told.held, told.mean) == (3 * MINUTE_US, None)
