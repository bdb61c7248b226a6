"""Salvage brings back what is on sound pages, whatever became of the tree above them, and never twice."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest

from edge_agent.alarm.board import open_alarms
from edge_agent.inbox import INBOX_DB, Inbox, Request
from edge_agent.ledger import Person
from edge_agent.requests import drain, wall_clock
from edge_agent.rescue.mend import mend
from edge_agent.rescue.salvage import Brought, salvage, sources
from edge_agent.site import Site
from edge_agent.store.documents.documents import documents
from edge_agent.store.keep.gaps import gaps_between
from edge_agent.store.lock import writing
from edge_agent.store.reader import FOREVER, Reader
from edge_agent.store.rescue.document_merge import RECORDS_DB
from edge_agent.store.rescue.quarantine import quarantined
from edge_agent.store.store import PLANT_DB, Store
from tests.store import workload, wrecks
from tests.store.plain import stored
from tests.store.test_sealing import START, batch_of, write

BY = Person("tester", "tester")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def all_of(site: Site, given: Path | None = None) -> list[Brought]:
    """Salvage everything that waits, or one file."""
    return [salvage(site, source, BY) for source in sources(site, given)]


def page_of(path: Path, kind: int, table: str) -> int:
    """The number, from 0, of the first page of a tree's inner (5) or leaf (13) pages that is not its root."""
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    content = path.read_bytes()
    todo = [root]
    while todo:
        number = todo.pop(0)
        page = content[(number - 1) * 4096 : number * 4096]
        if page[0] == kind:
            return int(number - 1)
        cells = [int.from_bytes(page[at : at + 2]) for at in range(12, 12 + 2 * int.from_bytes(page[3:5]), 2)]
        todo += [int.from_bytes(page[at : at + 4]) for at in cells]
    raise AssertionError("no such page")


@pytest.mark.parametrize("table", ["body", "block"])
def test_the_loss_of_an_inner_page_loses_no_reading(site: Site, table: str) -> None:
    path = site.data / PLANT_DB
    wrecks.zeros(path, page_of(path, 5, table), Random(1))
    Store(site.data).close()
    assert len(quarantined(site.data)) == 1
    (brought,) = all_of(site)
    assert brought.lost == []
    assert set(wrecks.readings(site.data)) == wrecks.TRUE


def test_the_loss_of_the_first_page_loses_no_reading(site: Site) -> None:
    wrecks.noise(site.data / PLANT_DB, 0, Random(1))
    Store(site.data).close()
    all_of(site)
    assert set(wrecks.readings(site.data)) == wrecks.TRUE


def test_the_loss_of_a_leaf_is_counted_to_the_last_reading_and_is_a_gap(site: Site) -> None:
    path = site.data / PLANT_DB
    wrecks.zeros(path, page_of(path, 13, "body"), Random(1))
    Store(site.data).close()
    (brought,) = all_of(site)
    rows = wrecks.readings(site.data)
    assert len(rows) == len(set(rows))
    lost = sum(one.readings for one in brought.lost)
    assert 0 < lost == len(wrecks.TRUE) - len(rows)
    with closing(sqlite3.connect(path)) as db:
        assert sum(gap.readings or 0 for gap in gaps_between(db, 0, FOREVER)) == lost


def test_salvaging_twice_adds_nothing(site: Site) -> None:
    wrecks.zeros(site.data / PLANT_DB, 30, Random(1))
    Store(site.data).close()
    (first,) = all_of(site)
    assert first.new["readings"] > 0
    before = stored(site.data)
    assert all_of(site) == [], "it was salvaged"
    (again,) = all_of(site, quarantined(site.data)[0].folder)
    assert set(again.new.values()) <= {0}
    assert stored(site.data) == before


def test_the_alarm_stands_until_somebody_salvages(site: Site) -> None:
    wrecks.zeros(site.data / PLANT_DB, 30, Random(1))
    Store(site.data).close()
    assert "store.plant" in {alarm.id for alarm in open_alarms(site, wall_clock())}
    all_of(site)
    assert "store.plant" not in {alarm.id for alarm in open_alarms(site, wall_clock())}


def test_what_was_corrected_since_is_not_superseded_by_what_comes_back(site: Site, tmp_path: Path) -> None:
    copy = tmp_path / "plant-copy.db"
    copy.write_bytes((site.data / PLANT_DB).read_bytes())
    wrecks.zeros(site.data / PLANT_DB, 0, Random(1))
    with Store(site.data) as store:
        later = batch_of("m.e", (workload.START, 1234.5))
        later.seen = [START * 2]
        write(store, later)
    all_of(site, copy)
    assert [row.value for row in stored(site.data)["m.e", workload.START]][-1] == 1234.5


def test_an_amount_that_comes_back_does_not_supersede_a_later_one(site: Site, tmp_path: Path) -> None:
    copy = tmp_path / "plant-copy.db"
    copy.write_bytes((site.data / PLANT_DB).read_bytes())
    (site.data / PLANT_DB).unlink()
    amount = wrecks.AMOUNTS[0]
    with Store(site.data) as store, store.transaction():
        newer = type(amount)(amount.tag, amount.start, amount.end, 99.0, "later")
        store.write_amounts([newer], BY, wall_clock())
    (brought,) = all_of(site, copy)
    assert brought.new["amount"] == len(wrecks.AMOUNTS)
    filed = {row.start: row.value for row in Reader(site.data).amounts(amount.tag)}
    assert filed[amount.start] == 99.0
    assert len(filed) == sum(row.tag == amount.tag for row in wrecks.AMOUNTS)


def test_a_running_agent_takes_the_pieces_from_its_inbox(site: Site) -> None:
    wrecks.zeros(site.data / PLANT_DB, 0, Random(1))
    ready, done = Event(), Event()

    def agent() -> None:
        with writing(site.data, "run"), Store(site.data) as store:
            ready.set()
            while not done.wait(0.02):
                drain(store, site, Inbox(site.data))

    thread = Thread(target=agent)
    thread.start()
    assert ready.wait(20)
    try:
        (brought,) = all_of(site)
    finally:
        done.set()
        thread.join()
    assert brought.new["readings"] > 1000
    assert set(wrecks.readings(site.data)) == wrecks.TRUE


def test_a_damaged_inbox_loses_no_wish_that_can_be_read(site: Site) -> None:
    ids = Inbox(site.data).put([Request("acknowledge", [{}, f"{n}" * 300], BY, n) for n in range(40)])
    with closing(sqlite3.connect(site.data / INBOX_DB)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    wrecks.zeros(site.data / INBOX_DB, 0, Random(1))
    with Store(site.data) as store:
        mend(site.data, store, wall_clock)
    assert [request.id for request in Inbox(site.data).pending(100)] == ids
    assert "store.inbox" in {alarm.id for alarm in open_alarms(site, wall_clock())}


def test_a_damaged_records_db_keeps_its_documents_and_their_numbers(site: Site) -> None:
    bodies = [{"key": f"E{n}", "body": {"text": "证据" * 40, "n": n}} for n in range(300)]
    with documents(site.data / RECORDS_DB, indexed=("key",)) as db:
        db.collection("evidence").insert_multiple(bodies)
        db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = site.data / RECORDS_DB
    wrecks.zeros(path, 0, Random(1))
    with Store(site.data) as store:
        mend(site.data, store, wall_clock)
    with documents(path) as db:
        found = db.collection("evidence").all()
    assert [(document.doc_id, dict(document)) for document in found] == list(enumerate(bodies, 1))
    (brought,) = all_of(site)
    assert brought.new["documents"] == 0
