"""The data folder stays within its bytes for years, gives disk back, and says when nothing more can go."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest.mock import patch

import pytest

from drivers.reading import Quality
from edge_agent.alarm.event import Event
from edge_agent.batch import Batch
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.keep import budget
from edge_agent.store.keep.budget import Budget, Usage, usage
from edge_agent.store.keep.forecast import forecast
from edge_agent.store.keep.gaps import DESTROYED, Gap, Gaps, gaps_between
from edge_agent.store.keep.grain import DAYS, HOURS, QUARTERS, ROWS
from edge_agent.store.keep.retention import LEAST_LOG, Keep
from edge_agent.store.reader import Reader
from edge_agent.store.rescue.quarantine import mark, quarantined
from edge_agent.store.store import PLANT_DB, Store
from tests.store import thinning_load
from tests.store.past import DAY, HOUR, KINDS, START, ZONE, S, fill, opened, periods, tidied
from tests.store.plain import Row, old_database
from tests.store.powercut import recorded_python
from tests.store.test_thinning import same, thinned

TOTAL = 400_000
SLACK = TOTAL // 10 + 4 * LEAST_LOG  # a step of thinning, its log, and the day that is not over
PROGRAM = """
import sys
from pathlib import Path
from tests.store.thinning_load import run
run(Path(sys.argv[1]))
"""


class Disk(NamedTuple):
    """What shutil.disk_usage says."""

    total: int
    used: int
    free: int


def strain(store: Store) -> tuple[str | None, bool]:
    """Which limit is reached while nothing can go, and whether recording must wait."""
    assert store.retention is not None
    return store.retention.strain, store.retention.refuses


def used(store: Store, data: Path) -> Usage:
    return usage(data, store._db)


def test_a_million_readings_in_two_years_stay_within_the_budget_and_no_day_is_lost(tmp_path: Path) -> None:
    draw, energy, most, written, memory = Random(3), 0.0, 0, 0, 0
    with opened(tmp_path, Keep(Budget(TOTAL, 0), ZONE)) as store:
        for day in range(730):
            batch = Batch()
            for at in range(START + day * DAY, START + (day + 1) * DAY, 60 * S):
                energy = round(energy + draw.random(), 2)
                batch.add("m.energy", at, at, energy, Quality.GOOD, None)
            with store.transaction():
                store.write([batch])
            written += len(batch)
            most = max(most, used(store, tmp_path).used)
            tidied(store)
            if day == 400:
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = Reader(tmp_path)
    days = periods(tmp_path, START, START + 730 * DAY - 1, DAYS)["m.energy"]
    remaining = sum(1 for _ in reader.samples(reader.ids()["m.energy"], START, START + 730 * DAY))
    assert most <= TOTAL + SLACK
    assert [told.n for told in days[:730]] == [1440] * 730
    assert days[0].opening == pytest.approx(0.5, abs=0.5)
    assert days[729].closing == energy
    assert written == remaining + sum(gap.readings or 0 for gap in reader.gaps())
    assert len(reader.gaps()) < 10
    assert {HOURS, DAYS} <= {gap.after for gap in reader.gaps()}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 4000  # KB


def test_a_smaller_budget_makes_the_file_smaller(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, START, START + 3 * DAY + 4 * HOUR, 3 * S)
        before = used(store, tmp_path).size
    with opened(tmp_path, Keep(Budget(before // 3, 0), ZONE)) as store:
        tidied(store)
        found = used(store, tmp_path)
    assert found.used <= before // 3
    assert (tmp_path / PLANT_DB).stat().st_size <= before // 2


def test_the_reserve_of_the_disk_takes_free_pages_first_and_then_readings(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, START, START + 3 * DAY + 4 * HOUR, 3 * S)
        store._db.executescript("CREATE TABLE waste (x); INSERT INTO waste VALUES (zeroblob(500000)); DROP TABLE waste")
    size = (tmp_path / PLANT_DB).stat().st_size
    free = Disk(10**9, 10**9, 1_000_000)
    with opened(tmp_path, Keep(Budget(1 << 40, 2_000_000), ZONE)) as store:
        assert used(store, tmp_path).room >= 500_000
        with patch.object(budget, "disk_free", lambda _: free.free):
            assert store.tidy()
            assert Reader(tmp_path).gaps() == []
            tidied(store)
            assert strain(store) == ("reserve", False)
        with patch.object(budget, "disk_free", lambda _: 900_000):
            assert strain(store) == ("reserve", True)
        store.tidy()
        assert strain(store) == (None, False)
    assert {(gap.why, gap.after) for gap in Reader(tmp_path).gaps()} == {("reserve", QUARTERS)}
    assert (tmp_path / PLANT_DB).stat().st_size < size // 2


def test_a_file_that_was_put_away_never_makes_readings_go(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, START, START + 3 * DAY + 4 * HOUR, 3 * S)
    total = (tmp_path / PLANT_DB).stat().st_size * 4
    with opened(tmp_path, Keep(Budget(total, 0), ZONE)) as store:
        store.begin_anew("a test")
        (away,) = quarantined(tmp_path)
        (away.folder / "padding").write_bytes(bytes(total))
        fill(store, START, START + 3 * DAY + 4 * HOUR, 3 * S)
        assert away.folder.exists(), "nobody has salvaged all of it yet"
        mark(away, salvaged=START)
        tidied(store)
        assert strain(store) == (None, False)
    assert quarantined(tmp_path) == []
    assert Reader(tmp_path).gaps() == []


def test_at_the_reserve_what_nobody_salvaged_goes_last_and_an_alarm_says_so(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, START, START + DAY, 60 * S)
    with opened(tmp_path, Keep(Budget(1 << 40, 1000), ZONE)) as store:
        store.begin_anew("a test")
        fill(store, START, START + 3 * DAY + 4 * HOUR, 60 * S)
        with patch.object(budget, "disk_free", lambda _: 900):
            for _ in range(1000):
                store.tidy()
                if not quarantined(tmp_path):
                    break
            assert strain(store)[0] is None
            tidied(store)
            assert strain(store)[0] == "reserve"
    assert {gap.why for gap in Reader(tmp_path).gaps()} == {"reserve", DESTROYED}, "readings were thinned before"
    standing = AlarmReader(tmp_path).standing()
    assert [event.event for event in standing["store.quarantine"]] == [Event.RAISE, Event.CLEAR]
    assert standing["store.plant"][-1].event is Event.CLEAR, "there is nothing left to salvage"


def test_a_reader_that_hangs_stops_the_thinning_and_not_the_recording(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, START, START + 2 * DAY + 4 * HOUR, 3 * S)
    with (
        closing(sqlite3.connect(tmp_path / PLANT_DB)) as hanging,
        opened(tmp_path, Keep(Budget(100_000, 0), ZONE)) as store,
    ):
        hanging.execute("BEGIN")
        hanging.execute("SELECT COUNT(*) FROM block").fetchone()
        for number in range(2000):
            at = START + 2 * DAY + 4 * HOUR + number * S
            with store.transaction():
                store.write(
                    [Batch([f"x{n}" for n in range(50)], [at] * 50, [at] * 50, [1.5] * 50, [0] * 50, [None] * 50)]
                )
            store.tidy()
        assert strain(store)[0] == "log"
        hanging.rollback()
        with store.transaction():
            store.write([Batch(["x1"], [START + 3 * DAY], [START + 3 * DAY], [1.0], [0], [None])])
        tidied(store)
        assert used(store, tmp_path).log <= 2 * LEAST_LOG
        assert Reader(tmp_path).gaps()


def test_an_old_database_can_be_thinned_and_give_disk_back(tmp_path: Path) -> None:
    rows = [Row("m.energy", START + n * 60 * S, START + n * 60 * S, n / 100, 0, None) for n in range(3 * 1440)]
    old_database(tmp_path / PLANT_DB, 2, rows)
    size = (tmp_path / PLANT_DB).stat().st_size
    with opened(tmp_path) as store:
        plain = periods(tmp_path, START, START + 3 * DAY, QUARTERS)["m.energy"]
        assert store._db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert thinned(store, QUARTERS)
        found = periods(tmp_path, START, START + 3 * DAY, QUARTERS)["m.energy"]
    assert all(same(*pair) for pair in zip(found, plain, strict=True))
    assert (tmp_path / PLANT_DB).stat().st_size < size // 2


def test_50_power_cuts_while_thinning_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    thinning_load.before(folder)
    plain = thinning_load.told(folder)
    journal = recorded_python(PROGRAM, folder)
    cuts = Random(7).sample(list(journal.during("thin", "thinned")), 50)
    wrong = {}
    for seed, at in enumerate(sorted(cuts)):
        place = tmp_path / str(seed)
        place.mkdir()
        journal.after_cut(at, seed, place)
        wrong[at] = thinning_load.wrong(place, plain)
        shutil.rmtree(place)
    assert {at: why for at, why in wrong.items() if why} == {}


def test_neighbouring_losses_become_one_and_none_is_forgotten() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE gap (id INTEGER PRIMARY KEY, why, start, end, grain, after, tags, readings, decided)")
        gaps = Gaps(db)
        for day in range(30):
            for _ in range(3):  # the steps of a day
                gaps.add(Gap("budget", day, day + 1, ROWS, QUARTERS, 2, 10, 100 + day))
        gaps.add(Gap("disk", 5, 6, ROWS, None, None, None, 7))
        found = gaps_between(db, 0, 100)
        assert sum(gap.readings or 0 for gap in found) == 900
        assert (min(g.start for g in found), max(g.end for g in found)) == (0, 30)
        assert len(found) == 3
        assert {gap.tags for gap in found} == {6, None}


def test_the_forecast_is_silent_before_a_day_and_near_the_truth_after(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, START, START + 12 * HOUR, 10 * S)
        assert forecast(tmp_path, Budget(10**9, 0)) is None
        fill(store, START + 12 * HOUR, START + 4 * DAY + 4 * HOUR, 10 * S)
        before = used(store, tmp_path)
        found = forecast(tmp_path, Budget(10**7, 0))
        fill(store, START + 4 * DAY + 4 * HOUR, START + 8 * DAY + 4 * HOUR, 10 * S)
        a_day = (used(store, tmp_path).used - before.used) / 4
    assert found is not None
    assert found.bytes_a_day == pytest.approx(a_day, rel=0.35)
    assert found.full_in == pytest.approx((10**7 - before.used) / a_day, rel=0.5)
    assert found.raw < found.quarters < found.hours
    assert set(KINDS) <= set(Reader(tmp_path).ids())
