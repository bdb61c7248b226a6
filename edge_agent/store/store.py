"""The writer of plant.db. Only the holder of the lock makes one; acknowledged means committed."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from edge_agent.batch import Batch
from edge_agent.exit import Stop
from edge_agent.ledger import LedgerEvent, Person
from edge_agent.store.alarm_log import AlarmLog
from edge_agent.store.codec.columns import Columns, storable
from edge_agent.store.codec.commit import encode
from edge_agent.store.hold import Hold
from edge_agent.store.keep.gaps import Gaps
from edge_agent.store.keep.retention import Keep, Retention
from edge_agent.store.rescue.opening import QUARANTINED, not_carried, raise_alarm, sound_writer, take_over
from edge_agent.store.rescue.quarantine import mark, put_away
from edge_agent.store.sealed.archive import Archive
from edge_agent.store.sealed.hot import Hot
from edge_agent.store.sealed.past import news
from edge_agent.store.sealed.seal import Sealer
from edge_agent.store.stamps.apart import Apart

if TYPE_CHECKING:  # what only a rescue needs is not loaded at each start
    from edge_agent.store.keep.gaps import Gap
    from edge_agent.store.rescue.stray import Stamped
    from edge_agent.store.rescue.thinned import Content
    from edge_agent.store.rescue.turned import Known

log = logging.getLogger("leafgate.store")
PLANT_DB = "plant.db"
_Put = Callable[[Sequence[int], Columns], None]

_AMOUNT = """
INSERT INTO amount (tag, start, end, value, note, by_name, login, recorded)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (
  SELECT 1 FROM (SELECT value, note FROM amount WHERE tag = ?1 AND start = ?2 AND end = ?3 ORDER BY id DESC LIMIT 1)
  WHERE value IS ?4 AND note = ?5)
