"""The table of eras: by which clock readings were stamped, and what was decided about their stamps since."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from edge_agent.store.codec.columns import FOREVER
from edge_agent.time.trust import STEP_US, Era, Trust, is_wrong

_COLUMNS = "id, begin, offset, least, trust, first, last"
_RESTAMP = """
INSERT INTO restamp (era, first, last, offset, shift, decided, drawing, rows) VALUES (?, ?, ?, ?, ?, ?, ?, 0)"""
_WRONG = """
UPDATE era SET trust = ?1
WHERE boot != ?2 AND trust > 0 AND id IN (SELECT era FROM apart UNION SELECT era FROM restamp WHERE drawing = 1)
  AND COALESCE(last, (SELECT MAX(a.last - a.offset) FROM apart AS a WHERE a.era = era.id) + offset) >= ?3"""
# What a time server has shown to be wrong says nothing of what can be.
_NEWEST = """
SELECT MAX(COALESCE((SELECT MAX(seen) FROM present), 0), COALESCE((
  SELECT MAX(apart.last) FROM apart JOIN era ON era.id = apart.era WHERE era.trust >= 0), 0), COALESCE((
  SELECT MAX(seen) FROM hot WHERE id > (SELECT value FROM mark WHERE name = 'sealed')), 0))"""


class Known(NamedTuple):
    """One row: the era, its number, its first stamp, and its last one where it is over."""

    id: int
    era: Era
    first: int
    last: int | None


class _Move(NamedTuple):
    """A decision: an era up to its last stamp, and what is added to its stamps."""

    era: Known
    last: int
    shift: int


class Eras:
    """The eras of one writer's connection; what changes them is inside a transaction of the store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def newest(self) -> int:
        """The newest time at which a reading was got, as stamped."""
        return int(self._db.execute(_NEWEST).fetchone()[0])

    def of(self, boot: str) -> list[Known]:
        """The eras of a boot in their order."""
        found = self._db.execute(f"SELECT {_COLUMNS} FROM era WHERE boot = ? ORDER BY id", (boot,)).fetchall()
        return [Known(id_, Era(start, offset, least, Trust(t)), *ends) for id_, start, offset, least, t, *ends in found]

    def begin(self, boot: str, new: Era, last: int) -> int:
        """Enter an era and decide what it means for what was stored; answers its number.

        last: the last stamp before it; where this one only makes the era before more exact, it goes on from there.
        """
        known = self.of(boot)
        goes_on = bool(known) and known[-1].era.agrees(new.begin, new.offset)
        bound = max(new.first, last + 1) if goes_on else new.first
        placed = 0  # the last stamp before this era by what is known now
        moves: list[_Move] = []
        for old in reversed(known):
            end = last if old.last is None else old.last
            self._db.execute("UPDATE era SET last = ? WHERE id = ?", (end, old.id))
            wrong = is_wrong(old.era, end, new, bound)
            shift = new.placing - old.era.offset if wrong else 0
            if wrong:
                moves.append(_Move(old, end, shift))
            bound, placed = old.first + shift, max(placed, end + shift)
        self._move(moves, new)
        if new.offset < new.least - STEP_US and not goes_on:
            self._set_apart(boot, new, min([new.first, *(move.era.first + move.shift for move in moves)]))
        return self._insert(boot, new, max(new.first, placed + 1))

    def _move(self, moves: Sequence[_Move], new: Era) -> None:
        """Readings and alarms of eras get another time, the readings step by step later."""
        for era, end, shift in moves:
            is_stored = int(era.era.trust != Trust.UNSURE)
            self._db.execute(_RESTAMP, (era.id, era.first, end, era.era.offset, shift, new.first, is_stored))
            row = (new.placing, new.trust, era.first + shift, end + shift, era.id)
            self._db.execute("UPDATE era SET offset = ?, trust = ?, first = ?, last = ? WHERE id = ?", row)
        if moves:
            since = min(move.era.first for move in moves)
            events = self._db.execute(
                "SELECT id, at, recorded FROM alarm_event WHERE recorded >= ?", (since,)
            ).fetchall()
            moved = [(_moved(at, moves), _moved(recorded, moves), number) for number, at, recorded in events]
            self._db.executemany("UPDATE alarm_event SET at = ?, recorded = ? WHERE id = ?", moved)

    def _set_apart(self, boot: str, new: Era, since: int) -> None:
        """What earlier boots stored from `since` on, in the future of a clock that is right, has no sure time."""
        self._db.execute(_WRONG, (Trust.WRONG, boot, since))
        unknown = self._insert("", Era(0, 0, 0, Trust.WRONG), 0)
        self._db.execute(_RESTAMP, (unknown, since, FOREVER, 0, None, new.first, 1))

    def _insert(self, boot: str, era: Era, first: int) -> int:
        row = (boot, era.begin, era.offset, first, era.least, era.trust)
        statement = "INSERT INTO era (boot, begin, offset, first, least, trust) VALUES (?, ?, ?, ?, ?, ?)"
        return int(self._db.execute(statement, row).lastrowid or 0)


def _moved(stamp: int, moves: Sequence[_Move]) -> int:
    """A stamp of any era by what was decided."""
    return next((stamp + move.shift for move in moves if move.era.first <= stamp <= move.last), stamp)
