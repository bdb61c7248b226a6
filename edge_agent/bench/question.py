"""What questions cost beside rows: a year of one tag by days, and one day as it was read; CPU, turn about.

The rows lie in a table that is clustered by tag and moment, the best that rows can do for both questions.
Each side opens its database for every question by the same door, as nothing of it is kept open; both have all
tables of a plant, which SQLite reads anew each time. The days are those of a site in each of two zones, whose
store cuts them at its midnight.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.database import SCHEMA, reading
from edge_agent.store.reader import Reader
from edge_agent.store.sealed.span import DAY_US, MINUTE_US
from edge_agent.store.store import Store

ZONES = ("UTC", "Asia/Shanghai")
FIRST = date(2025, 1, 1)
DAYS, ROUNDS = 365, 25
TAG = "m1.power"
US = 1_000_000

_ROWS = """
PRAGMA journal_mode = WAL;
CREATE TABLE reading (tag INTEGER, at INTEGER, seen INTEGER, value REAL, quality INTEGER, reason TEXT,
  PRIMARY KEY (tag, at)) STRICT, WITHOUT ROWID;"""
_BY_DAY = """
SELECT (at - ?2) / ?4, COUNT(*), MIN(value), MAX(value), SUM(value) FROM reading
WHERE tag = ?1 AND at >= ?2 AND at < ?3 GROUP BY 1"""
_A_DAY = "SELECT at, seen, value, quality, reason FROM reading WHERE tag = ? AND at >= ? AND at < ?"


@dataclass(frozen=True, slots=True)
class Answer:
    """One question: CPU of ours / of the rows, and milliseconds of each; medians."""

    question: str  # year, day
    zone: str
    ratio: float
    ours_ms: float
    rows_ms: float


def measure(days: int = DAYS, rounds: int = ROUNDS) -> list[Answer]:
    """Both questions for a site in each zone, over one year of minutes in either form."""
    return [answer for zone in ZONES for answer in _of_zone(zone, days, rounds)]


def midnights(zone: str, days: int) -> list[int]:
    """The edges of so many days, the end of the last one included; microseconds UTC."""
    begun = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZoneInfo(zone))
    return [int((begun + timedelta(days=day)).timestamp()) * US for day in range(days + 1)]


def _of_zone(zone: str, days: int, rounds: int) -> list[Answer]:
    edges = midnights(zone, days)
    with TemporaryDirectory() as name, _filled(Path(name), edges[0], days):
        return list(_asked(Path(name), zone, edges, rounds))


def _asked(folder: Path, zone: str, edges: list[int], rounds: int) -> Iterator[Answer]:
    middle = edges[len(edges) // 2 - 1], edges[len(edges) // 2]
    reader, rows = Reader(folder), folder / "rows.db"
    tag = reader.ids()[TAG]

    def year_of_rows() -> object:
        with reading(rows) as db:
            return db.execute(_BY_DAY, (1, edges[0], edges[-1], DAY_US)).fetchall()

    def day_of_rows() -> object:
        with reading(rows) as db:
            return db.execute(_A_DAY, (1, *middle)).fetchall()

    def year() -> object:
        return reader.summaries(tag, edges)

    def day() -> object:
        return list(reader.samples(tag, *middle))

    for name, ours, theirs in (("year", year, year_of_rows), ("day", day, day_of_rows)):
        spent = [(_cpu_ms(ours), _cpu_ms(theirs)) for _ in range(rounds)]
        own, limit = (statistics.median(side) for side in zip(*spent, strict=True))
        yield Answer(name, zone, statistics.median(own / limit for own, limit in spent), own, limit)


def _cpu_ms(question: Callable[[], object]) -> float:
    begun = time.process_time()
    question()
    return (time.process_time() - begun) * 1000


def _minutes(at: int, days: int) -> Iterator[Batch]:
    """A power that wanders by tenths, day by day, and two days longer, so that the last one is merged too."""
    draw, value = Random(1), 200.0
    for _ in range(days + 2):
        batch = Batch()
        for _ in range(DAY_US // MINUTE_US):
            value += draw.choice((-0.1, 0.0, 0.0, 0.1))
            batch.add(TAG, at, at, round(value, 1), Quality.GOOD, None)
            at += MINUTE_US
        yield batch


@contextmanager
def _filled(folder: Path, midnight: int, days: int) -> Iterator[None]:
    """The same readings in the store of a site with this midnight, and as rows; either is held by its writer."""
    work = list(_minutes(midnight, days))
    with Store(folder, -midnight % DAY_US) as store, closing(sqlite3.connect(folder / "rows.db")) as db:
        for batch in work:
            with store.transaction():
                store.write([batch])
            while store.tidy():
                pass
        for script in sorted(SCHEMA.glob("*.sql")):
            db.executescript(script.read_text(encoding="utf-8"))
        db.executescript(_ROWS)
        for batch in work:
            rows = zip(batch.at, batch.seen, batch.values, batch.qualities, batch.reasons, strict=True)
            db.executemany("INSERT INTO reading VALUES (1, ?, ?, ?, ?, ?)", rows)
        db.commit()
        yield
