"""The read-only questions that everybody else asks of plant.db; nothing stays open between them.

Without a database every answer is empty. `until` bounds what was recorded by a time, so that a
later import never changes an earlier assessment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.reading import Quality
from edge_agent.ledger import LedgerEvent, Person
from edge_agent.store.database import reading, version
from edge_agent.store.store import PLANT_DB, AmountRow

FOREVER = 2**62
PAGE = 50_000  # rows a long export fetches at a time


@dataclass(frozen=True, slots=True)
class Sample:
    """One stored reading: the register, secondary side, in the quantity's unit."""

    at: int
    seen: int
    value: float | None
    quality: Quality
    reason: str | None


_COLUMNS = "at, seen, value, quality, reason"
# SQLite answers bare columns from the row that holds the MAX: the newest row of each moment.
_NEWEST = f"SELECT {_COLUMNS}, MAX(rowid) FROM sample WHERE tag = ? AND seen <= ?"
_GOOD = f"quality = {int(Quality.GOOD)} AND value IS NOT NULL"


class Reader:
    """The database of one site's data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / PLANT_DB

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        if not self.exists:
            return []
        with reading(self._path) as db:
            if version(db) == 0:
                return []  # the file is there and its schema is not: the first start has not come that far
            return db.execute(statement, values).fetchall()

    def ids(self) -> dict[str, int]:
        """Every tag that was ever stored."""
        return dict(self._ask("SELECT name, id FROM tag"))

    def last(self, before: int = FOREVER) -> dict[str, Sample]:
        """The newest reading of each tag at or before a time; what lies in the future hides nothing."""
        statement = f"""
            SELECT tag.name, {_COLUMNS} FROM tag JOIN sample ON sample.rowid = (
              SELECT rowid FROM sample WHERE tag = tag.id AND at <= ? ORDER BY at DESC, rowid DESC LIMIT 1)"""
        return {name: _sample(row) for name, *row in self._ask(statement, before)}

    def since(self, tag: str, state: float) -> int | None:
        """From when a state tag has had its present value without a break."""
        other = "(SELECT COALESCE(MAX(at), -1) FROM sample WHERE tag = t.id AND value IS NOT ?)"
        statement = f"""
            SELECT MIN(sample.at) FROM tag t JOIN sample ON sample.tag = t.id
            WHERE t.name = ? AND value = ? AND at > {other}"""
        rows = self._ask(statement, tag, state, state)
        return rows[0][0] if rows else None

    def good_before(self, tag: int, at: int, until: int = FOREVER) -> Sample | None:
        """The last good reading at or before a time."""
        return self._near(tag, "at <= ?2", "DESC", at, until)

    def good_after(self, tag: int, at: int, until: int = FOREVER) -> Sample | None:
        """The first good reading at or after a time."""
        return self._near(tag, "at >= ?2", "ASC", at, until)

    def _near(self, tag: int, bound: str, order: str, at: int, until: int) -> Sample | None:
        statement = f"""
            SELECT {_COLUMNS} FROM sample WHERE tag = ?1 AND {bound} AND seen <= ?3 AND {_GOOD} AND NOT EXISTS (
              SELECT 1 FROM sample AS newer WHERE newer.tag = ?1 AND newer.at = sample.at
              AND newer.rowid > sample.rowid AND newer.seen <= ?3)
            ORDER BY at {order} LIMIT 1"""
        rows = self._ask(statement, tag, at, until)
        return _sample(rows[0]) if rows else None

    def falls(self, tag: int, start: int, end: int, until: int = FOREVER) -> list[tuple[int, float, float]]:
        """Where a register fell between two good readings: (time after, value before, value after)."""
        statement = f"""
            SELECT at, before, value FROM (
              SELECT at, value, LAG(value) OVER (ORDER BY at) AS before FROM (
                {_NEWEST} AND at BETWEEN ? AND ? GROUP BY at) WHERE {_GOOD})
            WHERE value < before ORDER BY at"""
        return self._ask(statement, tag, until, start, end)

    def samples(self, tag: int, start: int, end: int) -> Iterator[Sample]:
        """Every reading from start to end, end excluded, oldest first; superseded rows left out."""
        after = start - 1
        while True:
            statement = f"SELECT {_COLUMNS} FROM ({_NEWEST} AND at > ? AND at < ? GROUP BY at ORDER BY at LIMIT {PAGE})"
            rows = self._ask(statement, tag, FOREVER, after, end)
            yield from (_sample(row) for row in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def amounts(self, tag: str, until: int = FOREVER) -> list[AmountRow]:
        """What is filed for a tag, one row a period, withdrawn ones left out."""
        statement = """
            SELECT start, end, value, note, MAX(amount.id) FROM amount JOIN tag ON tag.id = amount.tag
            WHERE tag.name = ? AND recorded <= ? GROUP BY start, end ORDER BY start"""
        rows = self._ask(statement, tag, until)
        return [AmountRow(tag, start, end, value, note) for start, end, value, note, _ in rows if value is not None]

    def ledger(self, until: int = FOREVER) -> list[LedgerEvent]:
        """Every event of the ledger recorded by a time, in the order it was said."""
        statement = """SELECT at, device, kind, detail, by_name, login, recorded FROM ledger
            WHERE recorded <= ? ORDER BY id"""
        return [
            LedgerEvent(at, device, kind, json.loads(detail), Person(name, login), recorded)
            for at, device, kind, detail, name, login, recorded in self._ask(statement, until)
        ]

    def site_text(self, until: int) -> str | None:
        """The plant.yaml that was in force at a time, as recorded by then."""
        rows = self._ask("SELECT text FROM site_file WHERE loaded <= ? ORDER BY rowid DESC LIMIT 1", until)
        return rows[0][0] if rows else None


def _sample(row: Any) -> Sample:
    at, seen, value, quality, reason = row
    return Sample(at, seen, value, Quality(quality), reason)
