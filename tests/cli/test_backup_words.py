"""backup and restore as a person at a terminal meets them: one clear line, no half file, no log lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.store.store import Store
from tests.conftest import ROOT
from tests.plants import BARE, plant


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site with a database, below tmp_path."""
    site = plant(tmp_path / "site", BARE)
    site.data.mkdir()
    Store(site.data, 0).close()
    return site.folder


def test_a_site_without_data_is_not_saved_and_leaves_no_half_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path / "site", BARE)
    assert main(["-C", str(tmp_path / "site"), "backup", str(tmp_path / "b.tar")]) == Exit.SITE
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_backup_that_fails_on_its_way_leaves_nothing_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_agent.store.rescue.backup._sum", full)
    assert main(["-C", str(folder), "backup", str(tmp_path / "b.tar")]) == Exit.SITE
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_backup_that_cannot_be_noted_is_made_and_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(data: Path, _: object) -> None:
        (data / "last-backup.json.part").touch()
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("edge_agent.store.rescue.backup.note", refused)
    assert main(["-C", str(folder), "--lang", "en", "backup", str(tmp_path / "b.tar")]) == Exit.DONE
    assert "could not be noted" in capsys.readouterr().err
    assert (tmp_path / "b.tar").exists()
    assert not list((folder / "data").glob("*.part"))


def test_a_restore_tells_the_time_of_the_site_and_prints_no_log_line(folder: Path, tmp_path: Path) -> None:
    assert main(["-C", str(folder), "backup", str(tmp_path / "b.tar")]) == Exit.DONE
    line = [sys.executable, "-m", "edge_agent.cli", "-C", str(folder), "restore", "--force", str(tmp_path / "b.tar")]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "UTC" not in done.stdout
    assert "put away" not in done.stderr
    assert "quarantine" in done.stderr
