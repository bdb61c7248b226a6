"""records.db: TinyDB over sqlite3 through TinyDB's own extension points, for several processes at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tinydb import TinyDB

from edge_agent.exit import Exit, Stop
from edge_agent.store.database import BUSY_MS, reading, write_ahead
from edge_agent.store.documents.storage import SCHEMA, SqliteStorage, index, transaction
from edge_agent.store.documents.table import DocumentTable
from edge_agent.store.lock import FILE_MODE, make_data_folder


class Documents(TinyDB):
    """A TinyDB whose tables are collections of one SQLite file."""

    table_class = DocumentTable

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, storage=SqliteStorage)
        self.connection = connection

    def collection(self, name: str) -> DocumentTable:
        """The collection of that name, empty until something is inserted."""
        found = self.table(name)
        assert isinstance(found, DocumentTable)
        return found

    def tables(self) -> set[str]:
        """The names of all collections, without reading a document."""
        names = "SELECT name FROM collection UNION SELECT collection FROM document"
        return {name for (name,) in self.connection.execute(names)}

    def drop_table(self, name: str) -> None:
        """Remove a collection and its name, and nothing that others write meanwhile."""
        self._tables.pop(name, None)
        with transaction(self.connection):
            self.connection.execute("DELETE FROM document WHERE collection = ?", (name,))
            self.connection.execute("DELETE FROM collection WHERE name = ?", (name,))


@contextmanager
def documents(path: Path, indexed: Sequence[str] = ()) -> Iterator[Documents]:
    """The file for reading and writing, made when missing; raises Stop when it cannot be used.

    `indexed` are the fields that are often asked for by their value.
    """
    try:
        make_data_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))
    except OSError as error:
        raise Stop(Exit.SITE, "error.unreadable_database", file=path, why=error.strerror) from error
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA synchronous = FULL")
        write_ahead(connection)
        with transaction(connection):
            for statement in [*SCHEMA, *map(index, indexed)]:
                connection.execute(statement)
        yield Documents(connection)
    except sqlite3.OperationalError as error:
        raise Stop(Exit.BUSY, "error.unreadable_database", file=path, why=error) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # what was asked is wrong, not the file
        raise Stop(Exit.SITE, "error.damaged_database", file=path, why=error) from error
    finally:
        connection.close()


@contextmanager
def documents_read_only(path: Path) -> Iterator[Documents]:
    """The file for questions only; raises FileNotFoundError when there is none yet."""
    if not path.exists():
        raise FileNotFoundError(path)
    with reading(path) as connection:
        if connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is None:
            raise FileNotFoundError(path)  # the power went, or it goes on, before the first writer came that far
        yield Documents(connection)
