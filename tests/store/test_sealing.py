"""How readings are kept: few bytes, headers that answer without decoding, steps that nobody sees half of."""

from __future__ import annotations

import csv
import gzip
import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.codec.commit import Commit
from edge_agent.store.reader import Reader
from edge_agent.store.rescue import aside
from edge_agent.store.sealed import blocks, index, merge, seal
from edge_agent.store.sealed.blocks import body
from edge_agent.store.store import Store
from edge_agent.store.trends import TrendReader
from tests.store.plain import stored

S = 1_000_000
MINUTE, HOUR, DAY = 60 * S, 3600 * S, 86_400 * S
START = 1_788_220_800 * S  # 2026-09-01 UTC


def batch_of(tag: str, *rows: tuple[int, float]) -> Batch:
    batch = Batch()
    for at, value in rows:
        batch.add(tag, at, at, value, Quality.GOOD, None)
    return batch


def write(store: Store, *batches: Batch) -> None:
    with store.transaction():
        store.write(batches)


def tidied(store: Store, later: int) -> None:
    """Everything sealed and merged as if it were so late; the last row stays open."""
    write(store, batch_of("late", (later, 0.0)))
    while store.tidy():
        pass


def levels(data: Path) -> list[tuple[int, int, int]]:
    """Level, blocks and rows of what is sealed."""
    with closing(sqlite3.connect(data / "plant.db")) as db:
        return db.execute("SELECT level, COUNT(*), SUM(n) FROM block GROUP BY level").fetchall()


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """40 days of a counter, minute by minute, merged to days; it falls once."""
    rows = [(START + n * MINUTE, 100.0 + n / 100 - (300.0 if n > 20_000 else 0.0)) for n in range(40 * 1440)]
    with Store(tmp_path) as store:
        for first in range(0, len(rows), 5000):
            write(store, batch_of("m.e", *rows[first : first + 5000]))
        tidied(store, START + 60 * DAY)
    return tmp_path


