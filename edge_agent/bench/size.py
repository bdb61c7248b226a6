"""How many bytes a reading takes at rest: in the blocks of merged months, and on the disk with all that finds them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.bench.reference import Reference
from edge_agent.store.sealed.span import DAY_US, MONTH
from edge_agent.store.store import PLANT_DB, Store

AFTER_US = 40 * DAY_US  # a last reading so much later lets every month be merged
_PAGES = ("page_count", "freelist_count", "page_size")
_MONTHS = """
SELECT SUM(LENGTH(bytes)), (SELECT SUM(n) FROM block WHERE level = ?1) FROM body
WHERE EXISTS (SELECT 1 FROM block WHERE level = ?1 AND body.id >= block.id << 14 AND body.id < (block.id + 1) << 14)"""


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a reading; `share` of all readings lie in months."""

    block_bytes: float  # in the blocks of months
    disk_bytes: float  # of the pages in use, beyond those of a file without any reading
    free_bytes: float  # of the pages that are empty: a month is merged into what an earlier one left
    empty_bytes: int  # of a file without any reading, whole
    share: float
    samples: int


def measure(data: Reference) -> Size:
    """Write the readings hour by hour, as an agent does that has no more to do, until their months are merged."""
    with TemporaryDirectory() as folder:
        least, _ = _pages(_written(Path(folder) / "empty", []))
        full = _written(Path(folder) / "full", data.batches)
        used, free = _pages(full)
        with closing(sqlite3.connect(full)) as db:
            size, merged = db.execute(_MONTHS, (MONTH,)).fetchone()
    count = data.samples
    return Size(
        (size or 0) / max(merged or 0, 1), (used - least) / count, free / count, least, (merged or 0) / count, count
    )


def _pages(path: Path) -> tuple[int, int]:
    """Bytes of the pages in use, and of the empty ones."""
    with closing(sqlite3.connect(path)) as db:
        count, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in _PAGES)
    return (count - free) * size, free * size


def _written(folder: Path, batches: list[Batch]) -> Path:
    """The database after its readings, and one of another tag that tells how late it is."""
    folder.mkdir()
    with Store(folder) as store:
        for batch in batches:
            _commit(store, batch)
        if batches:
            late = Batch()
            at = batches[-1].seen[-1] + AFTER_US
            late.add("late.link", at, at, 1.0, Quality.GOOD, None)
            _commit(store, late)
    return folder / PLANT_DB


def _commit(store: Store, batch: Batch) -> None:
    with store.transaction():
        store.write([batch])
    while store.tidy():
        pass
