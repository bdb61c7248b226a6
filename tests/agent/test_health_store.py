"""What doctor says of the data folder: damage, permission and disk apart, each with its own repair."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from edge_agent import health_store
from edge_agent.cli import main
from edge_agent.exit import Exit, Stop
from edge_agent.finding import Check
from edge_agent.health_store import stored
from edge_agent.inbox import INBOX_DB
from edge_agent.kept import kept
from edge_agent.site import Site
from edge_agent.store.rescue.document_merge import RECORDS_DB
from edge_agent.store.store import PLANT_DB, Store
from edge_agent.texts import LANGUAGES, Texts
from tests.plants import BARE, plant

DATABASES = (PLANT_DB, RECORDS_DB, INBOX_DB)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = plant(tmp_path, BARE)
    found.data.mkdir()
    Store(found.data, 0).close()
    for name in (RECORDS_DB, INBOX_DB):
        db = sqlite3.connect(found.data / name)
        db.execute("CREATE TABLE request (id)")
        db.close()
    return found


def faults(site: Site) -> list[Check]:
    return [check for check in stored(site) if not check.ok]


def failing(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Every look at a database ends with this code of SQLite."""
    error = sqlite3.OperationalError("told")
    vars(error)["sqlite_errorcode"] = code

    def refuses(path: Path) -> None:
        raise Stop(Exit.SITE, "error.unreadable_database", file=path, why=error) from error

    monkeypatch.setattr(health_store, "reading", refuses)


def test_every_sound_database_is_named(site: Site) -> None:
    checks = [check for check in stored(site) if check.check == "database"]
    assert [(check.ok, check.fields["file"].name) for check in checks] == [(True, name) for name in DATABASES]


@pytest.mark.parametrize("name", DATABASES)
def test_a_damaged_database_is_named_with_salvage_and_no_other_is(name: str, site: Site) -> None:
    (site.data / name).write_bytes(b"x" * 8192)
    (check,) = faults(site)
    assert (check.key, check.fields["file"]) == ("doctor.database.damaged", site.data / name)
    assert check.repair.endswith(" salvage")


@pytest.mark.parametrize(
    ("code", "word", "repair"),
    [
        (sqlite3.SQLITE_FULL, "full", "df -h"),
        (sqlite3.SQLITE_IOERR_READ, "failing", "sudo dmesg"),
        (sqlite3.SQLITE_BUSY, "locked", "fuser"),
        (sqlite3.SQLITE_READONLY, "read_only", "findmnt"),
    ],
)
def test_a_disk_in_the_way_is_no_damage_and_has_its_own_repair(
    code: int, word: str, repair: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, code)
    check = faults(site)[0]
    assert (check.key, check.repair.startswith(repair)) == (f"doctor.database.{word}", True)
    for language in LANGUAGES:
        assert "error." not in Texts(language)(check.key, **check.fields)


@pytest.mark.parametrize(("mode", "repair"), [(0o600, "sudo chgrp "), (0o660, "sudo usermod -aG ")])
def test_a_database_closed_to_us_is_opened_by_its_group(
    mode: int, repair: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.data / PLANT_DB).chmod(mode)
    failing(monkeypatch, sqlite3.SQLITE_CANTOPEN)
    monkeypatch.setattr("os.access", lambda path, _: path.name != PLANT_DB)
    check = faults(site)[0]
    assert check.repair.startswith(repair)
    assert "salvage" not in check.repair


def test_a_closed_data_folder_is_the_one_thing_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.data.chmod(0o700)
    monkeypatch.setattr("os.access", lambda path, mode: path != site.data or mode == os.F_OK)
    (check,) = stored(site)
    assert check.key == "doctor.database.denied"


def test_a_database_of_a_newer_leafgate_is_said_in_its_own_sentence(site: Site) -> None:
    db = sqlite3.connect(site.data / PLANT_DB)
    db.execute("PRAGMA user_version = 999")
    db.close()
    assert [(check.key, check.repair) for check in faults(site)] == [("error.newer_database", "")]


def test_no_backup_is_a_hint_and_no_fault(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-C", str(site.folder), "--lang", "en", "doctor"])
    said = capsys.readouterr().out.splitlines()
    at = said.index("[i]  No backup was ever made.")
    assert said[at + 1].endswith(" backup DIR")


def test_a_reserve_that_is_reached_names_both_values(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = kept(site)
    assert found is not None
    full = {**found, "reached": "reserve", "free": 70_000_000, "reserve": 90_000_000}
    monkeypatch.setattr("edge_agent.kept.kept", lambda _: full)
    (check,) = faults(site)
    for language in LANGUAGES:
        said = Texts(language)(check.key, **check.fields)
        assert all(word in said for word in ("70 MB", "90 MB", "store.reserve"))


def test_a_reserve_beyond_the_disk_is_a_warning_of_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, BARE + "store: {reserve: 900000GB}\n")
    assert main(["-C", str(tmp_path), "check", "--json"]) == Exit.DONE
    assert [note["code"] for note in json.loads(capsys.readouterr().out)["warnings"]] == ["reserve_beyond_disk"]


def test_a_destroyed_inbox_is_said_to_be_damaged(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.data / INBOX_DB).write_bytes(b"x" * 8192)
    text = site.folder / "plant.yaml"
    text.write_text(text.read_text() + "manual: {gas: {quantity: gas_volume, kind: counter}}\n")
    (site.folder / "rows.csv").write_text("tag,from,to,value,unit,note\nmanual.gas,,2026-01-01,1,,\n")
    assert main(["-C", str(site.folder), "import", str(site.folder / "rows.csv")]) == Exit.SITE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "损坏" in said
    assert "leafgate run" in said