def test_an_hour_is_sealed_when_it_is_over_and_a_day_merged(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for hour in range(24):
            write(store, batch_of("m.e", *((START + hour * HOUR + n * S, n / 10) for n in range(3600))))
            while store.tidy():
                pass
        assert levels(tmp_path) == [(3, 23, 23 * 3600)]
        write(store, batch_of("m.e", (START + 24 * HOUR, 1.0)))
        while store.tidy():
            pass
        assert levels(tmp_path) == [(3, 24, 24 * 3600)]
        tidied(store, START + 25 * HOUR)
        assert levels(tmp_path)[:1] == [(2, 1, 24 * 3600)]
        assert Reader(tmp_path).last()["m.e"].at == START + 24 * HOUR


def test_only_tags_slower_than_one_a_minute_are_merged_to_months(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for day in range(30):
            start = START + day * DAY
            write(store, batch_of("slow", *((start + n * 15 * MINUTE, n / 10) for n in range(96))))
            write(store, batch_of("fast", *((start + n * 30 * S, n / 10) for n in range(2880))))
            while store.tidy():
                pass
        tidied(store, START + 40 * DAY)
    assert levels(tmp_path) == [(1, 1, 30 * 96), (2, 30, 30 * 2880)]


def test_real_meters_take_less_than_a_byte_a_reading(shared: Path, tmp_path: Path) -> None:
    """The steel plant's year in month blocks: 0.9 byte a reading, 1.2 on the disk with the index."""
    with gzip.open(shared / "data" / "steel_industry.csv.gz") as file:
        rows = list(csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig")))[1:]
    with Store(tmp_path) as store:
        for first in range(0, len(rows), 96):
            batch = Batch()
            for number, row in enumerate(rows[first : first + 96], first):
                for column in range(1, 7):
                    at = START + number * 15 * MINUTE
                    batch.add(f"c{column}", at, at, float(row[column]), Quality.GOOD, None)
            write(store, batch)
            store.tidy()
        tidied(store, START + 500 * DAY)
    readings = 6 * len(rows)
    with closing(sqlite3.connect(tmp_path / "plant.db")) as db:
        assert db.execute("SELECT COUNT(*), SUM(n) FROM block WHERE level = 1").fetchone() == (72, readings)
        assert db.execute("SELECT SUM(LENGTH(bytes)) FROM body").fetchone()[0] / readings < 0.9
        disk = "SELECT SUM(pgsize) FROM dbstat WHERE name IN ('body', 'block', 'block_by_tag', 'block_due')"
        assert db.execute(disk).fetchone()[0] / readings < 1.2


def test_headers_answer_for_whole_days(minutes: Path) -> None:
    reader = Reader(minutes)
    tag = reader.ids()["m.e"]
    with patch.object(index, "body", side_effect=AssertionError("decoded")):
        days = reader.summaries(tag, [START + n * DAY for n in range(14)])
    assert [day.n for day in days] == [1440] * 13
    assert (days[1].low, days[1].high) == (114.4, 128.79)
    assert days[0].total == pytest.approx(sum(100 + n / 100 for n in range(1440)))


def test_a_fall_is_found_by_decoding_its_day_alone(minutes: Path) -> None:
    reader, decoded = Reader(minutes), []

    def spy(db: sqlite3.Connection, block: int, *bounds: int) -> object:
        decoded.append(block)
        return body(db, block, *bounds)

    tag = reader.ids()["m.e"]
    with patch.object(index, "body", spy):
        falls = reader.falls(tag, START, START + 40 * DAY)
    assert falls == [(START + 20_001 * MINUTE, 300.0, 100.0 + 20_001 / 100 - 300.0)]
    assert len(decoded) == 1


def test_the_open_time_is_decoded_once(tmp_path: Path) -> None:
    reader, made = Reader(tmp_path), []

    class Spy(Commit):
        def __init__(self, content: bytes) -> None:
            made.append(content)
            super().__init__(content)

    with Store(tmp_path) as store, patch.object(aside, "Commit", Spy):
        for n in range(5):
            write(store, batch_of("m.e", (START + n, float(n))))
            assert reader.last()["m.e"].value == n
            assert Reader(tmp_path).good_before(1, START + n) is not None
    assert len(made) == 5


def test_a_file_in_the_place_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for value in (1.0, 2.0):
        with Store(tmp_path) as store:
            write(store, batch_of("m.e", (START, value)))
        assert reader.last()["m.e"].value == value
        (tmp_path / "plant.db").unlink()


def test_a_reader_keeps_no_file_open(minutes: Path) -> None:
    reader = Reader(minutes)
    rows = reader.samples(reader.ids()["m.e"], START, START + 40 * DAY)
    next(rows)
    reader.last()
    TrendReader(minutes).oldest()
    assert not [name for fd in os.listdir("/proc/self/fd") if "plant.db" in (name := _target(fd))]


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


def test_nobody_sees_half_a_step(tmp_path: Path) -> None:
    reader, seen = Reader(tmp_path), []

    class Spy(blocks.Blocks):
        def put(self, *arguments: object, **named: object) -> None:
            super().put(*arguments, **named)  # type: ignore[arg-type]
            seen.append((stored(tmp_path), reader.last()))

    with Store(tmp_path) as store, patch.object(seal, "Blocks", Spy), patch.object(merge, "Blocks", Spy):
        for day in range(3):
            write(store, *(batch_of(tag, *((START + day * DAY + n * HOUR, n) for n in range(24))) for tag in "ab"))
        before, newest = stored(tmp_path), reader.last()
        sealer = store._sealer = seal.Sealer(store._db)
        while sealer.due:
            assert store.tidy()
        assert all(told == (before, newest) for told in seen)
        assert (stored(tmp_path), reader.last()) == (before, newest)
    assert len(seen) > 2


def test_a_reader_that_has_not_asked_for_long_misses_nothing(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    with Store(tmp_path) as store:
        write(store, batch_of("a", (START, 1.0)))
        assert set(reader.last()) == {"a"}
        write(store, batch_of("b", (START + S, 2.0)))
        tidied(store, START + 3 * HOUR)
        assert {tag: sample.value for tag, sample in reader.last().items()} == {"a": 1.0, "b": 2.0, "late": 0.0}


def test_a_state_begins_anew_after_a_reading_that_is_no_value(tmp_path: Path) -> None:
    lost = Batch()
    lost.add("d.link", START + 5 * MINUTE, START + 5 * MINUTE, None, Quality.BAD, "timeout")
    up = [batch_of("d.link", *((START + n * MINUTE, 1.0) for n in span)) for span in (range(5), range(6, 10))]
    with Store(tmp_path) as store:
        write(store, up[0], lost, up[1])
        tidied(store, START + 2 * DAY)
    assert Reader(tmp_path).since("d.link", 1.0) == START + 6 * MINUTE


def test_a_late_reading_for_a_merged_month_does_not_bring_its_day_back(tmp_path: Path) -> None:
    """The month's days are still there when the writer is stopped before it takes them out."""
    with Store(tmp_path) as store:
        write(store, batch_of("m.e", *((START + n * HOUR, float(n)) for n in range(48))))
        write(store, batch_of("m.e", (START + 50 * DAY, 0.0)))
        while not any(level == 1 for level, *_ in levels(tmp_path)):
            assert store.tidy()
    with Store(tmp_path) as store:
        write(store, batch_of("m.e", (START + HOUR, 7.0)))
        tidied(store, START + 51 * DAY)
    rows = stored(tmp_path)
    assert [row.value for row in rows["m.e", START + HOUR]] == [1.0, 7.0]
    assert [row.value for row in rows["m.e", START]] == [0.0]
    assert levels(tmp_path)[0] == (1, 1, 48)


def test_a_disk_that_has_no_room_to_seal_keeps_what_was_committed(tmp_path: Path) -> None:
    with Store(tmp_path) as store, patch.object(seal, "STEP_ROWS", 10):
        full = sqlite3.OperationalError("database or disk is full")
        with patch.object(seal.Sealer, "step", side_effect=full):
            for n in range(4):
                write(store, batch_of("m.e", *((START + n * MINUTE + i, float(i)) for i in range(5))))
        assert levels(tmp_path) == []
        write(store, batch_of("m.e", (START + HOUR, 1.0)))
        assert sum(rows for _, _, rows in levels(tmp_path)) == 20
    assert len(list(Reader(tmp_path).samples(1, START, START + DAY))) == 21


def test_the_open_time_takes_no_more_room_the_longer_it_runs(tmp_path: Path) -> None:
    def slots() -> int:
        with closing(sqlite3.connect(tmp_path / "plant.db")) as db:
            return int(db.execute("SELECT COUNT(*) FROM hot").fetchone()[0])

    with Store(tmp_path) as store:
        counts = []
        for hour in range(6):
            for n in range(60):
                write(store, batch_of("m.e", *((START + hour * HOUR + n * MINUTE + i * S, i / 10) for i in range(60))))
                store.tidy()
            counts.append(slots())
    assert counts[-1] == counts[1] <= 62


def test_a_large_import_is_sealed_without_an_agent(tmp_path: Path) -> None:
    with Store(tmp_path) as store, patch.object(seal, "STEP_ROWS", 1000):
        for month in range(4):
            rows = [(START + (month * 2000 + n) * 20 * MINUTE, float(n)) for n in range(2000)]
            with store.transaction():
                assert store.write_past(batch_of("m.e", *rows)) == 2000
            with store.transaction():
                assert store.write_past(batch_of("m.e", *rows)) == 0
    assert sum(rows for _, _, rows in levels(tmp_path)) == 8000


def test_a_value_that_is_no_number_is_no_value(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        write(store, batch_of("m.e", (START, float("nan")), (START + S, float("inf"))))
        tidied(store, START + 3 * DAY)
    assert [s.value for s in Reader(tmp_path).samples(1, START, START + DAY)] == [None, float("inf")]


def test_what_people_file_is_counted(tmp_path: Path) -> None:
    def filed() -> int:
        with closing(sqlite3.connect(tmp_path / "plant.db")) as db:
            return int(db.execute("SELECT value FROM mark WHERE name = 'filed'").fetchone()[0])

    with Store(tmp_path) as store:
        write(store, batch_of("m.e", (START, 1.0)))
        assert filed() == 0
        for expected in (2, 2):
            with store.transaction():
                store.write_past(batch_of("manual.gas", (START, 1.0), (START + S, 2.0)))
            assert filed() == expected
