"""A TinyDB table over SQLite rows.

Every change is one transaction that takes its turn among processes and is on the disk when it returns.
Nothing is remembered between two questions, for another process may have answered.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, MutableMapping
from contextlib import closing, contextmanager
from typing import Any

from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Document, Table

from edge_agent.store.documents.changes import Changes
from edge_agent.store.documents.query import equality
from edge_agent.store.documents.storage import ONE, SqliteStorage, as_json, transaction

Fields = Mapping[str, Any] | Callable[[MutableMapping[str, Any]], None]

_ALL = "SELECT id, body FROM document WHERE collection = ? ORDER BY id"
_COUNT = "SELECT COUNT(*) FROM document WHERE collection = ?"
_CLEAR = "DELETE FROM document WHERE collection = ?"
_ADD = "INSERT INTO document VALUES (?, ?, ?)"
_ADD_NEXT = """INSERT INTO document
SELECT ?1, COALESCE(MAX(id), 0) + 1, ?2 FROM document WHERE collection = ?1 RETURNING id"""


class DocumentTable(Table):
    """A collection, in the order of its ids; these grow and are given out by the statement that uses them."""

    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        """`cache_size` is TinyDB's and without effect; `persist_empty` only adds the name."""
        super().__init__(storage, name, cache_size=0)
        assert isinstance(storage, SqliteStorage)
        self._rows, self._db = storage, storage.connection
        if persist_empty:
            with transaction(self._db):
                self._db.execute("INSERT OR IGNORE INTO collection VALUES (?)", (name,))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction around several calls: what was read in it is still true when it writes."""
        with transaction(self._db):
            yield

    def insert(self, document: Mapping[str, Any]) -> int:
        """Durable when it returns."""
        return self._add(document)

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        """All of them or none; durable when it returns."""
        with self.turn():
            return [self._add(document) for document in documents]

    def update(self, fields: Fields, cond: QueryLike | None = None, doc_ids: Iterable[int] | None = None) -> list[int]:
        """Change all documents that fit, or none; durable when it returns."""
        with self.turn():
            if doc_ids is None:
                doc_ids = [d.doc_id for d in (self if cond is None else self._found(cond))]
            return super().update(fields, doc_ids=doc_ids)

    def upsert(self, document: Mapping[str, Any], cond: QueryLike | None = None) -> list[int]:
        """Nobody can insert between the look and the insert."""
        with self.turn():
            return super().upsert(document, cond)

    def remove(self, cond: QueryLike | None = None, doc_ids: Iterable[int] | None = None) -> list[int]:
        """Remove all documents that fit, or none; durable when it returns."""
        with self.turn():
            if doc_ids is None and cond is not None:
                doc_ids = [d.doc_id for d in self._found(cond)]
            return super().remove(doc_ids=doc_ids)

    def truncate(self) -> None:
        """Remove everything and begin the ids anew."""
        self._db.execute(_CLEAR, (self.name,))
        self._next_id = None

    def search(self, cond: QueryLike) -> list[Document]:
        """Every document that fits, in the order of the ids."""
        return list(self._found(cond))

    def get(
        self, cond: QueryLike | None = None, doc_id: int | None = None, doc_ids: Iterable[int] | None = None
    ) -> Any:
        """The document of an id or the first that fits, else None; a list for several ids."""
        if doc_id is not None:
            return self._one(doc_id)
        if doc_ids is not None:
            several = {d.doc_id: d for d in map(self._one, doc_ids) if d is not None}
            return [several[number] for number in sorted(several)]
        if cond is None:
            return super().get()
        with closing(self._found(cond)) as found:
            return next(found, None)

    def __len__(self) -> int:
        return int(self._db.execute(_COUNT, (self.name,)).fetchone()[0])

    def __iter__(self) -> Iterator[Document]:
        rows = self._db.execute(_ALL, (self.name,)).fetchall()
        return (Document(json.loads(body), number) for number, body in rows)

    def _found(self, cond: QueryLike) -> Generator[Document]:
        """SQLite narrows the rows down where it can; the query has the last word."""
        equal = equality(cond)
        rows = self._rows.having(self.name, *equal) if equal else self._db.execute(_ALL, (self.name,))
        for number, text in rows:
            body = json.loads(text)
            if cond(body):
                yield Document(body, number)

    def _one(self, doc_id: object) -> Document | None:
        try:
            number = int(str(doc_id))  # TinyDB compares ids as texts
        except ValueError:
            return None
        row = self._db.execute(ONE, (self.name, number)).fetchone()
        return None if row is None else Document(json.loads(row[0]), number)

    def _add(self, document: Mapping[str, Any]) -> int:
        """One statement, so a transaction by itself where there is none."""
        if not isinstance(document, Mapping):
            raise ValueError("Document is not a Mapping")
        text = as_json(document)
        if not isinstance(document, Document):
            return int(self._db.execute(_ADD_NEXT, (self.name, text)).fetchall()[0][0])
        try:
            self._db.execute(_ADD, (self.name, document.doc_id, text))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise
            raise ValueError(f"Document with ID {document.doc_id} already exists") from error
        return document.doc_id

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return {str(d.doc_id): d for d in self}

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        with transaction(self._db):
            rows = Changes(self._db, self.name)
            updater(rows)
            rows.write()
