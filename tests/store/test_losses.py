"""What is told of readings that are gone: only of those that this archive lacks, and of no time that nobody knows."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from shutil import copy

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.requests import wall_clock
from edge_agent.rescue.mend import mend
from edge_agent.rescue.salvage import salvage, sources
from edge_agent.site import Site
from edge_agent.store.keep.gaps import DESTROYED, EVER, UNDATED, Gap
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.reader import Reader
from edge_agent.store.rescue.backup import back_up
from edge_agent.store.rescue.document_merge import RECORDS_DB
from edge_agent.store.store import PLANT_DB, Store
from tests.plants import BARE, plant
from tests.store import wrecks
from tests.store.test_damage import spoil_a_body
from tests.store.test_salvage import BY, all_of, page_of
from tests.store.test_sealing import DAY, START, batch_of, tidied, write


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(site: Site, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the site, and answers its verdict and what it says."""

    def run_(*words: str) -> tuple[int, str]:
        code = main(["-C", str(site.folder), "--lang", "zh", *words])
        return code, capsys.readouterr().out

    return run_


def backup(site: Site, to: Path) -> Path:
    return back_up(site.folder, site.data, to, "bare", wall_clock()).path


def test_of_a_backup_that_was_cut_short_everything_that_can_be_read_comes_in(site: Site, tmp_path: Path) -> None:
    whole = backup(site, tmp_path / "whole.tar")
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 9 // 10])
    other = plant(tmp_path / "other", BARE)
    (source,) = sources(other, cut)
    brought = salvage(other, source, BY)
    assert source.cut_short
    assert brought.new["readings"] > 0
    assert set(wrecks.readings(other.data)) <= wrecks.TRUE


def test_a_damaged_copy_of_what_the_archive_has_loses_nothing(site: Site, tmp_path: Path) -> None:
    wreck = Path(copy(site.data / PLANT_DB, tmp_path / "wreck.db"))
    wrecks.zeros(wreck, page_of(wreck, 13, "body"), Random(1))
    (brought,) = all_of(site, wreck)
    assert brought.lost == []
    assert Reader(site.data).gaps() == []


def test_a_gap_ends_once_a_backup_has_brought_its_readings_back(site: Site, tmp_path: Path) -> None:
    (site.data / PLANT_DB).unlink()
    values = Random(1)
    with Store(site.data) as store:
        for n in range(12):
            write(store, batch_of("m.p", *((START + n * DAY + i * 1000, values.random()) for i in range(500))))
            tidied(store, START + n * DAY)
    true = set(wrecks.readings(site.data))
    kept = backup(site, tmp_path / "kept.tar")
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db:  # else they stand for the block
        db.execute("DELETE FROM hot WHERE id <= (SELECT value FROM mark WHERE name = 'sealed')")
        db.commit()
    wrecks.zeros(site.data / PLANT_DB, page_of(site.data / PLANT_DB, 13, "body"), Random(1))
    Store(site.data).close()
    all_of(site)
    assert Reader(site.data).gaps() != []
    all_of(site, kept)
    assert set(wrecks.readings(site.data)) == true
    assert Reader(site.data).gaps() == []


def test_what_came_back_before_its_damaged_block_is_merged_is_no_loss(tmp_path: Path) -> None:
    site = plant(tmp_path / "site", BARE)
    site.data.mkdir()
    with Store(site.data) as store:
        for n in range(4):
            write(store, batch_of("m.p", *((START + n * DAY // 8 + i * 1000, float(i)) for i in range(100))))
            tidied(store, START + n * DAY // 8)
    kept = Path(copy(site.data / PLANT_DB, tmp_path / "kept.db"))
    spoil_a_body(site.data, "WHERE level = 3")
    all_of(site, kept)
    with Store(site.data) as store:
        write(store, batch_of("m.p", (START + 9 * DAY, 0.0)))
        tidied(store, START + 9 * DAY)
    assert len(wrecks.readings(site.data)) >= 401
    assert Reader(site.data).gaps() == []


def test_each_reading_that_came_back_counts_for_one_gap(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with store.transaction():
            for start, readings in ((0, 3), (5, 2)):
                store.gaps.add(Gap("damage", start, start + 4, ROWS, None, 1, readings, 9))
            store.gaps.heal([1, 2, 5, 6, 7, 7])
        assert [(gap.start, gap.readings) for gap in Reader(tmp_path).gaps()] == [(0, 1)]


def test_the_readings_of_a_damaged_commit_are_of_a_time_that_nobody_knows(site: Site, run: Run) -> None:
    (site.data / PLANT_DB).unlink()
    with Store(site.data) as store:
        for n in range(3):
            write(store, batch_of("m.e", (START + n, float(n))))
    with closing(sqlite3.connect(site.data / PLANT_DB)) as db:
        db.execute("UPDATE hot SET body = CAST(zeroblob(256) AS BLOB) WHERE id = 2")
        db.commit()
    with Store(site.data) as store:
        write(store, batch_of("m.e", (START + 9 * DAY, 9.0)))
        tidied(store, START + 9 * DAY)
    (gap,) = Reader(site.data).gaps(START - 30 * DAY, START - 29 * DAY)
    assert (gap.why, gap.start, gap.readings) == (UNDATED, EVER, 1)
    assert "时间不详" in run("status")[1]


def test_of_a_destroyed_archive_a_gap_stays_and_salvage_does_not_call_it_done(site: Site, run: Run) -> None:
    (site.data / PLANT_DB).write_text("hello\n")
    (site.data / RECORDS_DB).write_text("hello\n")
    with Store(site.data) as store:
        mend(site.data, store, wall_clock)
    code, said = run("salvage")
    assert code == Exit.UNHEALTHY
    assert "证据记录已丢失" in said
    (gap,) = Reader(site.data).gaps()
    assert (gap.why, gap.start, gap.readings) == (DESTROYED, EVER, None)
    assert "数量不详" in run("status")[1]


def test_a_file_without_anything_of_ours_is_refused(run: Run, tmp_path: Path) -> None:
    noise = tmp_path / "noise.csv"
    noise.write_bytes(Random(1).randbytes(5000))
    assert run("salvage", str(noise))[0] == Exit.USAGE
