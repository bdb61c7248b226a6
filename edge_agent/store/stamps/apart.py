"""Where readings wait that cannot be in the archive: those without a sure time, and all while wrong ones are drawn.

Each step is inside one transaction of the store, so that a reading is always in one place and never in two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from drivers.reading import Quality
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.commit import Commit, encode
from edge_agent.store.sealed.seal import Sealer
from edge_agent.store.stamps.draw import Drawer
from edge_agent.store.stamps.eras import Eras, Known
from edge_agent.store.stamps.wrong import Wrong, is_ours
from edge_agent.time.trust import Era, Trust

RESTAMPED, CLOCK_OFF = "restamped", "clock_off"
STEP_ROWS = 20_000  # placed in one step: a tenth of a second on a small server
STEP_COMMITS = 500
_PLACEABLE = """
SELECT apart.id, era.id, apart.start, era.offset - apart.offset, apart.rows, body FROM apart
JOIN era ON era.id = apart.era WHERE era.trust > 0 ORDER BY apart.id LIMIT ?"""
_DRAWING = """
SELECT id, era, offset, first, last, decided, shift FROM restamp WHERE drawing = 1 ORDER BY id LIMIT 1"""
_BELIEVED = "SELECT id, offset, first FROM era WHERE trust > 0 ORDER BY id DESC LIMIT 1"
_PUT = "INSERT INTO apart (era, offset, start, rows, first, last, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_COUNT = """
UPDATE restamp SET rows = rows + ?1 WHERE id = (SELECT MAX(id) FROM restamp WHERE era = ?2 AND shift IS NOT NULL)"""


class Apart:
    """The waiting readings of one writer's connection."""

    def __init__(self, db: sqlite3.Connection, sealer: Sealer) -> None:
        self._db, self._sealer = db, sealer
        self._drawer = Drawer(db)
        self.eras = Eras(db)
        self._era: Known | None = None  # of what is written now; None: another's clock, which is believed
        self._entered: tuple[str, Era] | None = None
        self.load()

    def load(self) -> None:
        """Learn from the database what there is to do; after a transaction that failed the era must be told again."""
        self._era = self._entered = None
        self._look()

    def _look(self) -> None:
        self._drawing = self._db.execute(_DRAWING).fetchone()
        self._placing = bool(self._db.execute(_PLACEABLE, (1,)).fetchone())
        self._drawer.forget()

    @property
    def due(self) -> bool:
        """Whether there is a step to do."""
        return self._drawing is not None or self._placing

    @property
    def takes(self) -> bool:
        """Whether what is written now has to wait here."""
        return self._era is not None and (self._era.era.trust == Trust.UNSURE or self._drawing is not None)

    @property
    def draws(self) -> bool:
        """Whether wrong readings are still to be drawn, so that what people file has to wait too."""
        return self._drawing is not None

    def enter(self, boot: str, era: Era, last: int) -> None:
        """From now on readings are of this era; `last` is the last stamp before it."""
        if self._entered == (boot, era):
            return
        known = self.eras.of(boot)
        if not known or known[-1].era != era:
            self.eras.begin(boot, era, last)
            known = self.eras.of(boot)
        self._era, self._entered = known[-1], (boot, era)
        self._look()

    def put(self, tags: Sequence[int], rows: Columns) -> None:
        """Keep at least one row, row i of tag i."""
        if self._era is None:
            raise ValueError("no era was entered")
        number, era, first, _ = self._era
        self._put((number, era.offset, first), tags, rows)
        self._placing = self._placing or era.trust > Trust.UNSURE

    def put_filed(self, tags: Sequence[int], rows: Columns) -> None:
        """Keep at least one row that people file while readings are drawn: as of the clock that is believed."""
        self._put(self._db.execute(_BELIEVED).fetchone(), tags, rows)
        self._placing = True

    def step(self) -> None:
        """Draw some rows from the archive, or give some their place there."""
        if self._drawing is not None:
            decision, number, offset, *wrong = self._drawing
            self._draw(decision, (number, offset), Wrong(*wrong))
        elif self._placing:
            self._place()

    def _draw(self, decision: int, era: tuple[int, int], wrong: Wrong) -> None:
        """Everything open is sealed first, and what can be merged is merged: then each row lies in one block only."""
        if self._sealer.due:
            self._sealer.step()
        elif self._sealer.close():
            pass
        else:
            drawn = self._drawer.step(wrong)
            if drawn.tags:
                self._put((*era, wrong.first), drawn.tags, drawn.rows)
                self._placing = True
            if drawn.is_last:
                self._db.execute("UPDATE restamp SET drawing = 0 WHERE id = ?", (decision,))
                self._sealer.load()
                self._look()

    def _place(self) -> None:
        """Oldest first; a commit keeps its rows together."""
        count = 0
        for place, number, start, shift, rows, body in self._db.execute(_PLACEABLE, (STEP_COMMITS,)).fetchall():
            tags, found = _all(Commit(body))
            if shift:
                found = moved(found, start, shift)
                self._db.execute(_COUNT, (rows, number))
            self._sealer.put(rows, max(found.seen), encode(tags, found))
            self._db.execute("DELETE FROM apart WHERE id = ?", (place,))
            count += rows
            if count >= STEP_ROWS:
                return
        self._placing = bool(self._db.execute(_PLACEABLE, (1,)).fetchone())

    def _put(self, stamped: tuple[int, int, int], tags: Sequence[int], rows: Columns) -> None:
        self._db.execute(_PUT, (*stamped, len(tags), min(rows.seen), max(rows.seen), encode(tags, rows)))


def moved(rows: Columns, first: int, shift: int) -> Columns:
    """Rows got by a clock that was wrong from `first` on; a moment that it did not give stays."""
    ours = [is_ours(at, seen, first) for at, seen in zip(rows.at, rows.seen, strict=True)]
    told = zip(ours, rows.qualities, rows.reasons, strict=True)
    reasons = [RESTAMPED if own and q == Quality.GOOD and why in (None, CLOCK_OFF) else why for own, q, why in told]
    at = [moment + shift if own else moment for moment, own in zip(rows.at, ours, strict=True)]
    return Columns(at, [seen + shift for seen in rows.seen], rows.values, rows.qualities, reasons)


def _all(commit: Commit) -> tuple[list[int], Columns]:
    tags: list[int] = []
    found = Columns()
    for tag in commit.tags():
        part = commit.rows(tag)
        tags += [tag] * len(part)
        found.extend(part)
    return tags, found
