"""Two days over a change of daylight saving time: the days have their own lengths, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_agent.energy.account import account
from edge_agent.energy.books import Books
from edge_agent.intake import read_csv
from edge_agent.intake_line import COLUMNS
from edge_agent.ledger import Person
from edge_agent.output import Output, cells
from edge_agent.overview.view import overview
from edge_agent.period import Calendar, Period, parse
from edge_agent.requests import submit
from edge_agent.status import status
from tests.faults.hall import Hall
from tests.virtual import run

S = 1_000_000
HOUR_S = 3600
POLL_S = 600
KW = 1.0  # of the hall's first meter: a day has as many kWh as hours
STEP = 0.25  # kWh of its register


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine stands in another zone than the site."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Berlin", date(2026, 10, 24), [24, 25]),
        ("Europe/Berlin", date(2026, 3, 28), [24, 23]),
        ("Asia/Shanghai", date(2026, 10, 24), [24, 24]),
    ],
)
def test_days_over_a_change_of_the_clock_add_up(
    zone: str, first: date, hours: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone))
    start = int(midnight.timestamp()) * S - HOUR_S * S
    hall, calendar = Hall(tmp_path, start, meters=1, poll_s=POLL_S, zone=zone), Calendar(ZoneInfo(zone))
    end = calendar.instant(first + timedelta(days=2))

    async def days() -> None:
        async with hall.agent():
            await asyncio.sleep(HOUR_S * 26)  # shortly after the change
            monkeypatch.setenv("TZ", "Pacific/Apia")
            time.tzset()
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        async with hall.agent():
            await asyncio.sleep((end - start) / S - HOUR_S * 26 - 1)
            _as_shown(hall, end, hours[-1])
            await asyncio.sleep(HOUR_S)

    run(days())
    hall.check()
    used = [_energy(hall, parse(str(first + timedelta(days=n)), calendar, end)) for n in range(2)]
    assert used == pytest.approx(hours, abs=STEP)
    assert sum(used) == pytest.approx(_energy(hall, parse(f"{first}..{first + timedelta(days=2)}", calendar, end)))
    _comes_back(hall, Period("all", start, end))


def _as_shown(hall: Hall, end: int, hours: int) -> None:
    """A second before midnight screens show the energy of the whole day, and readings as young as they are."""
    now = hall.now()
    assert end - now == pytest.approx(S, abs=S)
    today = overview(hall.site, now).past.trends["grid"].today
    assert today == pytest.approx(hours * KW, abs=2 * STEP)
    shown = {tag["name"]: tag for tag in status(hall.site, now)["tags"]}
    assert 0 <= shown["m1.power"]["age_s"] <= POLL_S
    assert (
        datetime.fromisoformat(shown["m1.power"]["at"]).utcoffset()
        == datetime.fromtimestamp(now / S, hall.site.zone).utcoffset()
    )


def _energy(hall: Hall, period: Period) -> float:
    books = Books.open(hall.site, period.end + HOUR_S * S)
    [line] = [line for line in account(books, period).lines if line.flow == "grid_import"]
    assert line.value.exact is not None
    return line.value.exact


def _comes_back(hall: Hall, period: Period) -> None:
    """An export says which of two equal hours it means: to import it adds nothing."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    output = Output(hall.site, period.end)
    exported = [cells(row, COLUMNS) for row in output.readings(period, ["m1.energy_import"])]
    writer.writerows(exported)
    path = hall.site.folder / "export.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    intake = read_csv(path, hall.site, period.end)
    assert not intake.problems
    assert len(intake.past) == len(exported) == (period.end - period.start) // (POLL_S * S)
    assert submit(hall.site, intake.requests(Person("a", "b"), period.end), "test") == 0
