"""What a site says of the room for its data, and what recorder, status, doctor and accounts make of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from configs.problem import ConfigError
from drivers.reading import Quality, Reading
from edge_agent.alarm.board import open_alarms
from edge_agent.batch import Batch
from edge_agent.cli import main
from edge_agent.energy.books import Books
from edge_agent.inbox import Inbox
from edge_agent.period import Period
from edge_agent.record import Recorder
from edge_agent.retry import Retry
from edge_agent.room import NoRoomError, keep_of, kinds_of
from edge_agent.site import Site
from edge_agent.status import status
from edge_agent.store.keep.gaps import Gap
from edge_agent.store.keep.grain import QUARTERS, ROWS
from edge_agent.store.keep.retention import Retention
from edge_agent.store.reader import Reader
from edge_agent.store.store import Store
from edge_agent.store.trouble import trouble_of
from edge_agent.texts import LANGUAGES, Texts
from tests.plants import BARE, ONE_METER, plant

HOUR = 3_600_000_000
NOW = 1_788_192_000_000_000


def seen(at: int) -> Batch:
    return Batch.of([Reading("m.e", 1.0, Quality.GOOD, None, at, at)])


class World:
    """A recorder whose clock and disk are ours."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.site, self.store = NOW, plant(folder, BARE), Store(folder / "data")
        self.batches: asyncio.Queue[Batch] = asyncio.Queue(2)
        self.recorder = Recorder(
            self.site, self.store, Inbox(self.site.data), self.batches, lambda: self.now, Counter()
        )
        self.monkeypatch = monkeypatch

    def disk(self, full: bool) -> None:
        """Whether every write fails."""

        def fails(_: object) -> int:
            raise sqlite3.OperationalError("database or disk is full")

        self.monkeypatch.setattr(self.store, "write", fails if full else Store.write.__get__(self.store))

    async def flush(self) -> bool:
        """As a turn of the recorder; whether it worked."""
        try:
            await self.recorder.flush()
        except (sqlite3.Error, OSError):
            self.recorder._room.refused(self.batches.full(), self.now)
            return False
        return True


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "data").mkdir()
    return World(tmp_path, monkeypatch)


def test_the_room_is_written_in_plant_yaml_with_units(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE + "store: {budget: 1.5GiB, reserve: 300MB}\n")
    assert (keep_of(site).budget.total, keep_of(site).budget.reserve) == (3 * 2**29, 300_000_000)
    assert keep_of(plant(tmp_path / "b", BARE)).budget.total == 2_000_000_000


