"""What a new plant.db takes over at once from the damaged one, so that the agent goes on where it stood.

Everything that people said, the alarms, and the newest reading of each tag; the bulk of the readings is
for `leafgate salvage`.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from edge_agent.batch import Batch
from edge_agent.store.codec.columns import Columns
from edge_agent.store.rescue.rescue import Rescue
from edge_agent.store.rescue.shape import plant_shapes

# What `salvage` brings into a file that has gone on, and the column that says when each row was written.
MERGED = {
    "amount": "recorded",
    "ledger": "recorded",
    "alarm_event": "recorded",
    "site_file": "loaded",
    "applied": "at",
    "note": "recorded",
}
_BY_KEY = ("note",)  # has no order but that of its key
_ORDER = {"applied": "request"}
# What the new file makes anew, or only the readings themselves fill.
_OWN = ("hot", "block", "body", "seal", "present", "mark", "sample", "tag")


def carried_tables() -> list[str]:
    """The tables that are small and go over as they are, those that others refer to first."""
    return [name for name in sorted(plant_shapes(), key=lambda name: (name != "era", name)) if name not in _OWN]


def carry_tables(db: sqlite3.Connection, rescue: Rescue, ids: dict[str, int]) -> int:
    """Put the rows of the small tables into a new database, inside a transaction; answers how many went over.

    ids: the numbers of the tags in the new database. A row that breaks a rule of its table is left out.
    """
    count = 0
    for table in carried_tables():
        for row in rescue.rows(table):
            count += _put(db, table, row, ids)
    return count


def merge_rows(db: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]]) -> int:
    """Add the rows of one of MERGED that a table lacks, where their time puts them; answers how many.

    rows: without the id, a tag by its number. What was said later must stand later, so the table is written anew.
    """
    columns = ", ".join(columns_of(table))
    places = ", ".join("?" * len(columns_of(table)))
    put = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"
    if table in _BY_KEY:
        return max(db.executemany(put, rows).rowcount, 0)
    there: list[tuple[Any, ...]] = db.execute(
        f"SELECT {columns} FROM {table} ORDER BY {_ORDER.get(table, 'rowid')}"
    ).fetchall()
    known = set(there)
    new: list[tuple[Any, ...]] = [row for row in dict.fromkeys(map(tuple, rows)) if row not in known]
    if not new:
        return 0
    place = columns_of(table).index(MERGED[table])
    db.execute(f"DELETE FROM {table}")

    def written(row: tuple[Any, ...]) -> int:
        return int(row[place])

    ordered: list[tuple[Any, ...]] = list(heapq.merge(new, there, key=written))
    db.executemany(put, ordered)
    return len(new)


def columns_of(table: str) -> list[str]:
    """The columns of a table without its id."""
    return [column for column in plant_shapes()[table].columns if column != "id"]


def newest_batch(newest: Iterable[tuple[str, Columns]]) -> Batch:
    """The newest row of each tag as one batch."""
    batch = Batch()
    for tag, rows in newest:
        for row in rows.samples():
            batch.add(tag, row.at, row.seen, row.value, row.quality, row.reason)
    return batch


def _put(db: sqlite3.Connection, table: str, row: dict[str, Any], ids: dict[str, int]) -> int:
    if "tag" in row and plant_shapes()[table].types[plant_shapes()[table].columns.index("tag")] == (int,):
        row = {**row, "tag": ids[row["tag"]]}
    places = ", ".join("?" * len(row))
    try:
        added = db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
    except (sqlite3.IntegrityError, sqlite3.OperationalError):
        return 0
    return max(added.rowcount, 0)
