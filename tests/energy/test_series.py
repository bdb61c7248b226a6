"""Values of periods: energies add up whatever the period, means are over time, and a hole is never filled."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from math import fsum
from pathlib import Path

import pytest

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.energy.books import Books
from edge_agent.energy.series import PeriodValue, series
from edge_agent.ledger import LedgerEvent, Person
from edge_agent.period import US, Step, parse
from edge_agent.site import Site
from edge_agent.store.store import AmountRow, Store
from tests.plants import plant

PLANT = """site: {{id: p, title: P, timezone: {zone}}}
buses: {{l1: {{serial: /dev/null}}}}
devices: {{m1: {{bus: l1, address: 000000000161, profile: dlt645-2007-3ph, ct: 10}}}}
manual: {{gas: {{quantity: gas_volume, kind: counter}}, pieces: {{quantity: production}}}}
"""
MINUTE, HOUR, DAY = 60 * US, 3600 * US, 86_400 * US
FAR = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * US
Readings = Iterable[tuple[int, float | None]]


def site_in(folder: Path, zone: str = "Asia/Shanghai") -> Site:
    site = plant(folder, PLANT.format(zone=zone))
    site.data.mkdir()
    return site


def record(site: Site, tag: str, readings: Readings, *, sealed: bool = True) -> None:
    """As an agent of the site does; sealed: long ago."""
    with Store(site.data, site.calendar.cut(0)) as store:
        batch = Batch()
        for at, value in readings:
            quality, reason = (Quality.BAD, "timeout") if value is None else (Quality.GOOD, None)
            batch.add(tag, at, at, value, quality, reason)
        if sealed:
            batch.add("m1.link", batch.at[-1] + 100 * DAY, batch.at[-1] + 100 * DAY, 1.0, Quality.GOOD, None)
        with store.transaction():
            store.write([batch])
        while sealed and store.tidy():
            pass


def values(site: Site, tag: str, period: str, step: Step, now: int = FAR) -> list[PeriodValue]:
    edges = site.calendar.edges(parse(period, site.calendar, now), step, now)
    return list(series(Books.open(site, now), tag, edges, runs=edges[-1] == now))


def start_of(site: Site, day: str) -> int:
    return site.calendar.instant(date.fromisoformat(day))


def test_a_year_of_a_steel_plant_is_the_sum_of_its_parts(shared: Path, tmp_path: Path) -> None:
    """35,040 real quarter hours as a register of 0.01 kWh: any cut of the year gives the same energy."""
    with gzip.open(shared / "data" / "steel_industry.csv.gz") as file:
        rows = list(csv.reader(io.TextIOWrapper(file, "utf-8-sig")))[1:]
    used = [round(float(row[1]) * 100) for row in rows]
    site = site_in(tmp_path)
    begun = start_of(site, "2018-01-01")
    registers, total = [(begun, 0.0)], 0
    for number, wh10 in enumerate(used, 1):
        total += wh10
        registers.append((begun + number * 15 * MINUTE, total / 100))
    record(site, "m1.energy_import", registers)
    parts = {step: values(site, "m1.energy_import", "2018", step) for step in ("15m", "hour", "day", "month")}
    assert [len(found) for found in parts.values()] == [35_040, 8760, 365, 12]
    for found in parts.values():
        assert {(part.coverage, part.quality) for part in found} == {(1.0, Quality.GOOD)}
        assert round(fsum(part.value or 0.0 for part in found), 2) == total / 10  # a ratio of 10
    assert [round((part.value or 0.0) * 10) for part in parts["15m"]] == used
    days = [fsum(part.value or 0.0 for part in parts["15m"][n : n + 96]) for n in range(0, 35_040, 96)]
    assert [round(day, 6) for day in days] == [round(part.value or 0.0, 6) for part in parts["day"]]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_of_a_clock_change_counts_its_own_hours(day: str, hours: int, tmp_path: Path) -> None:
    site = site_in(tmp_path, "Europe/Berlin")
    begun = start_of(site, day) - DAY
    # Off the quarter hours, as a meter is read; 4 kW on the primary side.
    record(site, "m1.energy_import", [(begun + n * 15 * MINUTE + 7 * MINUTE, 0.1 * n) for n in range(4 * 80)])
    record(site, "m1.power", [(begun + n * 15 * MINUTE + 7 * MINUTE, 0.4) for n in range(4 * 80)])
    energies, [whole] = values(site, "m1.energy_import", day, "hour"), values(site, "m1.energy_import", day, "day")
    assert [part.value for part in energies] == pytest.approx([4.0] * hours)
    assert whole.value == pytest.approx(4.0 * hours)
    assert whole.coverage == 1.0
    means = values(site, "m1.power", day, "15m")
    assert len(means) == 4 * hours
    assert {(round(part.value or 0.0, 9), part.coverage) for part in means} == {(4.0, 1.0)}


def test_a_hole_is_not_covered_and_its_energy_is_between_its_registers(tmp_path: Path) -> None:
    """From 08:00 to 12:00 the gateway was off."""
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    there = [n for n in range(97) if not 32 < n < 48]
    record(site, "m1.energy_import", [(begun + n * 15 * MINUTE, n / 4) for n in there])
    record(site, "m1.power", [(begun + n * 15 * MINUTE, 1.0 if n < 40 else 3.0) for n in there])
    energies = values(site, "m1.energy_import", "2026-01-01", "hour")
    assert [round(part.coverage, 6) for part in energies] == [1.0] * 8 + [0.0] * 4 + [1.0] * 12
    assert [part.value for part in energies] == pytest.approx([10.0] * 24)
    assert (energies[9].low, energies[9].high, energies[9].quality) == (0.0, 40.0, Quality.UNCERTAIN)
    assert values(site, "m1.energy_import", "2026-01-01", "day")[0].coverage == pytest.approx(20 / 24)
    powers = values(site, "m1.power", "2026-01-01", "hour")
    assert [round(part.coverage, 6) for part in powers] == [1.0] * 8 + [0.625, 0.0, 0.0, 0.0] + [1.0] * 12
    assert powers[9].value is None
    day = values(site, "m1.power", "2026-01-01", "day")[0]
    assert day.value == pytest.approx((10.0 * 8.625 + 30.0 * 12) / 20.625)


def test_a_device_that_times_out_is_not_known_from_then_on(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    record(site, "m1.power", [(begun + n * MINUTE, 2.0 if n < 30 else None) for n in range(60)])
    assert [part.coverage for part in values(site, "m1.power", "2026-01-01", "15m")[:4]] == [1.0, 1.0, 0.0, 0.0]


def test_what_changes_seldom_is_known_as_long_as_it_is_affirmed(tmp_path: Path) -> None:
    """OPC UA: changes every 0.5 s for an hour, then one reading each 15 s that says the same."""
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    busy = [(begun + n * US // 2, float(n % 2)) for n in range(7200)]
    record(site, "m1.power", [*busy, *((begun + HOUR + n * 15 * US, 7.0) for n in range(240))])
    first, second, *_ = values(site, "m1.power", "2026-01-01", "hour")
    assert first.value == pytest.approx(5.0)
    assert first.coverage == 1.0
    assert (second.value, second.coverage, second.quality) == (70.0, 1.0, Quality.GOOD)


def test_a_rollover_counts_and_any_other_fall_is_unknown(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    top = 800_000.0 - 0.5  # the profile's register has six digits before the point
    registers = [(begun + n * HOUR, (999_995.0 + n) % 1_000_000) for n in range(10)]
    registers += [(begun + n * HOUR, top - n * 1000) for n in range(10, 25)]
    record(site, "m1.energy_import", registers)
    found = values(site, "m1.energy_import", "2026-01-01", "hour")
    assert [part.value for part in found[:9]] == pytest.approx([10.0] * 9)
    assert [part.value for part in found[10:]] == [None] * 14


def test_a_ratio_that_changes_inside_a_period_cuts_it(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    record(site, "m1.energy_import", [(begun + n * HOUR, float(n)) for n in range(25)])
    record(site, "m1.power", [(begun + n * HOUR, 1.0) for n in range(25)])
    with Store(site.data) as store, store.transaction():
        by = Person("li", "li")
        store.write_ledger([LedgerEvent(0, "m1", "installed", {"ct": 10.0, "pt": 1.0}, by, 0)])
        store.write_ledger([LedgerEvent(begun + 6 * HOUR, "m1", "ratio", {"ct": 20.0, "pt": 1.0}, by, 0)])
    assert values(site, "m1.energy_import", "2026-01-01", "day")[0].value == pytest.approx(6 * 10 + 18 * 20)
    power = values(site, "m1.power", "2026-01-01", "day")[0]
    assert power.value == pytest.approx((6 * 10 + 18 * 20) / 24)
    assert (power.low, power.high) == (10.0, 20.0)


def test_the_period_that_runs_ends_now(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    now = begun + 10 * HOUR + 40 * MINUTE
    record(site, "m1.power", [(begun + n * MINUTE, 1.0) for n in range(10 * 60 + 40)], sealed=False)
    record(site, "m1.energy_import", [(begun + n * MINUTE, n / 60) for n in range(10 * 60 + 41)], sealed=False)
    found = values(site, "m1.power", "today", "hour", now)
    assert [part.coverage for part in found] == [1.0] * 11
    assert found[-1].end == now
    [day] = values(site, "m1.energy_import", "today", "day", now)
    assert day.value == pytest.approx(10 * (10 + 40 / 60))
    assert day.coverage == 1.0


def test_states_have_a_value_only_while_they_stand_and_amounts_are_what_was_filed(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    begun = start_of(site, "2026-01-01")
    record(site, "m1.link", [(begun + n * MINUTE, 1.0 if n < 90 else 0.0) for n in range(180)], sealed=False)
    found = values(site, "m1.link", "2026-01-01", "hour")[:3]
    assert [(part.value, part.low, part.high) for part in found] == [(1.0, 1.0, 1.0), (None, 0.0, 1.0), (0.0, 0.0, 0.0)]
    with Store(site.data) as store, store.transaction():
        day = AmountRow("manual.pieces", begun, begun + DAY, 5.0)
        store.write_amounts([day], Person("li", "li"), 0)
    pieces = values(site, "manual.pieces", "2026-01-01..2026-01-03", "day")
    assert [(part.value, part.quality) for part in pieces] == [(5.0, Quality.GOOD), (None, Quality.BAD)]
