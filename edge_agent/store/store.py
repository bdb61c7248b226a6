"""The writer of plant.db. Only the holder of the lock makes one; acknowledged means committed."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.batch import Batch
from edge_agent.ledger import LedgerEvent, Person
from edge_agent.store.alarm_log import AlarmLog
from edge_agent.store.archive import Archive
from edge_agent.store.columns import Columns
from edge_agent.store.commit import encode
from edge_agent.store.database import open_writer
from edge_agent.store.hot import Hot
from edge_agent.store.past import news
from edge_agent.store.seal import Sealer

log = logging.getLogger("leafgate.store")
PLANT_DB = "plant.db"

_AMOUNT = """
INSERT INTO amount (tag, start, end, value, note, by_name, login, recorded)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (
  SELECT 1 FROM (SELECT value, note FROM amount WHERE tag = ?1 AND start = ?2 AND end = ?3 ORDER BY id DESC LIMIT 1)
  WHERE value IS ?4 AND note = ?5)
"""
_OVERLAP = """
SELECT start, end FROM (
  SELECT start, end, value, MAX(amount.id) FROM amount JOIN tag ON tag.id = amount.tag
  WHERE tag.name = ?1 GROUP BY start, end)
WHERE value IS NOT NULL AND start < ?3 AND ?2 < end AND NOT (start = ?2 AND end = ?3) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class AmountRow:
    """What somebody filed for a period; times in microseconds UTC, `end` excluded; None withdraws."""

    tag: str
    start: int
    end: int
    value: float | None
    note: str = ""


class Store:
    """One open plant.db. Writes happen inside `transaction()`: all of them are durable, or none."""

    def __init__(self, data: Path) -> None:
        self._db = open_writer(data / PLANT_DB)
        self._ids = self._load_ids()
        self._sealer = Sealer(self._db)
        self.alarms = AlarmLog(self._db)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Fold the log into the file and let go; a disk that refuses keeps the log for the next start."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            log.warning("the write-ahead log stays: %s", error)
        finally:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is committed to the disk when the block ends, or not at all."""
        with self._committing():
            yield
        self._relieve()

    @contextmanager
    def _committing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._ids = self._load_ids()
            self._sealer.load()
            raise

    def tidy(self) -> bool:
        """Do one step of sealing or merging in a transaction of its own; whether there was one to do."""
        if not self._sealer.due:
            return False
        with self._committing():
            self._sealer.step()
        return True

    def write(self, batches: Sequence[Batch]) -> int:
        """Append every row of the batches; answers how many there were."""
        tags: list[int] = []
        rows = Columns()
        for batch in batches:
            tags += self._numbers(batch.tags)
            rows.extend(Columns(batch.at, batch.seen, batch.values, batch.qualities, batch.reasons))
        return self._append(tags, rows)

    def write_past(self, batch: Batch) -> int:
        """Append rows that are not known yet; taking the same past in twice adds nothing."""
        tags = self._numbers(batch.tags)
        rows = Columns(batch.at, batch.seen, batch.values, batch.qualities, batch.reasons)
        hot = Hot()
        hot.refresh(self._db)
        new = news(Archive(self._db, hot), tags, rows)
        self._db.execute("UPDATE mark SET value = value + ? WHERE name = 'filed'", (len(new),))
        return self._append([tags[i] for i in new], rows.pick(new))

    def write_amounts(self, amounts: Iterable[AmountRow], person: Person, now: int) -> int:
        """File amounts; a row equal to the newest one of its period adds nothing."""
        who = (person.name, person.login, now)
        rows = [(self._id(a.tag), a.start, a.end, a.value, a.note, *who) for a in amounts]
        return max(self._db.executemany(_AMOUNT, rows).rowcount, 0)

    def write_ledger(self, events: Iterable[LedgerEvent]) -> None:
        """Append events of the ledger."""
        rows = [(e.at, e.device, e.kind, json.dumps(e.detail), e.by.name, e.by.login, e.recorded) for e in events]
        statement = (
            "INSERT INTO ledger (at, device, kind, detail, by_name, login, recorded) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        self._db.executemany(statement, rows)

    def remember_site(self, digest: str, text: str, now: int) -> None:
        """Keep the site file by its hash, once for each change."""
        newest = self._db.execute("SELECT hash FROM site_file ORDER BY rowid DESC LIMIT 1").fetchone()
        if newest is None or newest[0] != digest:
            self._db.execute("INSERT INTO site_file VALUES (?, ?, ?)", (digest, text, now))

    def applied(self, request: str) -> int | None:
        """How many rows a request added when it took effect; None when it has not."""
        row = self._db.execute("SELECT result FROM applied WHERE request = ?", (request,)).fetchone()
        return None if row is None else int(row[0])

    def mark_applied(self, request: str, now: int, result: int) -> None:
        """Note that a request takes effect in this transaction."""
        self._db.execute("INSERT INTO applied VALUES (?, ?, ?)", (request, now, result))

    def overlapping(self, amount: AmountRow) -> tuple[int, int] | None:
        """Another filed period of the same tag that shares time with this one."""
        row = self._db.execute(_OVERLAP, (amount.tag, amount.start, amount.end)).fetchone()
        return None if row is None else (int(row[0]), int(row[1]))

    def _append(self, tags: list[int], rows: Columns) -> int:
        if not tags:
            return 0
        # SQLite takes a NaN for no value; it must not spoil a sum either.
        rows.values = [None if value != value else value for value in rows.values]
        self._sealer.put(len(tags), max(rows.seen), encode(tags, rows))
        return len(tags)

    def _relieve(self) -> None:
        """What was committed stays committed where the disk has no room to seal; a later commit tries again."""
        try:
            while self._sealer.full:
                self.tidy()
        except (sqlite3.Error, OSError) as error:
            log.warning("the open time cannot be sealed yet: %s", error)
            self._sealer.postpone()

    def _numbers(self, tags: list[str]) -> list[int]:
        try:
            return list(map(self._ids.__getitem__, tags))
        except KeyError:
            return list(map(self._id, tags))

    def _id(self, tag: str) -> int:
        found = self._ids.get(tag)
        if found is None:
            row = self._db.execute("INSERT INTO tag (name) VALUES (?)", (tag,))
            found = self._ids[tag] = int(row.lastrowid or 0)
        return found

    def _load_ids(self) -> dict[str, int]:
        rows: list[tuple[str, int]] = self._db.execute("SELECT name, id FROM tag").fetchall()
        return dict(rows)
