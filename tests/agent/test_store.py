"""The store: acknowledged means committed, one writer, read-only questions, nothing invented."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.exit import Exit, Stop
from edge_agent.ledger import Person
from edge_agent.store.database import NEWEST, reading
from edge_agent.store.lock import BusyError, make_data_folder, running, writing
from edge_agent.store.reader import Reader
from edge_agent.store.store import AmountRow, Store

ME = Person("me", "me")


def batch_of(*rows: tuple[str, int, float | None]) -> Batch:
    batch = Batch()
    for tag, at, value in rows:
        batch.add(tag, at, at, value, Quality.GOOD if value is not None else Quality.BAD, None)
    return batch


def test_a_value_that_cannot_be_trusted_does_not_enter_a_batch() -> None:
    with pytest.raises(ValueError, match="carries no value"):
        Batch().add("m.power", 0, 0, 5.0, Quality.BAD, "checksum")


def test_readers_of_a_site_without_database_get_empty_answers(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert (reader.last(), reader.ids(), reader.amounts("a"), reader.ledger()) == ({}, {}, [], [])
    assert not (tmp_path / "plant.db").exists()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with pytest.raises(TypeError), store.transaction():
            store.write([batch_of(("m.new", 1, 1.0)), Batch(["m.bad"], [None], [0], [0.0], [0], [None])])  # type: ignore[list-item]
        with store.transaction():
            store.write([batch_of(("m.new", 2, 2.0))])
    assert [s.at for s in Reader(tmp_path).last().values()] == [2]


def test_the_newest_row_of_a_moment_is_the_one_that_counts(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for value in (1.0, 7.0):
            with store.transaction():
                store.write([batch_of(("m.e", 10, value))])
    reader = Reader(tmp_path)
    tag = reader.ids()["m.e"]
    assert reader.last()["m.e"].value == 7.0
    found = reader.good_before(tag, 10)
    assert found is not None
    assert found.value == 7.0
    assert [s.value for s in reader.samples(tag, 0, 11)] == [7.0]


def test_the_past_taken_in_twice_adds_nothing_and_a_correction_adds_one(tmp_path: Path) -> None:
    with Store(tmp_path) as store, store.transaction():
        assert store.write_past(batch_of(("m.e", 1, 1.0), ("m.e", 2, 2.0))) == 2
        assert store.write_past(batch_of(("m.e", 1, 1.0), ("m.e", 2, 2.0))) == 0
        assert store.write_past(batch_of(("m.e", 2, 3.0))) == 1


def test_an_amount_is_superseded_and_never_overwritten(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for recorded, value in ((100, 5.0), (200, 6.0), (300, None)):
            with store.transaction():
                store.write_amounts([AmountRow("manual.p", 0, 10, value)], ME, recorded)
    reader = Reader(tmp_path)
    assert [a.value for a in reader.amounts("manual.p", 150)] == [5.0]
    assert [a.value for a in reader.amounts("manual.p", 250)] == [6.0]
    assert reader.amounts("manual.p") == []


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from edge_agent.store.lock import writing
with writing(Path({str(tmp_path)!r}), "run"):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        holder = running(tmp_path)
        assert holder is not None
        assert (holder.pid, holder.command) == (other.pid, "run")
        with pytest.raises(BusyError) as caught, writing(tmp_path, "import"):
            pass
        assert caught.value.pid == other.pid
        other.kill()
    assert running(tmp_path) is None
    with writing(tmp_path, "import"):
        pass


def test_a_database_of_a_newer_program_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "plant.db")) as db:
        db.execute(f"PRAGMA user_version = {NEWEST + 1}")
    for opening in (lambda: Store(tmp_path), lambda: Reader(tmp_path).last()):
        with pytest.raises(Stop) as caught:
            opening()
        assert (caught.value.exit_code, caught.value.key) == (Exit.SITE, "error.newer_database")


def test_a_damaged_database_is_said_to_readers_and_put_away_whole_by_the_writer(tmp_path: Path) -> None:
    (tmp_path / "plant.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Stop) as caught:
        Reader(tmp_path).last()
    assert caught.value.key == "error.damaged_database"
    Store(tmp_path).close()
    assert Reader(tmp_path).last() == {}
    (away,) = (tmp_path / "quarantine").rglob("plant.db")
    assert away.read_bytes() == b"no database" * 1000


def test_damage_that_spoils_the_very_words_of_sqlite_is_damage_to_a_reader(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with pytest.raises(Stop) as caught, reading(tmp_path / "plant.db"):
        b"\xff".decode()
    assert caught.value.key == "error.damaged_database"


def test_files_are_open_to_the_site_group(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_data_folder(data)
    Store(data).close()
    assert data.stat().st_mode & 0o7777 == 0o2770
    assert (data / "plant.db").stat().st_mode & 0o777 == 0o660


WRITER = """
import sys
from pathlib import Path
from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.store import Store
with Store(Path(sys.argv[1])) as store:
    at = 0
    while True:
        batch = Batch()
        for _ in range(50):
            at += 1
            batch.add("m.e", at, at, float(at), Quality.GOOD, None)
        with store.transaction():
            store.write([batch])
        print(at, flush=True)
"""


def test_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for round_ in range(12):
        folder = tmp_path / str(round_)
        folder.mkdir()
        with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            other.stdout.readline()
            time.sleep(0.003 * round_)
            other.kill()
            said = [int(line) for line in other.stdout.read().split("\n") if line.strip()]
        reader = Reader(folder)
        kept = [s.at for s in reader.samples(reader.ids()["m.e"], 0, 10**9)]
        assert kept == list(range(1, len(kept) + 1))
        assert len(kept) >= max(said, default=0)
        assert len(kept) % 50 == 0