@pytest.mark.parametrize(
    ("said", "code"),
    [("2", "not_a_size"), ("2 GB", "not_a_size"), ("2gb", "not_a_size"), ("10MB", "out_of_range")],
)
def test_a_wrong_size_names_its_line_and_what_is_allowed(tmp_path: Path, said: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plant(tmp_path, BARE + f"store:\n  budget: {said}\n")
    [problem] = caught.value.problems
    assert (problem.code, problem.line) == (code, 3)
    assert "MB" in problem.fields["allowed"]


def test_links_are_states_and_registers_are_counters(tmp_path: Path) -> None:
    kinds = kinds_of(plant(tmp_path, ONE_METER))
    assert (kinds["Zähler.link"], kinds["Zähler.energy_import"]) == ("state", "counter")


async def test_what_the_polls_missed_while_the_disk_was_full_is_a_counted_gap(world: World) -> None:
    assert await world.flush()
    world.disk(full=True)
    world.batches.put_nowait(seen(NOW))
    assert not await world.flush()  # this one waits in memory; nothing is missed yet
    world.monkeypatch.setattr("edge_agent.record.MOST_ROWS", 1)
    for number in (1, 2):
        world.batches.put_nowait(seen(NOW + number))
    world.now = NOW + HOUR
    assert not await world.flush()
    world.disk(full=False)
    world.now = NOW + 2 * HOUR
    assert await world.flush()
    await world.recorder.close()
    world.store.close()
    assert Reader(world.site.data).gaps() == [Gap("disk", NOW, NOW + 2 * HOUR, ROWS, None, None, None, NOW + 2 * HOUR)]


async def test_a_stop_on_a_full_disk_leaves_word_for_the_next_start(world: World) -> None:
    world.disk(full=True)
    for number in (1, 2):
        world.batches.put_nowait(seen(NOW + number))
    world.now = NOW + 10
    await world.recorder.close()
    world.store.close()
    with Store(world.site.data) as store:
        Recorder(world.site, store, Inbox(world.site.data), world.batches, lambda: NOW, Counter())._thread.shutdown()
        Recorder(world.site, store, Inbox(world.site.data), world.batches, lambda: NOW, Counter())._thread.shutdown()
    assert Reader(world.site.data).gaps() == [Gap("disk", NOW + 1, NOW + 10, ROWS, None, 1, 2, NOW + 10)]


async def test_a_fault_of_the_thinning_is_logged_once_and_the_recording_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    turns = []

    def faulty() -> bool:
        turns.append(world.now)
        if len(turns) == 2:
            world.recorder.stopping.set()
        raise KeyError("a fault")

    def soon(retry: Retry) -> float:
        retry.failures += 1
        return 0.0

    world.monkeypatch.setattr(world.store, "tidy", faulty)
    world.monkeypatch.setattr("edge_agent.retry.Retry.next_wait", soon)
    world.batches.put_nowait(seen(NOW))
    async with asyncio.timeout(5):
        await world.recorder.run()
    await world.recorder.close()
    world.store.close()
    assert Reader(world.site.data).last()["m.e"].value == 1.0
    assert [r.levelname for r in caplog.records if "sealing" in r.message] == ["ERROR"]


async def test_where_nothing_can_go_an_alarm_says_so_once_and_the_recording_waits(world: World) -> None:
    retention = world.store.retention
    assert retention is not None
    assert await world.flush()
    retention.strain = "budget"
    world.monkeypatch.setattr(Retention, "refuses", property(lambda self: True))
    world.batches.put_nowait(seen(NOW))
    assert await world.flush()  # once an hour something is let through
    world.batches.put_nowait(seen(NOW + 1))
    for _ in range(3):
        with pytest.raises(NoRoomError):
            await world.recorder.flush()
    [alarm] = open_alarms(world.site, NOW)
    assert (alarm.kind, alarm.reason) == ("store", "budget_reached")
    retention.strain = None
    assert await world.flush()
    await world.recorder.close()
    world.store.close()
    reader = Reader(world.site.data)
    assert [s.at for s in reader.samples(reader.ids()["m.e"], NOW, NOW + HOUR)] == [NOW, NOW + 1]
    assert [alarm.state.value for alarm in open_alarms(world.site, NOW)] == ["returned"]


async def test_a_stop_writes_what_waits_for_room_as_long_as_the_disk_takes_it(world: World) -> None:
    retention = world.store.retention
    assert retention is not None
    assert await world.flush()
    retention.strain = "reserve"
    world.monkeypatch.setattr(Retention, "refuses", property(lambda self: True))
    for at in (NOW, NOW + 1):
        world.batches.put_nowait(seen(at))
        await world.flush()
    await world.recorder.close()
    world.store.close()
    reader = Reader(world.site.data)
    assert [s.at for s in reader.samples(reader.ids()["m.e"], NOW, NOW + HOUR)] == [NOW, NOW + 1]


@pytest.fixture
def thinned_site(tmp_path: Path) -> Site:
    """A site with some losses."""
    site = plant(tmp_path, ONE_METER)
    site.data.mkdir()
    with Store(site.data) as store, store.transaction():
        store.write([seen(NOW)])
        store.gaps.add(Gap("budget", NOW, NOW + 24 * HOUR, ROWS, QUARTERS, 3, 12345, NOW + 99 * HOUR))
        store.gaps.add(Gap("disk", NOW + 30 * HOUR, NOW + 31 * HOUR, ROWS, None, None, None, NOW + 31 * HOUR))
    return site


def test_accounts_say_that_their_time_was_thinned_or_has_a_hole(thinned_site: Site) -> None:
    books = Books.open(thinned_site, NOW + 200 * HOUR)
    found = [r.code for r in books.losses(Period("p", NOW - HOUR, NOW + 48 * HOUR))]
    assert found == ["thinned_quarter", "lost_disk"]
    assert books.losses(Period("p", NOW + 24 * HOUR, NOW + 30 * HOUR)) == ()
    early = Books.open(thinned_site, NOW + 200 * HOUR, NOW + 50 * HOUR)
    assert [r.code for r in early.losses(Period("p", NOW, NOW + 48 * HOUR))] == ["lost_disk"]
    for language in LANGUAGES:
        assert all("2026-0" in r.say(Texts(language)) for r in books.losses(Period("p", NOW, NOW + 48 * HOUR)))


def test_status_and_doctor_tell_how_much_is_kept(thinned_site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    store = status(thinned_site, NOW)["store"]
    assert [(gap["after"], gap["readings"]) for gap in store["gaps"]] == [("quarter", 12345), (None, None)]
    assert (store["budget"], store["reached"], store["forecast"]) == (2_000_000_000, None, None)
    for language in LANGUAGES:
        line = ["-C", str(thinned_site.folder), "--lang", language]
        main([*line, "status"])
        assert "12 345" in capsys.readouterr().out
        main([*line, "doctor", "--json"])
        checks = {f["check"]: f["ok"] for f in json.loads(capsys.readouterr().out)["findings"]}
        assert checks["room"] is checks["forecast"] is True


@pytest.mark.parametrize("why", ["reserve", "budget"])
def test_a_limit_of_plant_yaml_is_not_told_as_a_full_disk_and_its_alarm_says_what_to_do(
    why: str, tmp_path: Path
) -> None:
    assert trouble_of(NoRoomError(why), tmp_path) == why
    for language in LANGUAGES:
        texts = Texts(language)
        assert f"store.{why}" in texts(f"trouble.{why}")
        assert f"store.{why}" in texts(f"alarm.action.{why}_reached")
