"""The documents of one collection as a mapping that TinyDB changes, inside a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, MutableMapping
from typing import Any

from edge_agent.store.documents.storage import ONE, PUT, as_json

Body = dict[str, Any]

_IDS = "SELECT id FROM document WHERE collection = ? ORDER BY id"
_DROP = "DELETE FROM document WHERE collection = ? AND id = ?"


class Changes(MutableMapping[int, Body]):
    """The rows of one collection inside a transaction: fetched when asked for, written when they differ."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._db, self._name = connection, name
        self._stored: dict[int, str] = {}
        self._bodies: dict[int, Body | None] = {}

    def __getitem__(self, number: int) -> Body:
        if number not in self._bodies:
            row = self._db.execute(ONE, (self._name, number)).fetchone()
            if row is None:
                raise KeyError(number)
            self._stored[number] = row[0]
            self._bodies[number] = json.loads(row[0])
        body = self._bodies[number]
        if body is None:
            raise KeyError(number)
        return body

    def __setitem__(self, number: int, body: Body) -> None:
        self._bodies[number] = body

    def __delitem__(self, number: int) -> None:
        if number not in self:
            raise KeyError(number)
        self._bodies[number] = None

    def __iter__(self) -> Iterator[int]:
        stored = {number for (number,) in self._db.execute(_IDS, (self._name,))}
        return iter(sorted(n for n in stored | set(self._bodies) if self._bodies.get(n, {}) is not None))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def write(self) -> None:
        """Put every changed row back."""
        for number, body in self._bodies.items():
            if body is None:
                self._db.execute(_DROP, (self._name, number))
            elif (text := as_json(body)) != self._stored.get(number):
                self._db.execute(PUT, (self._name, number, text))
