"""How long the budget lasts at the rate of the last days: for readings, 15-minute values, hours."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge_agent.store.database import reading, version
from edge_agent.store.keep.budget import PLANT_DB, Budget, usage
from edge_agent.store.keep.grain import HOURS, QUARTERS, ROWS
from edge_agent.store.old import LAST
from edge_agent.store.sealed.span import DAY_US

LOOK_US = 7 * DAY_US
SAMPLE = 50  # blocks, the newest, that tell what a row or a slot takes
HEADER_BYTES = 150  # of one block in the tables
FILL = 1.15  # the pages of a file that is written to are not quite full
# Until there are any: what a slot takes of a tag with two decimals that is read each second.
SLOT_BYTES = {QUARTERS: 16.0, HOURS: 26.0}
_SLOTS = {QUARTERS: 96, HOURS: 24}  # a day
_DAYS_OF = {QUARTERS: 1, HOURS: 30}  # in one block
_RATES = """
SELECT SUM(n), MIN(first_at), MAX(last_at) FROM block
WHERE grain = 0 AND last_at > ?1 AND last_at < ?2 GROUP BY tag"""
_SAMPLED = f"""
SELECT SUM(n), SUM((SELECT SUM(LENGTH(bytes)) FROM body WHERE body.id >= found.id * 16384
  AND body.id < (found.id + 1) * 16384)), COUNT(*) FROM (
  SELECT id, n FROM block WHERE level < 3 AND grain = ? ORDER BY id DESC LIMIT {SAMPLE}) AS found"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Days: how much of each the budget holds, and when it is reached; bytes of readings a day."""

    raw: float
    quarters: float
    hours: float
    full_in: float
    bytes_a_day: float


def forecast(data: Path, budget: Budget) -> Forecast | None:
    """None while there is less than a day to judge by. Raises Stop as `reading` does."""
    if not (data / PLANT_DB).exists():
        return None
    with reading(data / PLANT_DB) as db:
        if version(db) <= LAST:
            return None
        days = _rows_a_day(db)
        if not days:
            return None
        found, row = usage(data, db), _bytes_a_row(db)
        raw = sum(days) * row * FILL
        coarse = {grain: sum(min(rows * row, _slots_a_day(grain)) for rows in days) * FILL for grain in SLOT_BYTES}
    room, left = max(budget.total - found.others, 0), max(budget.total - found.used, 0)
    return Forecast(room / raw, room / coarse[QUARTERS], room / coarse[HOURS], left / raw, raw)


def _rows_a_day(db: sqlite3.Connection) -> list[float]:
    """The rows of each tag in one of the last days; none where they tell of less than a day."""
    newest = [seen for (seen,) in db.execute("SELECT seen FROM present ORDER BY seen")]
    if not newest:
        return []
    now = newest[len(newest) // 2]
    found = db.execute(_RATES, (now - LOOK_US, now + DAY_US)).fetchall()
    longest = max((last - first for _, first, last in found), default=0)
    return [] if longest < DAY_US * 0.9 else [n * DAY_US / max(last - first, DAY_US) for n, first, last in found]


def _bytes_a_row(db: sqlite3.Connection) -> float:
    rows, size, blocks = db.execute(_SAMPLED, (ROWS,)).fetchone()
    return (size + blocks * HEADER_BYTES) / rows if rows else 1.5


def _slots_a_day(grain: int) -> float:
    return _SLOTS[grain] * SLOT_BYTES[grain] + HEADER_BYTES / _DAYS_OF[grain]
