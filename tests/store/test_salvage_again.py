"""What salvage brings back is as it was: thinned time stays thinned, moved readings stay moved, the last word last."""

from __future__ import annotations

import base64
import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest

from drivers.reading import Quality
from edge_agent.ledger import Person
from edge_agent.rescue.restore import restore
from edge_agent.rescue.salvage import Brought, salvage, sources
from edge_agent.site import Site
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.commit import encode
from edge_agent.store.keep.budget import Budget
from edge_agent.store.keep.gaps import Gap, gaps_between
from edge_agent.store.keep.retention import Keep
from edge_agent.store.reader import FOREVER, Reader
from edge_agent.store.rescue.backup import back_up
from edge_agent.store.rescue.salvage import take
from edge_agent.store.sealed import blocks, index
from edge_agent.store.stamps.untimed import UntimedReader
from edge_agent.store.store import PLANT_DB, Store
from edge_agent.time.trust import Era, Trust
from tests.plants import BARE, plant
from tests.store import past
from tests.store.plain import stored
from tests.store.test_sealing import batch_of

BY = Person("tester", "tester")
S, HOUR, DAY = past.S, past.HOUR, past.DAY
START = past.START
TAG, MANUAL = "m.p", "manual.gas"
SMALL = Keep(Budget(1, 0), past.ZONE)  # everything goes


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Site:
    """A bare site."""
    caplog.set_level(logging.CRITICAL)
    made = plant(tmp_path / "site", BARE)
    made.data.mkdir()
    return made


def write(store: Store, *rows: tuple[int, float], tag: str = TAG, era: tuple[Era, int] | None = None) -> None:
    """One commit, of an era and what was stamped last before it."""
    with store.transaction():
        if era:
            store.apart.enter("boot", *era)
        store.write([batch_of(tag, *rows)])


def file(store: Store, now: int, *rows: tuple[int, float]) -> None:
    """Somebody files readings, all in one import."""
    batch = batch_of(MANUAL, *rows)
    batch.seen = [now] * len(rows)
    with store.transaction():
        store.write_past(batch)


def tidied(store: Store) -> None:
    """Nothing is left to be done."""
    while store.tidy():
        pass


def all_of(site: Site, given: Path | None = None) -> list[Brought]:
    """Salvage everything that waits, or one file."""
    return [salvage(site, source, BY) for source in sources(site, given)]


def copied(site: Site, name: str) -> Path:
    """A copy of the archive as it is."""
    path = site.folder / name
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db, closing(sqlite3.connect(path)) as copy:
        db.backup(copy)
    return path


def thinned(site: Site) -> None:
    """Four days of which the first ones are thinned."""
    with Store(site.data) as store:
        for hour in range(96):
            rows = [(START + hour * HOUR + n * 15 * S, 0.0 if n % 60 in (0, 59) else 100.0 + n) for n in range(240)]
            write(store, *rows)
            tidied(store)
        store.keep(SMALL, {TAG: "gauge"})
        tidied(store)


def day_means(site: Site) -> list[tuple[int, float | None, int]]:
    """How many readings each day had, their sum, and for how long one was known."""
    reader = Reader(site.data)
    edges = [START + n * DAY for n in range(5)]
    return [(told.n, told.total, told.held) for told in reader.summaries(reader.ids()[TAG], edges)]


def gaps(site: Site) -> list[Gap]:
    """Every loss that the archive tells of."""
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db:
        return gaps_between(db, -FOREVER, FOREVER)


def test_thinned_days_come_back_as_what_all_their_readings_came_to(site: Site) -> None:
    thinned(site)
    before, told = day_means(site), gaps(site)
    assert told
    assert before[0][0] == 5760
    with Store(site.data) as store:
        store.begin_anew("test")
    (brought,) = all_of(site)
    assert brought.lost == []
    assert day_means(site) == before
    assert gaps(site) == told, "the thinning is told once"
    (again,) = all_of(site, brought.source.path.parent)
    assert set(again.new.values()) <= {0}
    assert day_means(site) == before


def test_thinned_days_come_into_another_archive_with_the_gap_that_they_are(site: Site) -> None:
    thinned(site)
    before, gone = day_means(site), sum(gap.readings or 0 for gap in gaps(site))
    copy = copied(site, "plant-copy.db")
    (site.data / PLANT_DB).unlink()
    with Store(site.data) as store:
        write(store, (START - DAY, 1.0), tag="first.tag")
    all_of(site, copy)
    assert day_means(site) == before
    assert sum(gap.readings or 0 for gap in gaps(site)) == gone
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db:
        known = db.execute("SELECT at FROM present JOIN tag ON tag.id = tag WHERE name = ?", (TAG,)).fetchone()
    assert known


def test_thinned_time_in_which_other_readings_lie_is_a_counted_loss(site: Site) -> None:
    thinned(site)
    with Store(site.data) as store:
        store.begin_anew("test")
        write(store, (START + 10 * 60 * S + 1, 7.0))
    (brought,) = all_of(site)
    assert [(one.tag, one.readings) for one in brought.lost] == [(TAG, 59)]
    assert [gap.readings for gap in gaps(site) if gap.why == "damage"] == [59]
    assert day_means(site)[0][0] == 5760 - 59


def moved(site: Site, name: str | None = None) -> Path | None:
    """Half an hour stamped by a date that was five hours late; a copy of the archive before that was found out."""
    copy = None
    with Store(site.data) as store:
        wrong = Era(0, START, START - DAY, Trust.PLAUSIBLE)
        for minute in range(30):
            write(store, (START + minute * 60 * S, float(minute)), era=(wrong, 0))
        copy = copied(site, name) if name else None
        right = Era(30 * 60 * S, START + 5 * HOUR, START - DAY, Trust.SYNCHRONISED)
        write(store, (START + 5 * HOUR + 31 * 60 * S, 99.0), era=(right, START + 29 * 60 * S))
        tidied(store)
    return copy


