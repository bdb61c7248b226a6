"""Drawing readings with wrong stamps out of the sealed blocks, some blocks a step; the other rows stay in their place.

Of thinned time the readings that remain are drawn; what the others came to cannot be moved, and is a counted gap.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from secrets import randbits
from typing import NamedTuple

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.slot import Slot, Thinned, covering, spans
from edge_agent.store.codec.slot_body import encode
from edge_agent.store.codec.summary import Summary, summary
from edge_agent.store.keep.gaps import Gap, Gaps
from edge_agent.store.rescue.aside import set_aside
from edge_agent.store.sealed.archive import Archive
from edge_agent.store.sealed.blocks import Blocks, Place, body, slots_of
from edge_agent.store.sealed.hot import Hot
from edge_agent.store.sealed.seal import remember
from edge_agent.store.stamps.wrong import Wrong

CLOCK = "clock"  # why what thinned readings came to is gone
STEP_ROWS = 50_000  # read in one step, and one block more
# Of one moment, what a longer block has was written before what a shorter one has.
_FOUND = "SELECT id FROM block WHERE seen >= ? ORDER BY level DESC, holds DESC, id DESC"
_KEPT = "SELECT tag, level, start, due, holds, grain FROM block WHERE id = ?"


class _Kept(NamedTuple):
    """The place of a block; in the order of its table."""

    tag: int
    level: int
    start: int
    due: int | None
    holds: int
    grain: int


@dataclass
class Drawn:
    """What one step took out, row i of tag i; is_last: there is no more."""

    tags: list[int] = field(default_factory=list)
    rows: Columns = field(default_factory=Columns)
    is_last: bool = False


class Drawer(Blocks):
    """The blocks with wrong stamps that are still to be looked at; a round that is broken off is begun anew."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self._waiting: list[int] | None = None  # the next one last

    def forget(self) -> None:
        """Begin anew, after a transaction that failed."""
        self._waiting = None

    def step(self, wrong: Wrong) -> Drawn:
        """Take out some of the rows with wrong stamps; nothing may be open or merging."""
        if self._waiting is None:
            self._waiting = [block for (block,) in self._db.execute(_FOUND, (wrong.first,))]
        drawn, count, touched = Drawn(), 0, set()
        while self._waiting and count < STEP_ROWS:
            block = self._waiting.pop()
            found = self._db.execute(_KEPT, (block,)).fetchone()
            if found is None:  # merged since then, as somebody has filed readings meanwhile
                self.forget()
                break
            kept, rows = _Kept(*found), body(self._db, block)
            count += len(rows)
            gone = self._part(block, kept, rows, wrong)
            if gone is not None:
                drawn.tags += [kept.tag] * len(gone)
                drawn.rows.extend(gone)
                touched.add(kept.tag)
        self._newest(touched)
        drawn.is_last = self._waiting == []
        if drawn.is_last:
            self.forget()
        return drawn

    def _part(self, block: int, kept: _Kept, rows: Columns, wrong: Wrong) -> Columns | None:
        """Leave in a block what this clock has not stamped; answers the rest, or None where all stays as it is."""
        slots = slots_of(self._db, block) if kept.grain else []
        gone, stay = wrong.parted(rows)
        gone_slots, stay_slots = wrong.parted_slots(slots)
        if stay == rows and stay_slots == slots:
            return None
        set_aside(self._db, rows, [block])
        self._lose(kept, gone_slots, rows, wrong)
        self._keep(block, kept, stay_slots, stay)
        return gone

    def _lose(self, kept: _Kept, slots: Sequence[Slot], rows: Columns, wrong: Wrong) -> None:
        """Count the readings that only these slots told of, at their time, or where it is not known, by now."""
        if not slots:
            return
        inside = covering(slots)
        states = list(spans(slots))
        count = sum(slot.told.n for *_, slot in states if slot) - len({at for at in rows.at if inside(at)})
        start, end, tags = wrong.decided, wrong.decided + 1, None
        if wrong.shift is not None:
            start, end = states[0][0] + wrong.shift, states[-1][1] + wrong.shift + 1
            tags = 1
        Gaps(self._db).add(Gap(CLOCK, start, end, kept.grain, None, tags, count, wrong.decided))

    def _keep(self, block: int, kept: _Kept, slots: Sequence[Slot], rows: Columns) -> None:
        """Leave these slots and rows of a block, or nothing of it."""
        self.erase([block])
        if slots:
            told = reduce(Summary.then, Thinned(slots, rows, Columns()).parts([], self.days))
            seen = max([*rows.seen, *(slot.seen for slot in slots)])
            place = Place(kept.tag, kept.level, kept.start, kept.holds)
            self.put_thin(place, kept.grain, seen, told, encode(slots, rows), block)
        elif len(rows):
            self._insert(block, *kept[:5], summary(rows, self.days), rows)

    def _newest(self, tags: set[int]) -> None:
        """Find the newest of what is left of tags, and let every reader begin anew."""
        if not tags:
            return
        self._db.executemany("DELETE FROM present WHERE tag = ?", [(tag,) for tag in tags])
        hot = Hot()
        hot.refresh(self._db)
        archive = Archive(self._db, hot)
        found = ((tag, archive.before(tag, FOREVER, "n")) for tag in tags)
        remember(self._db, [(tag, sample) for tag, sample in found if sample])
        self._db.execute("UPDATE mark SET value = ? WHERE name = 'opening'", (randbits(62),))
