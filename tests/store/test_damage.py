"""A damaged plant.db is put away and never stops anybody; no question is answered with a reading that was not there."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from edge_agent.alarm.event import Event
from edge_agent.exit import Stop
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.keep.gaps import gaps_between
from edge_agent.store.reader import FOREVER, Reader
from edge_agent.store.rescue.aside import DAMAGED, aside
from edge_agent.store.rescue.full_check import FullCheck
from edge_agent.store.rescue.opening import GONE
from edge_agent.store.rescue.quarantine import KEEP, bound, finish, mark, put_away, quarantined
from edge_agent.store.rescue.shape import shapes
from edge_agent.store.rescue.wreck import Wreck
from edge_agent.store.store import PLANT_DB, Store
from tests.store import wrecks
from tests.store.test_sealing import DAY, START, batch_of, tidied, write

LEAST_SHARE, MEAN_SHARE = 0.7, 0.97  # of the readings that are rescued from a file with one destroyed page


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every kind of row."""
    folder = tmp_path_factory.mktemp("whole")
    wrecks.fill(folder)
    assert set(wrecks.readings(folder)) == wrecks.TRUE
    return folder


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def test_each_page_in_turn_is_spoilt_and_nothing_stops_or_is_invented(whole: Path, tmp_path: Path) -> None:
    draw, shares = Random(3), []
    for page in wrecks.pages(whole / PLANT_DB):
        data = wrecks.copied(whole, tmp_path / "data")
        way = draw.choice(wrecks.WAYS)
        way(data / PLANT_DB, page, draw)
        with Store(data) as store, store.transaction():
            store.write([batch_of("m.new", (START, 1.0))])
        answered = set(wrecks.readings(data)) - {row for row in wrecks.readings(data) if row.tag == "m.new"}
        assert answered <= wrecks.TRUE, f"{way.__name__} in page {page}"
        for found in quarantined(data):
            rescued = wrecks.rescued(found.path)
            assert rescued <= wrecks.TRUE, f"{way.__name__} in page {page}"
            answered |= rescued
            assert Reader(data).last().keys() >= {row.tag for row in rescued}, "the newest readings went over"
        shares.append(len(answered) / len(wrecks.TRUE))
    assert min(shares) >= LEAST_SHARE
    assert sum(shares) / len(shares) >= MEAN_SHARE


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: wrecks.spoil(path, 0, b"no database, but sixteen bytes and more"),
        lambda path: path.write_bytes(path.read_bytes()[: 20 * wrecks.PAGE]),
        lambda path: path.write_bytes(path.read_bytes()[:50]),
        lambda path: path.write_text("hello"),
        lambda path: wrecks.spoil(path, 60, (2).to_bytes(4)),
        lambda path: wrecks.spoil(path, 18, b"\7"),
        lambda path: wrecks.spoil(path, 44, (9).to_bytes(4)),
    ],
    ids=["head", "cut", "tiny", "text", "older version", "read-only", "format"],
)
def test_a_spoilt_head_is_damage_and_not_an_endless_refusal(
    whole: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    data = wrecks.copied(whole, tmp_path / "data")
    spoil(data / PLANT_DB)
    with Store(data) as store:
        write(store, batch_of("m.e", (START, 1.0)))
    (found,) = quarantined(data)
    assert found.carried
    assert wrecks.rescued(found.path) <= wrecks.TRUE
    with Store(data):
        assert len(quarantined(data)) == 1


def test_a_database_of_a_newer_program_is_refused_and_stays(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / PLANT_DB)) as db:
        db.executescript("CREATE TABLE later (x INTEGER); PRAGMA user_version = 999;")
    with pytest.raises(Stop):
        Store(tmp_path)
    assert quarantined(tmp_path) == []


