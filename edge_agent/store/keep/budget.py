"""How many bytes the data folder may take, how many it takes, and what the disk has left.

SQLite uses freed pages again, so pages that are free count as room; the file itself shrinks only where asked to.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edge_agent.store.database import reading
from edge_agent.store.rescue.quarantine import QUARANTINE, quarantined

PLANT_DB = "plant.db"


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes for everything in the data folder together, and bytes that the file system shall have left."""

    total: int
    reserve: int


class Usage(NamedTuple):
    """Bytes of the data folder as it is."""

    used: int  # by plant.db without its free pages, its log, and every other file, but for what waits to be salvaged
    room: int  # free pages inside plant.db
    log: int  # the write-ahead log of plant.db, a part of `used`
    others: int  # every other file of them, a part of `used` too
    disk: int  # free in the file system for whoever writes

    @property
    def size(self) -> int:
        """What the files take together."""
        return self.used + self.room

    def pressure(self, budget: Budget) -> str | None:
        """`reserve` or `budget` where that is reached."""
        if self.disk < budget.reserve:
            return "reserve"
        return "budget" if self.used > budget.total else None


def usage(data: Path, db: sqlite3.Connection) -> Usage:
    """The usage of a folder by a connection to its plant.db."""
    pages, free, page = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    sizes = dict(_files(data))
    log = sizes.pop(PLANT_DB + "-wal", 0)
    sizes.pop(PLANT_DB, None)
    waiting = {(QUARANTINE, q.folder.name) for q in quarantined(data) if q.salvaged is None}
    others = sum(size for name, size in sizes.items() if Path(name).parts[:2] not in waiting)
    used = (pages - free) * page + log + others
    return Usage(used, free * page, log, others, disk_free(data))


def usage_of(data: Path) -> Usage | None:
    """The same for whoever only reads; None where there is no database. Raises Stop as `reading` does."""
    if not (data / PLANT_DB).exists():
        return None
    with reading(data / PLANT_DB) as db:
        return usage(data, db)


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Every file below with its size; one that goes away meanwhile counts nothing."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            try:
                size = path.stat().st_size
            except OSError:
                continue
            yield str(path.relative_to(folder)), size


def disk_free(folder: Path) -> int:
    """Bytes that the file system has left for whoever writes."""
    return shutil.disk_usage(folder).free
