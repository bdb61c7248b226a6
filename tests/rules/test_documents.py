"""Documents: TinyDB's words over SQLite rows, several processes, nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tinydb import where

from edge_agent.store.documents.documents import documents, documents_read_only
from tests.conftest import ROOT

WRITER = """
import sys
from pathlib import Path
from edge_agent.store.documents.documents import documents
with documents(Path(sys.argv[1])) as db:
    for number in range(int(sys.argv[3])):
        print(db.collection("c").insert({"by": sys.argv[2], "number": number}), flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_tinydb_reads_back_what_it_wrote(tmp_path: Path) -> None:
    with documents(tmp_path / "records.db") as db:
        table = db.collection("evidence")
        assert table.insert_multiple([{"kind": "计划", "n": 1}, {"kind": "plan", "n": 2}]) == [1, 2]
        assert table.insert({"kind": "plan", "n": 3}) == 3
        assert [d["n"] for d in table.search(where("kind") == "plan")] == [2, 3]
        assert table.get(doc_id=1) == {"kind": "计划", "n": 1}
        assert table.get(doc_id=9) is None
        assert table.get(where("n") == 3) is not None
        assert [d.doc_id for d in table.all()] == [1, 2, 3]
        assert (len(table), len(db.collection("owners"))) == (3, 0)
        table.update({"n": 5}, where("n") == 3)
        table.remove(doc_ids=[1])
        assert [(d.doc_id, d["n"]) for d in table] == [(2, 2), (3, 5)]
        assert db.tables() == {"evidence"}


def test_a_failed_insert_of_several_leaves_none(tmp_path: Path) -> None:
    with documents(tmp_path / "records.db") as db:
        with pytest.raises(ValueError, match="Mapping"):
            db.collection("c").insert_multiple([{"a": 1}, "no document"])  # type: ignore[list-item]
        assert len(db.collection("c")) == 0
        with pytest.raises(ValueError, match="JSON"):
            db.collection("c").insert({"a": float("nan")})
        assert db.collection("c").insert({"a": 1}) == 1


def test_the_file_may_be_shared_by_the_group_and_read_without_writing(tmp_path: Path) -> None:
    path = tmp_path / "data" / "records.db"
    with documents(path) as db:
        db.collection("c").insert({"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with documents_read_only(path) as db:
        assert len(db.collection("c")) == 1
    with pytest.raises(FileNotFoundError), documents_read_only(tmp_path / "none.db"):
        pass


def test_two_processes_write_at_once_and_every_document_has_its_own_id(tmp_path: Path) -> None:
    path, count = tmp_path / "records.db", 60
    both = [writer(path, name, count) for name in ("a", "b")]
    ids = [int(line) for process in both for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(ids) == list(range(1, 2 * count + 1))
    with documents_read_only(path) as db:
        for name in ("a", "b"):
            assert [d["number"] for d in db.collection("c").search(where("by") == name)] == list(range(count))


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    process = writer(path, "a", 100_000)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(25)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.communicate()[0].splitlines() if line]
    with documents_read_only(path) as db:
        stored = {d.doc_id for d in db.collection("c").all()}
    assert set(acknowledged) <= stored
    with documents(path) as db:
        assert db.collection("c").insert({"after": True}) == max(stored) + 1
