"""The file below the documents: an older one, one that is not ready, and what a wrong call leaves of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tinydb import where
from tinydb.table import Document

from edge_agent.exit import Stop
from edge_agent.store.documents.documents import documents, documents_read_only

# As records.db began, before collections had names of their own and fields had indexes.
FIRST = """
CREATE TABLE document (
  collection TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (collection, id)) WITHOUT ROWID;
INSERT INTO document VALUES ('c', 1, '{"key": "a"}'), ('c', 2, '{"key": "b"}');
"""


def test_a_file_of_the_first_kind_is_read_and_then_written(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST)
    with documents_read_only(path) as db:
        assert [d.doc_id for d in db.collection("c").search(where("key") == "b")] == [2]
    with documents(path, ["key"]) as db:
        assert [d.doc_id for d in db.collection("c").search(where("key") == "b")] == [2]
        assert db.collection("c").insert({"key": "b"}) == 3
        assert db.tables() == {"c"}


def test_a_file_without_its_tables_is_as_if_there_were_none(tmp_path: Path) -> None:
    (tmp_path / "records.db").touch()
    with pytest.raises(FileNotFoundError), documents_read_only(tmp_path / "records.db"):
        pass
    with documents(tmp_path / "records.db") as db:
        assert db.collection("c").insert({}) == 1


def test_a_damaged_file_is_told_from_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_bytes(b"no database" * 100)
    with pytest.raises(Stop, match="damaged"), documents(tmp_path / "damaged.db"):
        pass
    with pytest.raises(sqlite3.ProgrammingError), documents(tmp_path / "records.db") as db:
        db.connection.execute("SELECT ?", ())


def test_what_fails_inside_a_turn_takes_only_itself_back(tmp_path: Path) -> None:
    with documents(tmp_path / "records.db") as db:
        table = db.collection("c")
        with table.turn():
            table.insert({"n": 1})
            with pytest.raises(ValueError, match="Mapping"):
                table.insert_multiple([{"n": 2}, "no document"])  # type: ignore[list-item]
            with pytest.raises(ValueError, match="JSON"):
                table.update({"n": float("nan")})
            table.insert({"n": 3})
        assert [d["n"] for d in table] == [1, 3]
        with pytest.raises(ValueError, match="exists"), table.turn():
            table.insert(Document({"n": 4}, table.insert({"n": 4})))
        assert [d["n"] for d in table] == [1, 3]


def test_only_documents_that_differ_are_written_again(tmp_path: Path) -> None:
    with documents(tmp_path / "records.db") as db:
        table = db.collection("c")
        table.insert_multiple({"n": n % 2} for n in range(6))
        before = db.connection.total_changes
        assert table.update({"n": 1}) == [1, 2, 3, 4, 5, 6]
        assert table.update_multiple([({"n": 1}, where("n") == 1)]) == [1, 2, 3, 4, 5, 6]
        assert db.connection.total_changes - before == 3


def test_nothing_is_remembered_between_two_connections(tmp_path: Path) -> None:
    with documents(tmp_path / "records.db") as first, documents(tmp_path / "records.db") as second:
        query = where("n") == 1
        assert first.collection("c").search(query) == []
        second.collection("c").insert({"n": 1})
        assert first.collection("c").search(query) == [{"n": 1}]
        assert (first.collection("c").insert({}), second.collection("c").insert({})) == (2, 3)