@pytest.mark.parametrize("name", [None, "plant-early.db"])
def test_readings_that_were_moved_do_not_come_back_at_the_wrong_time(site: Site, name: str | None) -> None:
    copy = moved(site, name)
    before = stored(site.data)
    (brought,) = all_of(site, copy or copied(site, "plant-copy.db"))
    assert brought.new["readings"] == 0
    assert stored(site.data) == before


def test_a_backup_from_before_a_clock_was_found_wrong_fills_in_at_the_right_time(site: Site) -> None:
    copy = moved(site, "plant-early.db")
    before = stored(site.data)
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db, db:
        db.executescript("DELETE FROM block; DELETE FROM body; DELETE FROM seal; DELETE FROM present;")
    all_of(site, copy)
    late = {place: rows for place, rows in stored(site.data).items() if place[1] > START + 5 * HOUR + 30 * 60 * S}
    moments = {at for _, at in stored(site.data)} - {at for _, at in late}
    assert moments == {at for _, at in before if at <= START + 5 * HOUR + 30 * 60 * S}


def test_what_another_clock_stamped_at_that_time_stays_where_it_is(site: Site, tmp_path: Path) -> None:
    moved(site)
    other = tmp_path / "other"
    other.mkdir()
    with Store(other) as store:
        write(store, (START + 90 * S, 7.0), tag="m.other")
    all_of(site, other / PLANT_DB)
    assert ("m.other", START + 90 * S) in stored(site.data)


def test_a_salvage_after_a_restore_brings_untimed_readings_and_notes(site: Site) -> None:
    tar = site.folder / "site.tar"
    with Store(site.data) as store:
        file(store, START, (START, 1.0))
    back_up(site.folder, site.data, tar, "a", START)
    with Store(site.data) as store:
        unsure = Era(0, START + HOUR, START + HOUR, Trust.UNSURE)
        write(store, (START, 0.0), tag="another.tag")
        for tag in (TAG, "m.q"):
            write(store, *((START + HOUR + n * S, float(n)) for n in range(50)), tag=tag, era=(unsure, 0))
        with store.transaction():
            store.write_notes([(MANUAL, START, "seal 77 broken")], BY, START + DAY)
    before = list(UntimedReader(site.data).samples())
    assert len(before) == 100
    restore(site.folder, tar, True)
    (brought,) = all_of(site)
    assert (brought.new["apart"], brought.new["note"]) == (100, 1)
    assert list(UntimedReader(site.data).samples()) == before
    reader = Reader(site.data)
    assert reader.notes(reader.ids()[MANUAL], 0, FOREVER) == {START: "seal 77 broken"}
    (again,) = all_of(site, brought.source.path.parent)
    assert set(again.new.values()) <= {0}
    assert list(UntimedReader(site.data).samples()) == before


def test_untimed_readings_of_a_copy_that_have_their_time_by_now_are_not_doubled(site: Site) -> None:
    unsure = Era(0, START, START, Trust.UNSURE)
    with Store(site.data) as store:
        write(store, *((START + n * S, float(n)) for n in range(50)), era=(unsure, 0))
        copy = copied(site, "plant-copy.db")
        sure = Era(60 * S, START + DAY, START, Trust.SYNCHRONISED)
        write(store, (START + DAY + 60 * S, 99.0), era=(sure, START + 50 * S))
        tidied(store)
    before = stored(site.data)
    assert len(before) == 51
    (brought,) = all_of(site, copy)
    assert brought.new["apart"] == 0
    assert stored(site.data) == before
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db:
        db.executescript("DELETE FROM block; DELETE FROM body; DELETE FROM seal; DELETE FROM present;")
    all_of(site, copy)
    assert set(stored(site.data)) >= set(list(before)[:50])


def test_of_two_words_in_one_import_the_last_one_stays_the_last(site: Site) -> None:
    with Store(site.data) as store:
        file(store, START + HOUR, (START, 100.0), (START, 120.0))
        store.begin_anew("test")
    all_of(site)
    reader = Reader(site.data)
    assert [row.value for row in reader.samples(reader.ids()[MANUAL], 0, FOREVER)] == [120.0]


def test_two_words_in_one_import_come_back_in_their_order(site: Site) -> None:
    with Store(site.data) as store:
        file(store, START + HOUR, (START, 100.0), (START, 120.0))
    copy = copied(site, "plant-copy.db")
    shutil.rmtree(site.data)
    site.data.mkdir()
    all_of(site, copy)
    assert [row.value for row in stored(site.data)[MANUAL, START]] == [100.0, 120.0]


def test_two_rows_days_apart_do_not_cost_the_days_between(site: Site) -> None:
    with Store(site.data) as store:
        for day in range(5):
            write(store, *((START + day * DAY + n * 30 * S, float(n)) for n in range(2880)))
            tidied(store)
        ends = [START + 5, START + 5 * DAY - 5]
        rows = Columns(ends, ends, [1.0, 2.0], [int(Quality.GOOD)] * 2, [None] * 2)
        piece = {"tags": [TAG], "body": base64.b64encode(encode([0, 0], rows)).decode()}
        with store.transaction(), patch(f"{index.__name__}.body", wraps=blocks.body) as read:
            assert take(store, piece, BY, START) == 2
    assert sum(call.args[2] > START + DAY and call.args[3] < START + 4 * DAY for call in read.call_args_list) == 0
    assert len(read.call_args_list) <= 2
