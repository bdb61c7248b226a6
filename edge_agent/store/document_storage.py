"""The rows that documents are kept in, one a document, and the transaction that a change is made in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinydb.storages import Storage

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS document (
  collection TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (collection, id)) WITHOUT ROWID""",
    # Collections that exist without a document.
    "CREATE TABLE IF NOT EXISTS collection (name TEXT PRIMARY KEY) WITHOUT ROWID",
)


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


def as_json(body: Mapping[str, Any]) -> str:
    """What is stored; raises TypeError or ValueError for what JSON cannot say."""
    return json.dumps(dict(body), ensure_ascii=False, allow_nan=False)
