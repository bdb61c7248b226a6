"""A plant.db that an earlier version wrote and was killed over says the same before and after the upgrade."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drivers.reading import Quality
from edge_agent.store.database import NEWEST, version
from edge_agent.store.reader import Reader
from edge_agent.store.store import Store
from edge_agent.when import moment

ZONE = ZoneInfo("Asia/Shanghai")
OLD = sorted((Path(__file__).parent / "old").glob("*.tar.xz"))
Said = tuple[str, int, float | None, Quality, int]  # tag, at, value, quality, seen


@pytest.fixture(params=OLD, ids=[path.name.partition(".")[0] for path in OLD])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def exported(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "exported.jsonl").read_text(encoding="utf-8").splitlines()]


def readings(data: Path) -> set[Said]:
    rows = [row for row in exported(data) if not row["from"]]
    return {(r["tag"], moment(r["to"], ZONE), r["value"], quality(r["note"]), moment(r["seen"], ZONE)) for r in rows}


def quality(note: str) -> Quality:
    return Quality[note.partition(":")[0].upper()] if note else Quality.GOOD


def told(data: Path) -> set[Said]:
    reader = Reader(data)
    return {
        (name, s.at, s.value, s.quality, s.seen)
        for name, tag in reader.ids().items()
        for s in reader.samples(tag, 0, 2**60)
        if not name.startswith("agent.")
    }


def amounts(data: Path) -> list[tuple[int, int, float | None, str]]:
    return [(a.start, a.end, a.value, a.note) for a in Reader(data).amounts("manual.pieces")]


def plain(data: Path, table: str) -> list[Any]:
    with closing(sqlite3.connect(data / "plant.db")) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def test_it_is_read_before_anybody_upgrades_it(data: Path) -> None:
    assert readings(data)
    assert told(data) >= readings(data)


def test_every_reading_outlives_the_upgrade(data: Path) -> None:
    before = told(data)
    with Store(data):
        pass
    assert told(data) == before >= readings(data)


def test_amounts_ledger_and_site_files_outlive_the_upgrade(data: Path) -> None:
    tables = ("amount", "ledger", "site_file", "applied")
    before, filed = {table: plain(data, table) for table in tables}, amounts(data)
    with Store(data):
        pass
    assert {table: plain(data, table) for table in tables} == before
    assert amounts(data) == filed != []
    assert any(event.kind == "ratio" for event in Reader(data).ledger())


def test_it_is_of_the_newest_version_then(data: Path) -> None:
    with Store(data):
        pass
    with closing(sqlite3.connect(data / "plant.db")) as db:
        assert version(db) == NEWEST
