"""The simulated power cut itself: it takes what was not synced, and only that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from tests.store.disk import Disk, Step
from tests.store.powercut import Journal, recorded_python

CUTS = 100
ROWS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/x.db", isolation_level=None)
db.execute("PRAGMA journal_mode = " + sys.argv[2])
db.execute("PRAGMA synchronous = " + sys.argv[3])
db.execute("PRAGMA wal_autocheckpoint = 20")
db.execute("CREATE TABLE row (n INTEGER PRIMARY KEY, text TEXT)")
for n in range(150):
    db.execute("INSERT INTO row VALUES (?, ?)", (n, str(n) * 200))
    print(n, flush=True)
"""
FILES = """
import os, shutil, sys
def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
os.chdir(sys.argv[1])
with open("new", "w") as file:
    file.write("new")
    file.flush()
    os.fsync(file.fileno())
print("written", flush=True)
os.replace("new", "site")
print("renamed", flush=True)
sync(".")
print("safe", flush=True)
os.mkdir("deep")
shutil.copyfile("site", "deep/copy")
sync("deep/copy")
sync("deep")
print("deep", flush=True)
sync(".")
os.remove("old")
print("removed", flush=True)
"""


def lost(journal: Journal, place: Path) -> tuple[int, int]:
    """Over 100 cuts: acknowledged rows that are gone, and databases that are damaged."""
    rows, damaged = 0, 0
    for seed, at in enumerate(sorted(Random(1).choices(range(len(journal) + 1), k=CUTS))):
        folder = place / str(seed)
        folder.mkdir()
        journal.after_cut(at, seed, folder)
        found, whole = rows_of(folder / "x.db")
        rows += len(set(journal.acknowledged(at)) - found)
        damaged += not whole
    return rows, damaged


def rows_of(path: Path) -> tuple[set[str], bool]:
    """The rows that are there as they were written, and whether the file is sound."""
    with closing(sqlite3.connect(path)) as db:
        try:
            sound = db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return {str(n) for n, text in db.execute("SELECT n, text FROM row") if text == str(n) * 200}, sound
        except sqlite3.OperationalError:
            return set(), True  # the table is not there yet
        except sqlite3.DatabaseError:
            return set(), False


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize(("mode", "synchronous"), [("WAL", "FULL"), ("DELETE", "EXTRA")])
def test_with_full_synchronisation_nothing_acknowledged_is_lost_in_100_cuts(
    run: Path, tmp_path: Path, mode: str, synchronous: str
) -> None:
    journal = recorded_python(ROWS, run, mode, synchronous)
    assert len(journal.acknowledged(len(journal))) == 150
    assert lost(journal, tmp_path) == (0, 0)


@pytest.mark.parametrize(
    ("mode", "synchronous", "sound"),
    [
        ("WAL", "NORMAL", True),  # loses what came since the last checkpoint
        ("WAL", "OFF", False),  # tears the file
        ("DELETE", "FULL", True),  # the folder is not synced when the rollback journal is removed
    ],
)
def test_with_less_acknowledged_rows_are_lost(
    run: Path, tmp_path: Path, mode: str, synchronous: str, sound: bool
) -> None:
    rows, damaged = lost(recorded_python(ROWS, run, mode, synchronous), tmp_path)
    assert rows > 5
    assert (damaged == 0) is sound


def test_names_count_when_their_folder_was_synced(run: Path, tmp_path: Path) -> None:
    (run / "old").write_text("old")
    journal = recorded_python(FILES, run)
    written, renamed, safe, deep, removed = (
        cuts(journal, line) for line in ("written", "renamed", "safe", "deep", "removed")
    )
    assert files(journal, written, 0, tmp_path) == {"old": "old"}, "the folder was not synced"
    assert files(journal, written, 3, tmp_path) == {"old": "old", "new": "new"}
    assert files(journal, renamed, 3, tmp_path) == {"old": "old", "site": "new"}
    for seed in range(20):
        assert files(journal, renamed, seed, tmp_path) in (
            {"old": "old"} | d for d in ({}, {"new": "new"}, {"site": "new"})
        )
        assert files(journal, safe, seed, tmp_path) == {"old": "old", "site": "new"}
    assert files(journal, deep, 0, tmp_path) == {"old": "old", "site": "new"}, "its own folder was not synced"
    assert files(journal, removed, 0, tmp_path) == {"old": "old", "site": "new", "deep/copy": "new"}
    assert files(journal, removed, 3, tmp_path) == {"site": "new", "deep/copy": "new"}


def cuts(journal: Journal, line: str) -> int:
    """The cut just after a line was printed."""
    return next(at for at in range(len(journal) + 1) if line in journal.acknowledged(at))


def files(journal: Journal, at: int, seed: int, place: Path) -> dict[str, str]:
    with TemporaryDirectory(dir=place) as folder:
        journal.after_cut(at, seed, Path(folder))
        found = (path for path in Path(folder).rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_text() for path in found}


def test_unsynced_writes_are_torn_at_sectors_and_survive_in_any_order() -> None:
    disk = Disk("/d", {"/d/x": (7, b"")})
    for number, letter in enumerate(b"ab"):
        disk.play(Step("w", 7, number * 1024, bytes([letter]) * 1024, b""))
    contents = {disk.after_cut(seed)["/d/x"] for seed in range(400)}
    zero, a, b = bytes(512), b"a" * 512, b"b" * 512
    assert {b"", a, a + a, a + a + b + b} <= contents
    assert zero + a in contents, "the later sector of a write without the earlier one"
    assert zero + zero + b + b in contents, "the later write without the earlier one"
    assert {content[n : n + 512] for content in contents if content for n in range(0, 2048, 512)} <= {zero, a, b, b""}


def test_what_was_synced_stays_and_a_cut_forgets_nothing_older() -> None:
    disk = Disk("/d", {"/d/x": (7, b"old")})
    disk.play(Step("w", 7, 0, b"new", b""))
    disk.play(Step("f", 7, 0, b"", b""))
    disk.play(Step("t", 7, 0, b"", b""))
    assert {disk.after_cut(seed)["/d/x"] for seed in range(100)} == {b"new", b""}


def test_the_cuts_of_one_phase_lie_between_its_two_lines(run: Path) -> None:
    journal = recorded_python(ROWS, run, "WAL", "FULL")
    phase = journal.during("10", "12")
    assert {len(journal.acknowledged(at)) for at in phase} == {11, 12}


def test_a_program_that_writes_past_the_journal_is_found_out(run: Path) -> None:
    mapped = """
import mmap, sys
with open(sys.argv[1] + "/x", "w+b") as file:
    file.write(bytes(4096))
    file.flush()
    with mmap.mmap(file.fileno(), 4096) as memory:
        memory[0] = 1
"""
    with pytest.raises(AssertionError, match="past the journal"):
        recorded_python(mapped, run)
