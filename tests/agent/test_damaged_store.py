"""The agent whose file is damaged while it runs: it goes on with a new one, and nothing acknowledged is gone."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from drivers.reading import Quality
from edge_agent.alarm.board import open_alarms
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox
from edge_agent.ledger import Person
from edge_agent.record import Recorder
from edge_agent.requests import wall_clock
from edge_agent.rescue import examine
from edge_agent.rescue.examine import Examiner
from edge_agent.rescue.salvage import salvage, sources
from edge_agent.store.reader import Reader
from edge_agent.store.rescue.quarantine import quarantined
from edge_agent.store.store import PLANT_DB, Store
from tests.agent.small_plant import small_plant
from tests.plants import BARE, plant
from tests.store import wrecks
from tests.store.plain import stored

NOW = 1_788_134_400_000_000


def clock() -> int:
    return NOW


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def one(at: int, value: float) -> Batch:
    return Batch(["m.e"], [NOW + at], [NOW + at], [value], [int(Quality.GOOD)], [None])


async def test_a_flush_that_finds_the_file_damaged_goes_to_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = plant(tmp_path, BARE)
    site.data.mkdir()
    batches: asyncio.Queue[Batch] = asyncio.Queue()
    with Store(site.data) as store:
        recorder = Recorder(site, store, Inbox(site.data), batches, clock, Counter())
        batches.put_nowait(one(0, 0.0))
        await recorder.flush()
        write = store.write

        def malformed(_: object) -> int:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            monkeypatch.setattr(store, "write", write)
            raise error

        monkeypatch.setattr(store, "write", malformed)
        with closing(sqlite3.connect(site.data / PLANT_DB)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        wrecks.noise(site.data / PLANT_DB, 1, Random(1))
        batches.put_nowait(one(1, 1.0))
        running = asyncio.create_task(recorder.run())
        async with asyncio.timeout(20):
            while Reader(site.data).last().get("m.e", None) is None or not quarantined(site.data):
                await asyncio.sleep(0.05)
            while Reader(site.data).last()["m.e"].value != 1.0:
                await asyncio.sleep(0.05)
        recorder.stopping.set()
        await running
        await recorder.close()
    for source in sources(site, None):
        salvage(site, source, Person("a", "a"))
    rows = {at - NOW: [row.value for row in found] for (tag, at), found in stored(site.data).items() if tag == "m.e"}
    assert rows == {0: [0.0], 1: [1.0]}
    assert not [alarm for alarm in open_alarms(site, NOW + 10) if alarm.kind == "store"]


async def test_an_error_that_a_second_look_does_not_find_puts_nothing_away(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE)
    site.data.mkdir()
    batches: asyncio.Queue[Batch] = asyncio.Queue()
    with Store(site.data) as store:
        recorder = Recorder(site, store, Inbox(site.data), batches, clock, Counter())
        recorder.doubt("the disk failed for a moment")
        batches.put_nowait(one(1, 1.0))
        running = asyncio.create_task(recorder.run())
        async with asyncio.timeout(20):
            while "m.e" not in Reader(site.data).last():
                await asyncio.sleep(0.05)
        recorder.stopping.set()
        await running
        await recorder.close()
    assert quarantined(site.data) == []


async def test_the_look_finds_a_block_that_does_not_decode_and_the_alarm_says_so(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE)
    site.data.mkdir()
    wrecks.fill(site.data)
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db:
        db.execute("UPDATE body SET bytes = zeroblob(LENGTH(bytes)) WHERE id = (SELECT MAX(id) FROM body)")
        db.commit()
    with Store(site.data) as store:
        recorder = Recorder(site, store, Inbox(site.data), asyncio.Queue(), clock, Counter())
        examiner = Examiner(site.data, clock, recorder.doubt, recorder.holes)
        assert await examiner.look(recorder.stopping)
        await recorder.flush()
        await recorder.close()
    assert {alarm.id for alarm in open_alarms(site, NOW) if alarm.kind == "store"} == {"store.blocks"}
    assert quarantined(site.data) == []


async def test_a_running_agent_whose_file_is_spoilt_goes_on_and_keeps_what_it_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "SOON_S", 2.0)
    async with small_plant(tmp_path) as running:
        data = running.site.data
        before = await running.until(lambda last: sum(s.value is not None for s in last.values()) > 5)
        with closing(sqlite3.connect(data / PLANT_DB)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'hot'").fetchone()[0]
        wrecks.zeros(data / PLANT_DB, page - 1, Random(1))
        async with asyncio.timeout(30):
            while not quarantined(data):
                await asyncio.sleep(0.1)
        newest = max(sample.at for sample in before.values())
        await running.until(lambda last: any(s.at > newest + 2_000_000 for s in last.values()), "goes on")
        assert "store.plant" in {alarm.id for alarm in open_alarms(running.site, wall_clock())}
