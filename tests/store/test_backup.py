"""A backup is one state of the site, taken while the agent goes on; restored it gives the same answers."""

from __future__ import annotations

import logging
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from unittest.mock import patch

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit, Stop
from edge_agent.rescue.restore import restore
from edge_agent.rescue.salvage import salvage, sources
from edge_agent.site import PLANT_FILE, Site, open_site
from edge_agent.store.documents.documents import documents
from edge_agent.store.rescue import backup as backup_module
from edge_agent.store.rescue.backup import NoRoomError, back_up, noted, read_manifest
from edge_agent.store.rescue.check import DamagedError
from edge_agent.store.rescue.quarantine import quarantined
from edge_agent.store.store import PLANT_DB, Store
from tests.store import wrecks
from tests.store.plain import stored
from tests.store.test_sealing import START, batch_of, write


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def site(site: Site) -> Site:
    """With a document, a profile of its own and a secret too."""
    with documents(site.data / "records.db") as db:
        db.collection("evidence").insert({"key": "E1"})
    for name in ("devices/own.txt", "secrets/press.txt"):
        (site.folder / name).parent.mkdir()
        (site.folder / name).write_text(name)
    return site


def taken(site: Site, target: Path, with_secrets: bool = False) -> backup_module.Backup:
    return back_up(site.folder, site.data, target, "bare", 7, with_secrets)


def test_a_backup_restored_in_a_new_folder_gives_the_same_answers(site: Site, tmp_path: Path) -> None:
    made = taken(site, tmp_path / "b.tar")
    assert set(made.files) == {"data/plant.db", "data/records.db", PLANT_FILE, "devices/own.txt"}
    restore(tmp_path / "new", tmp_path / "b.tar", force=False)
    assert stored(tmp_path / "new" / "data") == stored(site.data)
    assert open_site(tmp_path / "new").text == site.text
    with documents(tmp_path / "new" / "data" / "records.db") as db:
        assert [dict(d) for d in db.collection("evidence").all()] == [{"key": "E1"}]
    with Store(tmp_path / "new" / "data") as store:
        write(store, batch_of("m.e", (START * 2, 1.0)))


def test_secrets_go_along_only_when_asked_for(site: Site, tmp_path: Path) -> None:
    assert "secrets/press.txt" not in taken(site, tmp_path / "a.tar").files
    assert "secrets/press.txt" in taken(site, tmp_path / "b.tar", with_secrets=True).files


def test_a_backup_under_load_is_one_state_and_holds_all_that_was_committed_before(site: Site, tmp_path: Path) -> None:
    done, committed = Event(), [0]

    def agent() -> None:
        with Store(site.data) as store:
            while not done.is_set():
                number = committed[0]
                write(store, batch_of("a", (START * 2 + number, 1.0)))
                write(store, batch_of("b", (START * 2 + number, 1.0)))
                committed[0] = number + 1
                store.tidy()

    thread = Thread(target=agent)
    thread.start()
    try:
        for n in range(5):
            before = committed[0]
            taken(site, tmp_path / f"{n}.tar")
            restore(tmp_path / str(n), tmp_path / f"{n}.tar", force=False)
            rows = stored(tmp_path / str(n) / "data")
            a, b = (sum(tag == name for tag, _ in rows) for name in "ab")
            assert a - b in (0, 1), "one state: a is written before b"
            assert b >= before
    finally:
        done.set()
        thread.join()
    assert committed[0] > 5, "the writer went on"


def test_restoring_over_an_archive_is_refused_and_by_force_loses_nothing(site: Site, tmp_path: Path) -> None:
    taken(site, tmp_path / "b.tar")
    with Store(site.data) as store:
        write(store, batch_of("m.e", (START * 2, 5.0)))
    with pytest.raises(Stop) as refused:
        restore(site.folder, tmp_path / "b.tar", force=False)
    assert refused.value.key == "restore.there"
    done = restore(site.folder, tmp_path / "b.tar", force=True)
    assert set(done.put_away) == {"plant.db", "records.db"}
    assert ("m.e", START * 2) not in stored(site.data)
    for source in sources(site, None):
        salvage(site, source, wrecks.BY)
    assert [row.value for row in stored(site.data)["m.e", START * 2]] == [5.0]


