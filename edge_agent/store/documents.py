"""TinyDB over sqlite3 through TinyDB's own extension points: one row a document, as JSON1.

Several processes may write: every change is one transaction that takes its turn, and is on the disk
when it returns. Nothing is cached between two questions, for another process may have answered.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from edge_agent.exit import Exit, Stop
from edge_agent.store.database import BUSY_MS, reading, write_ahead
from edge_agent.store.lock import FILE_MODE, make_data_folder

Body = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
  collection TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (collection, id)) WITHOUT ROWID"""
_ALL = "SELECT id, body FROM document WHERE collection = ? ORDER BY id"
_ONE = "SELECT body FROM document WHERE collection = ? AND id = ?"
_PUT = "INSERT OR REPLACE INTO document VALUES (?, ?, ?)"
_DROP = "DELETE FROM document WHERE collection = ? AND id = ?"
_LAST = "SELECT COALESCE(MAX(id), 0) FROM document WHERE collection = ?"


class SqliteStorage(Storage):
    """Holds the connection; whole-database reads and writes serve TinyDB's rarer calls."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def read(self) -> dict[str, dict[str, Any]] | None:
        found: dict[str, dict[str, Any]] = {}
        for name, number, body in self.connection.execute("SELECT collection, id, body FROM document ORDER BY id"):
            found.setdefault(name, {})[str(number)] = json.loads(body)
        return found or None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        rows = [(name, int(n), _text(body)) for name, table in data.items() for n, body in table.items()]
        with transaction(self.connection):
            self.connection.execute("DELETE FROM document")
            self.connection.executemany(_PUT, rows)


class _Changes(MutableMapping[int, Body]):
    """The rows of one collection inside a transaction, fetched when asked for, written at the end."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._db, self._name = connection, name
        self._touched: dict[int, Body | None] = {}

    def __getitem__(self, number: int) -> Body:
        if number not in self._touched:
            row = self._db.execute(_ONE, (self._name, number)).fetchone()
            if row is None:
                raise KeyError(number)
            self._touched[number] = json.loads(row[0])
        body = self._touched[number]
        if body is None:
            raise KeyError(number)
        return body

    def __setitem__(self, number: int, body: Body) -> None:
        self._touched[number] = body

    def __delitem__(self, number: int) -> None:
        if number not in self:
            raise KeyError(number)
        self._touched[number] = None

    def __iter__(self) -> Iterator[int]:
        stored = [n for n, _ in self._db.execute(_ALL, (self._name,))]
        kept = [n for n in stored if self._touched.get(n, {}) is not None]
        return iter(kept + [n for n, b in self._touched.items() if b is not None and n not in stored])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def write(self) -> None:
        """Put every touched row back."""
        for number, body in self._touched.items():
            if body is None:
                self._db.execute(_DROP, (self._name, number))
            else:
                self._db.execute(_PUT, (self._name, number, _text(body)))


class _Rows(Mapping[str, Body]):
    """The rows of one collection for reading; a single one by its id costs a single row."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._db, self._name = connection, name

    def __getitem__(self, number: str) -> Body:
        row = self._db.execute(_ONE, (self._name, int(number))).fetchone()
        if row is None:
            raise KeyError(number)
        body: Body = json.loads(row[0])
        return body

    def __iter__(self) -> Iterator[str]:
        return iter([str(n) for n, _ in self._db.execute(_ALL, (self._name,))])

    def __len__(self) -> int:
        return len(self._db.execute(_ALL, (self._name,)).fetchall())

    def items(self) -> Any:
        """All rows by one statement; TinyDB only iterates over them."""
        return [(str(n), json.loads(body)) for n, body in self._db.execute(_ALL, (self._name,)).fetchall()]


class DocumentTable(Table):
    """A collection; ids grow and are given out inside the transaction that uses them."""

    default_query_cache_capacity = 0
    _storage: SqliteStorage
    _next_id: Any  # TinyDB declares None and keeps numbers in it

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction around several calls: what was read in it is still true when it writes."""
        with transaction(self._storage.connection):
            self._next_id = None  # another process may have inserted since
            yield

    def insert(self, document: Mapping[str, Any]) -> int:
        """Durable when it returns."""
        with self.turn():
            return super().insert(document)

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        """All of them or none; durable when it returns."""
        with self.turn():
            return super().insert_multiple(documents)

    def _get_next_id(self) -> int:
        if self._next_id is None:
            self._next_id = self._storage.connection.execute(_LAST, (self.name,)).fetchone()[0] + 1
        number: int = self._next_id
        self._next_id = number + 1
        return number

    def _read_table(self) -> Any:
        return _Rows(self._storage.connection, self.name)

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        with transaction(self._storage.connection):
            rows = _Changes(self._storage.connection, self.name)
            updater(rows)
            rows.write()


class Documents(TinyDB):
    """A TinyDB whose tables are collections of one SQLite file."""

    table_class = DocumentTable

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, storage=SqliteStorage)

    def collection(self, name: str) -> DocumentTable:
        """The collection of that name, empty until something is inserted."""
        found = self.table(name)
        assert isinstance(found, DocumentTable)
        return found


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; inside another transaction it is part of that one."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@contextmanager
def documents(path: Path) -> Iterator[Documents]:
    """The file for reading and writing, made when missing; raises Stop when it cannot be used."""
    try:
        make_data_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))
    except OSError as error:
        raise Stop(Exit.SITE, "error.unreadable_database", file=path, why=error.strerror) from error
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_SCHEMA)
        yield Documents(connection)
    except sqlite3.OperationalError as error:
        raise Stop(Exit.BUSY, "error.unreadable_database", file=path, why=error) from error
    except sqlite3.DatabaseError as error:
        raise Stop(Exit.SITE, "error.damaged_database", file=path, why=error) from error
    finally:
        connection.close()


@contextmanager
def documents_read_only(path: Path) -> Iterator[Documents]:
    """The file for questions only; raises FileNotFoundError when there is none yet."""
    if not path.exists():
        raise FileNotFoundError(path)
    with reading(path) as connection:
        yield Documents(connection)


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, allow_nan=False)
