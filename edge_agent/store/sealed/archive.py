"""The readings of plant.db as one question sees them: the sealed blocks and the open time as one table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from drivers.reading import Quality
from edge_agent.store.codec.columns import FOREVER, Columns, Sample, joined
from edge_agent.store.database import reading, version
from edge_agent.store.old import LAST, OldRows
from edge_agent.store.sealed.hot import Open, shared
from edge_agent.store.sealed.index import Index, Piece, Wanted
from edge_agent.store.sealed.span import HOUR_US, Days, by

Run = list[Piece]  # pieces that overlap in time, in the order of writing


class Archive:
    """Everything that was recorded of every tag; a question about one reads only what lies in its time."""

    def __init__(self, db: sqlite3.Connection, opened: Open, sealed: bool = True) -> None:
        """sealed: whether the database has blocks."""
        self._db = db
        self._open = opened
        self._sealed = Index(db) if sealed else None
        self.days = self._sealed.days if self._sealed else Days()

    def ids(self) -> dict[str, int]:
        """Every tag that was ever stored."""
        return dict(self._db.execute("SELECT name, id FROM tag").fetchall())

    def newest(self, before: int = FOREVER) -> dict[int, Sample]:
        """The newest reading of each tag at or before a time."""
        found = {
            tag: sample if sample.at <= before else self.before(tag, before, "n")
            for tag, sample in self._open.newest().items()
        }
        return {tag: sample for tag, sample in found.items() if sample is not None}

    def oldest(self) -> int | None:
        """The moment of the oldest reading."""
        found = (self._open.oldest(), self._sealed.oldest() if self._sealed else None)
        return min((at for at in found if at is not None), default=None)

    def runs(self, tag: int, start: int, end: int) -> list[Run]:
        """What there is of a tag from moment to moment, both included; the runs by time."""
        pieces = self._sealed.pieces(tag, start, end) if self._sealed else []
        rows = self._open.rows(tag).between(start, end)
        # Hour by hour, so that one late row does not reach over all that was sealed since.
        pieces += [Piece(part.at[0], part.at[-1], 0, None, part.between) for _, part in by(rows, HOUR_US)]
        return _runs(pieces)

    def rows(self, tag: int, start: int, end: int, until: int = FOREVER) -> Columns:
        """The newest row of each moment, both ends included, among those seen by a time."""
        return self.page(tag, start, end, FOREVER, until)[0]

    def page(self, tag: int, start: int, end: int, most: int, until: int = FOREVER) -> tuple[Columns, int]:
        """As `rows`, but only about `most` of them, and from where to go on; past the end when that is all."""
        found: list[Columns] = []
        count = 0
        for run in self.runs(tag, start, end):
            if count >= most:
                return joined(found), min(piece.first_at for piece in run)
            found.append(read(run, start, end, until))
            count += len(found[-1])
        return joined(found), end + 1

    def before(self, tag: int, at: int, wanted: Wanted, until: int = FOREVER) -> Sample | None:
        """The last wanted reading at or before a time, among those seen by a time."""
        while True:
            known = self._open_moments(tag, -FOREVER, at, wanted, until)
            block = self._sealed.latest(tag, at, wanted, until) if self._sealed else None
            start = max(-FOREVER if block is None else block, known[-1] if known else -FOREVER)
            if start == -FOREVER:
                return None
            rows = self.rows(tag, start, at, until)
            for index in reversed(range(len(rows))):
                if _WANTED[wanted](rows, index):
                    return rows.sample(index)
            at = start - 1

    def after(self, tag: int, at: int, wanted: Wanted, until: int = FOREVER) -> Sample | None:
        """The first wanted reading at or after a time, among those seen by a time."""
        while True:
            known = self._open_moments(tag, at, FOREVER, wanted, until)
            block = self._sealed.earliest(tag, at, wanted, until) if self._sealed else None
            end = min(FOREVER if block is None else block, known[0] if known else FOREVER)
            if end == FOREVER:
                return None
            rows = self.rows(tag, at, end, until)
            for index in range(len(rows)):
                if _WANTED[wanted](rows, index):
                    return rows.sample(index)
            at = end + 1

    def _open_moments(self, tag: int, start: int, end: int, wanted: Wanted, until: int) -> list[int]:
        rows = self._open.rows(tag).between(start, end).valid(until)
        return [at for index, at in enumerate(rows.at) if _WANTED[wanted](rows, index)]


def read(run: Run, start: int, end: int, until: int = FOREVER) -> Columns:
    """The newest row of each moment of a run, both ends included, among those seen by a time."""
    rows = joined([piece.read(start, end) for piece in run])
    piece = run[0]
    whole = len(run) == 1 and start <= piece.first_at and piece.last_at <= end and piece.seen <= until
    if whole and not piece.thinned and piece.summary and piece.summary.n == len(rows):
        return rows  # as many rows as moments: none supersedes another
    return (rows if len(run) == 1 else rows.ordered()).valid(until)


@contextmanager
def asking(path: Path) -> Iterator[Archive | None]:
    """One question, on one state of the database; None where there is none yet. Raises Stop as `reading` does."""
    if not path.exists():
        yield None
        return
    hot = shared(path)
    with hot.lock, reading(path) as db:
        db.execute("BEGIN")
        found = version(db)
        if found == 0:
            yield None  # the file is there and its schema is not: the first start has not come that far
        elif found <= LAST:
            yield Archive(db, OldRows(db), sealed=False)
        else:
            hot.refresh(db)
            yield Archive(db, hot)


_WANTED: dict[Wanted, Callable[[Columns, int], bool]] = {
    "n": lambda rows, index: True,
    "usable": lambda rows, index: rows.values[index] is not None,
    "good": lambda rows, index: rows.qualities[index] == Quality.GOOD and rows.values[index] is not None,
}


def _runs(pieces: list[Piece]) -> list[Run]:
    """Pieces in the order of writing as runs by time."""
    runs: list[list[tuple[int, Piece]]] = []
    reach = -FOREVER
    for number, piece in sorted(enumerate(pieces), key=lambda found: found[1].first_at):
        if not runs or piece.first_at > reach:
            runs.append([])
        runs[-1].append((number, piece))
        reach = max(reach, piece.last_at)
    return [[piece for _, piece in sorted(run, key=itemgetter(0))] for run in runs]
