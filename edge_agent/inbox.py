"""inbox.db: what people ask of the one writer, and whether it was done.

A request takes effect once: its effect and its name are committed to plant.db together, and the
inbox is told afterwards.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.ledger import Person
from edge_agent.store.database import reading, write_ahead
from edge_agent.store.lock import FILE_MODE, make_data_folder

INBOX_DB = "inbox.db"
BUSY_MS = 10_000
URGENT = ("acknowledge", "alarm")  # served before the others: an import may take minutes
SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
  number  INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  kind    TEXT NOT NULL,
  payload TEXT,             -- JSON; emptied once done
  by_name TEXT NOT NULL,
  login   TEXT NOT NULL,
  asked   INTEGER NOT NULL,
  done    INTEGER,          -- microseconds UTC
  result  TEXT              -- JSON
)"""


@dataclass(frozen=True, slots=True)
class Request:
    """One wish, with its payload, as JSON when it comes back.

    Kinds: `past` (readings), `amounts`, `ledger`, `acknowledge` and `alarm`.
    """

    kind: str
    payload: Any
    by: Person
    asked: int
    id: str = ""


class Inbox:
    """The requests of one site's data folder; several processes use it at once."""

    def __init__(self, data: Path) -> None:
        self._path = data / INBOX_DB
        self._empty: tuple[int, ...] | None = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        fresh = not self._path.exists()
        make_data_folder(self._path.parent)
        db = sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_MS / 1000)
        try:
            if fresh:
                os.chmod(self._path, FILE_MODE)
            write_ahead(db)
            db.execute("PRAGMA synchronous = FULL")
            db.execute(SCHEMA)
            yield db
        finally:
            db.close()

    def put(self, requests: list[Request]) -> list[str]:
        """Ask; answers the ids. Once this returns the requests survive a power cut."""
        rows = [(uuid.uuid4().hex, r.kind, json.dumps(r.payload), r.by.name, r.by.login, r.asked) for r in requests]
        statement = "INSERT INTO request (id, kind, payload, by_name, login, asked) VALUES (?, ?, ?, ?, ?, ?)"
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(statement, rows)
            db.execute("COMMIT")
        return [row[0] for row in rows]

    def take_over(self, rows: list[dict[str, Any]]) -> int:
        """Put requests of another inbox in under their own ids, where they are not here yet; answers how many."""
        statement = """INSERT OR IGNORE INTO request (id, kind, payload, by_name, login, asked)
            VALUES (:id, :kind, :payload, :by_name, :login, :asked)"""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            count = max(db.executemany(statement, rows).rowcount, 0)
            db.execute("COMMIT")
        return count

    def pending(self, most: int = 20) -> list[Request]:
        """The requests that wait: those about alarms before all others, and then in the order they were asked.

        While nobody has touched the inbox since it was found empty, no file is opened: an idle
        agent must not write to its card every second.
        """
        state = self._state()
        if state == self._empty or not self._path.exists():
            return []
        statement = """SELECT kind, payload, by_name, login, asked, id FROM request
            WHERE done IS NULL ORDER BY kind NOT IN (?, ?), number LIMIT ?"""
        with self._open() as db:
            rows = db.execute(statement, (*URGENT, most)).fetchall()
        # A wish that came while we looked has changed the files, and then we look again.
        self._empty = state if not rows and state == self._state() else None
        return [_request(row) for row in rows]

    def waiting(self, kind: str) -> list[Request]:
        """The requests of one kind that wait, the oldest first; the agent does not notice the look."""
        if not self._path.exists():
            return []
        statement = """SELECT kind, payload, by_name, login, asked, id FROM request
            WHERE done IS NULL AND kind = ? ORDER BY number"""
        with reading(self._path) as db:
            if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'request'").fetchone():
                return []  # somebody is just making it
            return [_request(row) for row in db.execute(statement, (kind,)).fetchall()]

    def done(self, request: str, now: int, result: Any) -> None:
        """Tell whoever waits; the payload is dropped, the record of the asking stays."""
        with self._open() as db:
            statement = "UPDATE request SET done = ?, result = ?, payload = NULL WHERE id = ?"
            db.execute(statement, (now, json.dumps(result), request))

    def results(self, ids: list[str]) -> list[Any]:
        """The results of those requests that are done, in the order they were asked."""
        marks = ", ".join("?" * len(ids))
        statement = f"SELECT result FROM request WHERE id IN ({marks}) AND done IS NOT NULL ORDER BY number"
        with self._open() as db:
            rows = db.execute(statement, ids).fetchall()
        return [json.loads(result) for (result,) in rows]

    def _state(self) -> tuple[int, ...]:
        """Changes whenever somebody asks; looking at it touches no file."""
        found = []
        for path in (self._path, self._path.with_name(f"{INBOX_DB}-wal")):
            try:
                known = path.stat()
                # An empty log is what somebody leaves who only looked.
                found += [known.st_mtime_ns, known.st_size] if known.st_size else [0]
            except FileNotFoundError:
                found.append(0)
        return tuple(found)


def _request(row: tuple[Any, ...]) -> Request:
    kind, payload, name, login, asked, request = row
    return Request(kind, payload, Person(name, login), asked, request)
