"""Cheap signs that an assessment may come out differently: files that changed, and what was filed since."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.records import RECORDS_DB
from edge_agent.exit import Stop
from edge_agent.site import PLANT_FILE
from edge_agent.store.database import reading, version
from edge_agent.store.store import PLANT_DB

SINCE = 3  # the schema version that counts the readings that people file
_FILED = """
SELECT (SELECT MAX(id) FROM amount), (SELECT MAX(id) FROM ledger), (SELECT value FROM mark WHERE name = 'filed')"""


def signs(folder: Path) -> tuple[object, ...]:
    """Differs from an earlier answer when something was confirmed, filed or configured in between.

    What devices measure is no sign: it changes every second.
    """
    data = folder / "data"
    files = (folder / PLANT_FILE, data / RECORDS_DB, data / f"{RECORDS_DB}-wal")
    return (*(_stamp(path) for path in files), _filed(data / PLANT_DB))


def _stamp(path: Path) -> tuple[int, int] | None:
    """An empty log is what a reader leaves behind."""
    try:
        known = os.stat(path)
    except OSError:
        return None
    return (known.st_mtime_ns, known.st_size) if known.st_size else None


def _filed(path: Path) -> object:
    if not path.exists():
        return None
    try:
        with reading(path) as db:
            return tuple(db.execute(_FILED).fetchone()) if version(db) >= SINCE else None
    except Stop as trouble:
        return trouble.key
