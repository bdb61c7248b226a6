"""The documents of another records.db, damaged or a copy, brought into this one; twice adds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from edge_agent.store.rescue.shape import shapes
from edge_agent.store.rescue.wreck import Wreck

RECORDS_DB = "records.db"
Row = tuple[str, int, str]  # collection, id, body
_THERE = "SELECT body FROM document WHERE collection = ? AND id = ?"
_SAME = "SELECT 1 FROM document WHERE collection = ? AND body = ?"
_NEXT = "SELECT COALESCE(MAX(id), 0) + 1 FROM document WHERE collection = ?"


def document_rows(path: Path, offset: int = 0, length: int | None = None) -> list[Row]:
    """Every document that can be read in a file, or at a place in a larger one. Raises OSError."""
    from edge_agent.store.documents.storage import SCHEMA  # the agent needs TinyDB only when a file is damaged

    wreck = Wreck(path, shapes([f"{statement};" for statement in SCHEMA]), offset, length)
    try:
        rows = [(str(row[0]), int(str(row[1])), str(row[2])) for row in dict.fromkeys(wreck.rows("document"))]
        return sorted(row for row in rows if _is_json(row[2]))
    finally:
        wreck.close()


def merge_documents(path: Path, rows: Iterable[Row]) -> tuple[int, int]:
    """Add what is lacking under its own id, or the next one where another document has it; how many seen and new."""
    from edge_agent.store.documents.documents import documents
    from edge_agent.store.documents.storage import PUT, transaction

    found = new = 0
    with documents(path, indexed=("key",)) as db, transaction(db.connection):
        for collection, number, body in rows:
            found += 1
            if db.connection.execute(_SAME, (collection, body)).fetchone():
                continue
            if db.connection.execute(_THERE, (collection, number)).fetchone():
                number = db.connection.execute(_NEXT, (collection,)).fetchone()[0]
            db.connection.execute(PUT, (collection, number, body))
            new += 1
    return found, new


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
