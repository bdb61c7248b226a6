"""Drawing readings with wrong stamps out of the sealed blocks, some blocks a step; the other rows stay as they are.

A stamp is wrong by when the reading was got: what a clock set wrong has stamped lies between two such times.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from secrets import randbits

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.summary import summary
from edge_agent.store.rescue.aside import set_aside
from edge_agent.store.sealed.archive import Archive
from edge_agent.store.sealed.blocks import Blocks, body
from edge_agent.store.sealed.hot import Hot
from edge_agent.store.sealed.seal import remember

STEP_ROWS = 50_000  # read in one step, and one block more
# Of one moment, what a longer block has was written before what a shorter one has.
# Thinned time is long ago: a clock that is ahead has stamped none of it.
_FOUND = "SELECT id FROM block WHERE seen >= ? AND grain = 0 ORDER BY level DESC, holds DESC, id DESC"
_KEPT = "SELECT tag, level, start, due, holds FROM block WHERE id = ?"


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

    def step(self, first: int, last: int) -> Drawn:
        """Take out some of the rows that were got from first to last, both included; nothing may be open or merging."""
        if self._waiting is None:
            self._waiting = [block for (block,) in self._db.execute(_FOUND, (first,))]
        drawn, count, touched = Drawn(), 0, set()
        while self._waiting and count < STEP_ROWS:
            block = self._waiting.pop()
            kept = self._db.execute(_KEPT, (block,)).fetchone()
            if kept is None:  # merged since then, as somebody has filed readings meanwhile
                self.forget()
                break
            rows = body(self._db, block)
            wrong = [i for i, seen in enumerate(rows.seen) if first <= seen <= last]
            count += len(rows)
            if wrong:
                set_aside(self._db, rows, [block])
                drawn.tags += [kept[0]] * len(wrong)
                drawn.rows.extend(rows.pick(wrong))
                self._keep(block, kept, rows.pick([i for i, seen in enumerate(rows.seen) if not first <= seen <= last]))
                touched.add(kept[0])
        self._newest(touched)
        drawn.is_last = self._waiting == []
        if drawn.is_last:
            self.forget()
        return drawn

    def _keep(self, block: int, kept: tuple[int, int, int, int | None, int], rows: Columns) -> None:
        """Leave these rows of a block, or nothing of it."""
        self.erase([block])
        if len(rows):
            self._insert(block, *kept, summary(rows, self.days), rows)

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
