"""The rows that documents are kept in, one a document, and the transaction that a change is made in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tinydb.storages import Storage

from edge_agent.store.documents.query import field

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS document (
  collection TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (collection, id)) WITHOUT ROWID""",
    # Collections that exist without a document.
    "CREATE TABLE IF NOT EXISTS collection (name TEXT PRIMARY KEY) WITHOUT ROWID",
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_TEXTS = {str}
ONE = "SELECT body FROM document WHERE collection = ? AND id = ?"
PUT = "INSERT OR REPLACE INTO document VALUES (?, ?, ?)"


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; inside another transaction it is a part of that one that fails alone."""
    begin, end, undo = "BEGIN IMMEDIATE", "COMMIT", ["ROLLBACK"]
    if connection.in_transaction:
        begin, end, undo = "SAVEPOINT part", "RELEASE part", ["ROLLBACK TO part", "RELEASE part"]
    connection.execute(begin)
    try:
        yield
        connection.execute(end)
    except BaseException:
        if connection.in_transaction:  # a full disk makes SQLite take everything back by itself
            for statement in undo:
                connection.execute(statement)
        raise


class SqliteStorage(Storage):
    """Holds the connection; whole-database reads and writes serve TinyDB's rarer calls."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")
        self._indexes = {name for (name,) in names}

    def having(self, collection: str, path: Sequence[str], value: str | int) -> sqlite3.Cursor:
        """Ids and bodies, by id, of the documents that have this value in the field."""
        # Told to, for SQLite without statistics takes the primary key and reads the whole collection.
        by = f"INDEXED BY {_index_name(path[0])}" if _index_name(path[0]) in self._indexes and len(path) == 1 else ""
        statement = f"SELECT id, body FROM document {by} WHERE collection = ? AND {field(path)} = ? ORDER BY id"
        return self.connection.execute(statement, (collection, value))

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Every collection by its name, its documents by their ids as text; None when there is none."""
        found: dict[str, dict[str, Any]] = {
            name: {} for (name,) in self.connection.execute("SELECT name FROM collection")
        }
        for name, number, body in self.connection.execute("SELECT * FROM document ORDER BY collection, id"):
            found.setdefault(name, {})[str(number)] = json.loads(body)
        return found or None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Put these collections in the place of all that is there."""
        rows = [(name, int(n), as_json(body)) for name, table in data.items() for n, body in table.items()]
        with transaction(self.connection):
            self.connection.execute("DELETE FROM document")
            self.connection.execute("DELETE FROM collection")
            self.connection.executemany(PUT, rows)
            self.connection.executemany("INSERT INTO collection VALUES (?)", [(n,) for n, t in data.items() if not t])


def index(name: str) -> str:
    """The statement that makes an index of a field at the top of the documents."""
    return f"CREATE INDEX IF NOT EXISTS {_index_name(name)} ON document (collection, {field([name])})"


def as_json(body: Mapping[str, Any]) -> str:
    """What is stored; raises TypeError or ValueError for what JSON cannot say."""
    text = _ENCODER.encode(dict(body))
    # Of two keys with the same text, such as 1 and "1", JSON's readers keep the last and SQLite sees the first.
    return _ENCODER.encode(json.loads(text)) if _has_other_keys(body) else text


def _index_name(name: str) -> str:
    return f"document_by_{name}"


def _has_other_keys(body: Mapping[Any, Any]) -> bool:
    """Whether a key is no text, here or in a document within; queries do not look into lists."""
    if not _TEXTS.issuperset(map(type, body)):
        return True
    return any(_has_other_keys(value) for value in body.values() if type(value) is dict)