def test_salvaging_a_backup_merges_it_into_an_archive_that_went_on(site: Site, tmp_path: Path) -> None:
    taken(site, tmp_path / "b.tar")
    shutil.rmtree(site.data)
    with _fresh(site) as store:
        write(store, batch_of("m.e", (START * 2, 5.0)))
    for _ in range(2):
        for source in sources(site, tmp_path / "b.tar"):
            salvage(site, source, wrecks.BY)
        rows = wrecks.readings(site.data)
        assert len(rows) == len(set(rows)) == len(wrecks.TRUE) + 1


def _fresh(site: Site) -> Store:
    site.data.mkdir()
    return Store(site.data)


def test_a_byte_that_changed_since_is_found_before_anything_moves(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "b.tar"
    taken(site, target)
    with tarfile.open(target) as tar:
        place = tar.getmember("data/plant.db").offset_data + 5000
    wrecks.spoil(target, place, bytes([target.read_bytes()[place] ^ 1]))
    before = stored(site.data)
    with pytest.raises(Stop) as refused:
        restore(site.folder, target, force=True)
    assert refused.value.exit_code == Exit.UNHEALTHY
    assert stored(site.data) == before
    assert quarantined(site.data) == []


def test_a_file_of_the_same_name_elsewhere_in_the_site_is_not_taken_for_the_database(
    site: Site, tmp_path: Path
) -> None:
    (site.folder / "old").mkdir()
    shutil.copy(site.data / PLANT_DB, site.folder / "old" / PLANT_DB)
    with Store(site.data) as store:
        write(store, batch_of("m.e", (START * 2, 5.0)))
    taken(site, tmp_path / "b.tar")
    restore(tmp_path / "new", tmp_path / "b.tar", force=False)
    assert stored(tmp_path / "new" / "data") == stored(site.data)
    copy = (tmp_path / "new" / "old" / PLANT_DB).read_bytes()
    assert copy == (site.folder / "old" / PLANT_DB).read_bytes()


@pytest.mark.parametrize("name", ["../beside.txt", "/beside.txt", "devices/../../beside.txt", "missing.txt"])
def test_a_backup_with_a_name_outside_the_site_or_of_nothing_moves_nothing(
    site: Site, tmp_path: Path, name: str
) -> None:
    made = taken(site, tmp_path / "b.tar")
    with tarfile.open(made.path) as tar:
        tar.extractall(tmp_path / "of", filter="data")
    found = [(file, tmp_path / "of" / file) for file in made.files]
    if name != "missing.txt":
        found.append((name, tmp_path / "of" / PLANT_FILE))
    told = replace(made, files={**made.files, name: made.files[PLANT_FILE]})
    backup_module._write(tmp_path / "c.tar", told, found)
    before = {path: path.read_bytes() for path in sorted(site.data.rglob("*.db"))}
    with pytest.raises(Stop) as refused:
        restore(site.folder, tmp_path / "c.tar", force=True)
    assert refused.value.exit_code == Exit.UNHEALTHY
    assert {path: path.read_bytes() for path in sorted(site.data.rglob("*.db"))} == before
    assert quarantined(site.data) == []
    assert not list(site.data.glob(".restored*"))


def test_a_damaged_archive_makes_no_backup_and_leaves_no_file(site: Site, tmp_path: Path) -> None:
    place = tmp_path / "card"
    place.mkdir()
    wrecks.spoil(site.data / PLANT_DB, 40 * wrecks.PAGE, bytes(wrecks.PAGE))
    with pytest.raises(DamagedError):
        taken(site, place / "b.tar")
    assert list(place.iterdir()) == []


def test_no_room_is_one_clear_line_and_no_file(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "card"
    place.mkdir()
    with patch.object(backup_module, "MARGIN_BYTES", 1 << 60):
        with pytest.raises(NoRoomError):
            taken(site, place / "b.tar")
        assert main(["-C", str(site.folder), "--lang", "en", "backup", str(place)]) == Exit.SITE
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(place.iterdir()) == []


def test_the_command_names_the_file_itself_in_a_folder_and_remembers_it(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card").mkdir()
    assert main(["-C", str(site.folder), "backup", "--json", str(tmp_path / "card")]) == Exit.DONE
    assert '"schema": "leafgate.backup/1"' in capsys.readouterr().out
    (file,) = (tmp_path / "card").iterdir()
    assert read_manifest(file).site == "bare"
    known = noted(site.data)
    assert known is not None
    assert known[1] == str(file)
    assert main(["-C", str(site.folder), "backup", str(file)]) == Exit.USAGE