@pytest.mark.parametrize("spoil", [bytes(4096), Random(1).randbytes(4096)], ids=["zeros", "noise"])
def test_a_spoilt_log_invents_nothing(tmp_path: Path, spoil: bytes) -> None:
    """The log of a writer that was killed; what was not checkpointed may be gone, as nobody can read it."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    store = Store(before)
    for n in range(30):
        write(store, batch_of("m.e", *((START + n * 100 + i, float(i)) for i in range(100))))
    for name in (PLANT_DB, f"{PLANT_DB}-wal"):
        (after / name).write_bytes((before / name).read_bytes())
    store.close()
    wrecks.spoil(after / f"{PLANT_DB}-wal", 4 * 4096, spoil)
    with Store(after):
        assert set(wrecks.readings(after)) <= set(wrecks.readings(before))


def test_what_people_said_and_the_alarms_are_in_the_new_file(whole: Path, tmp_path: Path) -> None:
    data = wrecks.copied(whole, tmp_path / "data")
    wrecks.spoil(data / PLANT_DB, 0, bytes(wrecks.PAGE))
    Store(data).close()
    reader = Reader(data)
    assert reader.ledger() == Reader(whole).ledger()
    assert reader.amounts("manual.a1") == Reader(whole).amounts("manual.a1")
    assert reader.site_text(FOREVER) == Reader(whole).site_text(FOREVER)
    standing = AlarmReader(data).standing()
    assert standing.keys() == AlarmReader(whole).standing().keys() | {"store.plant"}
    (raised,) = standing["store.plant"]
    assert (raised.event, raised.kind, raised.reason) == (Event.RAISE, "store", "quarantined")


def spoil_a_body(data: Path, part: str = "") -> None:
    """Turn a bit in the body of the first block of a kind."""
    with closing(sqlite3.connect(data / PLANT_DB)) as db:
        number = db.execute(f"SELECT id FROM block {part} ORDER BY id LIMIT 1").fetchone()[0] << 14
        body = bytearray(db.execute("SELECT bytes FROM body WHERE id = ?", (number,)).fetchone()[0])
        body[len(body) // 2] ^= 4
        db.execute("UPDATE body SET bytes = ? WHERE id = ?", (bytes(body), number))
        db.commit()


def test_a_block_that_does_not_decode_is_a_hole_and_the_rest_is_answered(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for n in range(3):
            write(store, batch_of("m.e", *((START + n * DAY + i, float(i)) for i in range(100))))
        write(store, batch_of("m.e", (START + 4 * DAY, 0.0)))
        tidied(store, START + 4 * DAY)
    spoil_a_body(tmp_path)
    reader = Reader(tmp_path)
    (tag,) = (number for name, number in reader.ids().items() if name == "m.e")
    samples = list(reader.samples(tag, -FOREVER, FOREVER))
    holes = [s for s in samples if s.reason == DAMAGED]
    assert [(s.at, s.value) for s in holes] == [(START, None), (START + 99, None)]
    assert len(samples) - len(holes) == 201
    found = reader.good_before(tag, START + DAY - 1)
    assert found is None, "nothing true is known before"
    check = FullCheck(tmp_path / PLANT_DB)
    assert [*check.steps()]
    assert (len(check.blocks), check.why) == (1, None)
    assert len(aside(tmp_path)) == 1


def test_merging_keeps_the_other_rows_sets_the_damaged_block_aside_and_counts_it(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for n in range(4):
            write(store, batch_of("m.p", *((START + n * DAY // 8 + i * 1000, float(i)) for i in range(100))))
            tidied(store, START + n * DAY // 8)
    spoil_a_body(tmp_path, "WHERE level = 3")
    with Store(tmp_path) as store:
        write(store, batch_of("m.p", (START + 9 * DAY, 0.0)))
        tidied(store, START + 9 * DAY)
    rows = wrecks.readings(tmp_path)
    assert len(rows) >= 300
    (kept,) = aside(tmp_path)
    lost = json.loads(kept.read_text())["readings"]
    with closing(sqlite3.connect(tmp_path / PLANT_DB)) as db:
        gaps = gaps_between(db, START, START + 10 * DAY)
    assert [(gap.why, gap.readings) for gap in gaps] == [("damage", lost)]
    assert FullCheck(tmp_path / PLANT_DB).blocks == []


def test_a_commit_that_does_not_decode_costs_itself_alone(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for n in range(5):
            write(store, batch_of("m.e", (START + n, float(n))))
    with closing(sqlite3.connect(tmp_path / PLANT_DB)) as db:
        db.execute("UPDATE hot SET body = CAST(zeroblob(256) AS BLOB) WHERE id = 3")
        db.commit()
    with Store(tmp_path) as store:
        assert [row.value for row in wrecks.readings(tmp_path)] == [0.0, 1.0, 3.0, 4.0]
        write(store, batch_of("m.e", (START + 9 * DAY, 9.0)))
        tidied(store, START + 9 * DAY)
    assert [row.value for row in wrecks.readings(tmp_path) if row.tag == "m.e"] == [0.0, 1.0, 3.0, 4.0, 9.0]
    assert len(aside(tmp_path)) == 1
    assert "store.blocks" in AlarmReader(tmp_path).standing()


def test_damage_that_shows_while_the_store_is_open_begins_anew(whole: Path, tmp_path: Path) -> None:
    data = wrecks.copied(whole, tmp_path / "data")
    with Store(data) as store:
        write(store, batch_of("m.e", (START + 40 * DAY, 1.0)))
        store.begin_anew("a test")
        write(store, batch_of("m.e", (START + 40 * DAY + 1, 2.0)))
    assert Reader(data).last()["m.e"].value == 2.0
    (found,) = quarantined(data)
    acknowledged = {row for row in wrecks.rescued(found.path) if row.at == START + 40 * DAY}
    assert [row.value for row in acknowledged] == [1.0], "the log went with its file"


def test_a_log_whose_file_was_put_away_before_the_power_failed_follows_it(tmp_path: Path) -> None:
    (tmp_path / PLANT_DB).write_bytes(b"file")
    folder = put_away(tmp_path, PLANT_DB, "a test", 0)
    (tmp_path / f"{PLANT_DB}-wal").write_bytes(b"log")
    finish(tmp_path, PLANT_DB)
    assert (folder / f"{PLANT_DB}-wal").read_bytes() == b"log"
    assert [path.name for path in tmp_path.iterdir()] == ["quarantine"]


def test_only_what_was_salvaged_is_deleted_unless_the_disk_is_full(tmp_path: Path) -> None:
    for n in range(KEEP + 4):
        (tmp_path / PLANT_DB).write_bytes(b"file")
        put_away(tmp_path, PLANT_DB, "a test", n * 1_000_000)
    assert bound(tmp_path, reserve=0) == []
    there = quarantined(tmp_path)
    assert len(there) == KEEP + 4
    for found in there[:-1]:
        mark(found, salvaged=1)
    assert bound(tmp_path, reserve=0) == []
    assert [q.at // 1_000_000 for q in quarantined(tmp_path)] == [3, 4, 5, 6]
    assert bound(tmp_path, reserve=1 << 62) == []
    assert [q.at // 1_000_000 for q in quarantined(tmp_path)] == [6], "the new file has not taken it over yet"
    mark(there[-1], carried=True)
    assert [q.folder for q in bound(tmp_path, reserve=1 << 62)] == [there[-1].folder]
    assert quarantined(tmp_path) == []


def test_a_database_is_not_deleted_on_a_full_disk_before_it_was_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path).close()
    with Store(tmp_path) as store:
        write(store, batch_of("m.e", (START, 1.0)))
        monkeypatch.setattr("edge_agent.store.rescue.quarantine.RESERVE_BYTES", 1 << 62)
        monkeypatch.setattr(bound, "__defaults__", (1 << 62,))
        store.begin_anew("a test")
        assert Reader(tmp_path).last()["m.e"].value == 1.0
        store.begin_anew("a second one, and the first goes")
    (found,) = quarantined(tmp_path)
    assert found.why.startswith("a second")
    (_, ended) = AlarmReader(tmp_path).standing()["store.quarantine"]
    assert (ended.event, ended.tag, ended.reason) == (Event.CLEAR, PLANT_DB, GONE)


def test_a_pointer_map_is_not_taken_for_rows(tmp_path: Path) -> None:
    path, schema = tmp_path / "a.db", "CREATE TABLE t (k INTEGER PRIMARY KEY) WITHOUT ROWID"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(f"PRAGMA auto_vacuum = INCREMENTAL; {schema}; INSERT INTO t VALUES (4)")
    inner = bytearray(wrecks.PAGE)  # of an index, with one cell; as a map: the first page is free
    inner[0], inner[4], inner[12:14] = 2, 1, (1000).to_bytes(2)
    inner[1000:1008] = bytes([0, 0, 0, 3, 3, 2, 1, 3])
    wrecks.spoil(path, wrecks.PAGE, bytes(inner))
    for head in (b"SQLite", bytes(100)):
        wrecks.spoil(path, 0, head)
        with closing(Wreck(path, shapes([schema]))) as wreck:
            assert [*wreck.rows("t")] == [(4,)]