"""
_NOTE = """
INSERT OR REPLACE INTO note (tag, at, recorded, text, by_name, login)
SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?4 IS NOT (
  SELECT text FROM note WHERE tag = ?1 AND at = ?2 ORDER BY recorded DESC LIMIT 1)
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

    def __init__(self, data: Path, cut: int = 0) -> None:
        """cut: by how many microseconds the site's days begin before those of UTC; a database keeps its first."""
        self._path, self._cut = data / PLANT_DB, cut
        self._keep: Keep | None = None
        self._kinds: Mapping[str, str] = {}
        self._open()

    def _open(self) -> None:
        """A damaged file goes to the quarantine; what the new one needs at once is there when this returns."""
        self._db = sound_writer(self._path, self._cut, _wall_clock)
        self._hold: Hold | None = Hold(self._path)
        self._ids = self._load_ids()
        self._sealer = Sealer(self._db)
        self.apart = Apart(self._db, self._sealer)
        self._unsure = False  # whether a transaction has failed since it was known what the database holds
        self.alarms, self.gaps = AlarmLog(self._db), Gaps(self._db)
        self.retention = Retention(self._db, self._path.parent, self._keep) if self._keep else None
        for found in not_carried(self._path.parent, PLANT_DB):
            from edge_agent.store.rescue.carry import newest_batch

            with self._committing():
                newest = take_over(self._db, found.path, found.at)
                self._ids = self._load_ids()
                raise_alarm(self.alarms, PLANT_DB, QUARANTINED, found.at)
                self.write_found(newest_batch(newest.items()))
            mark(found, carried=True)

    def keep(self, within: Keep, kinds: Mapping[str, str]) -> None:
        """From now on `tidy` keeps the data folder within its bytes; kinds: what tags mean (drivers.reading.Kind)."""
        self._keep, self._kinds = within, kinds
        self.retention = Retention(self._db, self._path.parent, within)
        with self.transaction():
            known = [(kind, tag) for tag, kind in kinds.items() if tag in self._ids]
            self._db.executemany("UPDATE tag SET kind = ?1 WHERE name = ?2 AND kind IS NOT ?1", known)

    def regain(self) -> bool:
        """Where somebody has taken a file away: write what is still open back; whether `alarms` is another then."""
        if self._hold:
            if not self._hold.lost:
                return False
            self._hold.put_back(self._db)
        self._reopen()
        return True

    def begin_anew(self, why: str) -> None:
        """The file turned out to be damaged: put it away, and go on with a new one; `alarms` is another then."""
        put_away(self._path.parent, PLANT_DB, why, _wall_clock())
        self._reopen()  # after the move, so that what is still in the log stays beside it

    def _reopen(self) -> None:
        """Raises what the disk raises; then no file is held, and `regain` tries again."""
        self._hold = None
        with suppress(sqlite3.Error):
            self._db.close()
        try:
            self._open()
        except Stop as stop:
            raise stop.__cause__ if isinstance(stop.__cause__, sqlite3.Error) else stop from None

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
        self._learn()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._unsure = True
            with suppress(sqlite3.Error):  # the disk that has refused this may refuse to be read as well
                self._learn()
            raise

    def _learn(self) -> None:
        """Know again what the database holds, after a transaction that failed; nothing is written before."""
        if not self._unsure:
            return
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._ids = self._load_ids()
        self._sealer.load()
        self.apart.load()
        if self.retention:
            self.retention.forget()
        self._unsure = False

    def tidy(self) -> bool:
        """Do one step of placing, sealing, merging or thinning in a transaction; whether there was one to do."""
        self._learn()
        places = self.apart.due and not self._sealer.full
        if not places and not self._sealer.due:
            return self.retention is not None and self._thin(self.retention)
        with self._committing():
            (self.apart if places else self._sealer).step()
        return True

    def _thin(self, retention: Retention) -> bool:
        """Free pages go first, as nothing is lost with them."""
        if retention.give_back():
            return True
        why = retention.due()
        if why is None:
            return False
        with self._committing():
            return retention.step(why)

    def write(self, batches: Sequence[Batch]) -> int:
        """Append every row of the batches, apart while their time is not sure; answers how many there were."""
        tags: list[int] = []
        rows = Columns()
        for batch in batches:
            tags += self._numbers(batch.tags)
            rows.extend(_rows_of(batch))
        return self._append(tags, rows, self.apart.put if self.apart.takes else None)

    def write_past(self, batch: Batch) -> int:
        """Append rows that are not known yet; taking the same past in twice adds nothing.

        While wrong readings are drawn the rows wait apart, so that they are not drawn with those.
        """
        tags = self._numbers(batch.tags)
        rows = _rows_of(batch)
        return self._append_past(tags, rows, news(self._archive(), tags, rows))

    def write_found(self, batch: Batch, known: Known | None = None) -> int:
        """Append the rows of another file that this one has not, as they were; twice adds nothing.

        known: what that file knows of wrong stamps; what only this one knows is done to its rows. None: all.
        """
        from edge_agent.store.rescue.missing import missing
        from edge_agent.store.rescue.turned import turned, undecided

        tags, rows, archive = self._numbers(batch.tags), _rows_of(batch), self._archive()
        new = missing(archive, tags, rows).new
        wrong = undecided(self._db, known) if known else []
        if new and wrong:
            tags, rows = turned([tags[i] for i in new], rows.pick(new), wrong)
            new = missing(archive, tags, rows).new
        return self._append_past(tags, rows, new)

    def write_stray(self, batch: Batch, by: Stamped) -> int:
        """Add a commit without a sure time of another file, apart or at its place; twice adds nothing."""
        from edge_agent.store.rescue.missing import missing
        from edge_agent.store.rescue.stray import lay_apart, timed

        tags, rows = self._numbers(batch.tags), _rows_of(batch)
        there = timed(self._db, by, rows)
        if there is None:
            return lay_apart(self._db, by, tags, rows)
        return self._append_past(tags, there, missing(self._archive(), tags, there).new)

    def write_thinned(self, tag: str, found: Content, gap: Gap) -> int:
        """Add what thinned rows of another file came to where this one has nothing; answers how many they were."""
        from edge_agent.store.rescue.thinned import put_lacking

        return put_lacking(self._db, self._archive(), self._id(tag), found, gap)

    def merge(self, table: str, rows: Sequence[Sequence[Any]]) -> int:
        """Add the rows of another file's ledger or the like that this one has not; a tag by its name."""
        from edge_agent.store.rescue.carry import columns_of, merge_rows

        place = columns_of(table).index("tag") if table in ("amount", "note") else None
        numbered = [[self._id(v) if n == place else v for n, v in enumerate(row)] for row in rows]
        return merge_rows(self._db, table, numbered)

    def write_notes(self, notes: Iterable[tuple[str, int, str]], person: Person, now: int) -> int:
        """Keep what is noted about the readings of tags and moments; answers how many notes were not known."""
        rows = [(self._id(tag), at, now, text, person.name, person.login) for tag, at, text in notes]
        return max(self._db.executemany(_NOTE, rows).rowcount, 0)

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

    def _append_past(self, tags: list[int], rows: Columns, new: Sequence[int]) -> int:
        """Append the rows of these indices; while wrong stamps are drawn they wait apart. A gap is less by them."""
        self.gaps.heal(rows.at[i] for i in new)
        self._db.execute("UPDATE mark SET value = value + ? WHERE name = 'filed'", (len(new),))
        return self._append([tags[i] for i in new], rows.pick(new), self.apart.put_filed if self.apart.draws else None)

    def _archive(self) -> Archive:
        hot = Hot()
        hot.refresh(self._db)
        return Archive(self._db, hot)

    def _append(self, tags: list[int], rows: Columns, apart: _Put | None = None) -> int:
        if not tags:
            return 0
        if apart:
            apart(tags, rows)
        else:
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
            row = self._db.execute("INSERT INTO tag (name, kind) VALUES (?, ?)", (tag, self._kinds.get(tag)))
            found = self._ids[tag] = int(row.lastrowid or 0)
        return found

    def _load_ids(self) -> dict[str, int]:
        rows: list[tuple[str, int]] = self._db.execute("SELECT name, id FROM tag").fetchall()
        return dict(rows)


def _rows_of(batch: Batch) -> Columns:
    return storable(Columns(batch.at, batch.seen, batch.values, batch.qualities, batch.reasons))


def _wall_clock() -> int:
    """Microseconds UTC, for the name of a quarantine."""
    return time.time_ns() // 1000
