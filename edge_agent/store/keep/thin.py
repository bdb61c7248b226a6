"""Thinning: the readings of a time become slots of 15 minutes, those hours, those days, the oldest time first.

Each step is one transaction of the store. Day values stay, and so does a block whose slots would not be smaller.
"""

from __future__ import annotations

import sqlite3
import zlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from edge_agent.store.codec.block import decode
from edge_agent.store.codec.columns import FOREVER, Columns, joined
from edge_agent.store.codec.slot import Slot, Thinned, cut, spans
from edge_agent.store.codec.slot_body import decode as slots_of
from edge_agent.store.codec.slot_body import encode
from edge_agent.store.codec.summary import Summary
from edge_agent.store.keep.gaps import Gap, Gaps
from edge_agent.store.keep.grain import DAYS, HOURS, QUARTERS, ROWS, edges_of
from edge_agent.store.keep.remaining import kind_of, remaining
from edge_agent.store.keep.revisions import revisions
from edge_agent.store.sealed.blocks import Blocks, Place, packed
from edge_agent.store.sealed.span import DAY, DAY_US, MONTH

HALF_YEAR_US = 183 * DAY_US
STEP_ROWS = 50_000  # rows decoded in one step, and one unit more
FEW = 4  # rows a slot take no more bytes than the slot
MOST_STATES = 32  # that differ in a unit: what is corrected more often stays as it is
GAIN = 0.9  # slots must take less than this share of what they stand for
_HEADER_BYTES = 150  # of one block in the tables
_WORTH = (
    "FROM block WHERE level < 3 AND due IS NULL AND grain = ? AND seen <= ? AND start BETWEEN 0 AND 250000000000000000"
)
_OLDEST = f"SELECT MIN(start) {_WORTH}"
_TAGS = f"SELECT DISTINCT tag {_WORTH} AND start >= ? AND start < ? ORDER BY tag DESC"
_UNIT = """
SELECT id, level, holds, grain, seen FROM block
WHERE tag = ? AND level < 3 AND level IN (1, 2) AND start >= ? AND start < ?
  AND (grain > 0 OR (due IS NULL AND seen <= ?)) ORDER BY level, holds, id"""


class _Block(NamedTuple):
    id: int
    level: int
    holds: int
    grain: int
    seen: int


class _Body(NamedTuple):
    """What lies in a block, and how many bytes it takes."""

    block: _Block
    size: int
    rows: Columns
    slots: list[Slot]


@dataclass
class _Round:
    """What is thinned in one go: the blocks of a day or month, of these tags, so far as their readings were sent."""

    grain: int
    start: int
    end: int
    sent: int
    tags: list[int]


class Thinner:
    """What can be thinned in the database of one writer; a round that is broken off is begun anew."""

    def __init__(self, db: sqlite3.Connection, zone: ZoneInfo) -> None:
        self._db, self._zone = db, zone
        self._blocks, self._gaps = Blocks(db), Gaps(db)
        self._round: _Round | None = None

    def forget(self) -> None:
        """Begin anew, after a transaction that failed."""
        self._round = None

    def step(self, why: str) -> bool:
        """Thin some tags; whether there was anything left that may go for this reason."""
        now = self._now()
        this = self._round = self._round or self._begin(now, why)
        if this is None:
            return False
        rows = 0
        while this.tags and rows < STEP_ROWS:
            before, after, finest = self._thin(this, this.tags.pop())
            rows += before
            if after < before:
                self._gaps.add(Gap(why, this.start, this.end, finest, this.grain, 1, before - after, now))
        if not this.tags:
            self._round = None
        return True

    def _now(self) -> int:
        """The time at which the middle one of the latest readings was got; one wrong date does not move it."""
        commits = "SELECT seen FROM hot WHERE id > (SELECT value FROM mark WHERE name = 'sealed') ORDER BY seen"
        for statement in (commits, "SELECT seen FROM present ORDER BY seen"):
            found = [seen for (seen,) in self._db.execute(statement)]
            if len(found) > 2:
                break
        return found[len(found) // 2] if found else 0

    def _begin(self, now: int, why: str) -> _Round | None:
        """Readings first, as far as they were sent; then what is coarser; at last what was not sent."""
        sent = self._db.execute("SELECT COALESCE(MIN(sent), ?) FROM uplink", (FOREVER,)).fetchone()[0]
        return (
            self._oldest(QUARTERS, sent)
            or self._oldest(HOURS, FOREVER, now - HALF_YEAR_US)
            or self._oldest(DAYS, FOREVER, now - HALF_YEAR_US)
            or (self._oldest(QUARTERS, FOREVER) if why == "reserve" else None)
        )

    def _oldest(self, grain: int, sent: int, before: int = FOREVER) -> _Round | None:
        """The oldest time that is finer than a grain, and ended before a time."""
        start = self._db.execute(_OLDEST, (grain - 1, sent)).fetchone()[0]
        if start is None:
            return None
        begin, end = (start, start + DAY_US) if grain == QUARTERS else self._month(start)
        if end > before:
            return None
        tags = self._db.execute(_TAGS, (grain - 1, sent, begin, end)).fetchall()
        return _Round(grain, begin, end, sent, [tag for (tag,) in tags])

    def _month(self, start: int) -> tuple[int, int]:
        return self._blocks.days.month(start) or (start, start + DAY_US)

    def _thin(self, this: _Round, tag: int) -> tuple[int, int, int]:
        """All blocks of one tag that share a time become one; answers the rows before and after, and the grain."""
        level, *span = self._unit(this, tag)
        found = self._db.execute(_UNIT, (tag, *span, this.sent)).fetchall()
        bodies = [body for body in (self._read(_Block(*row), this.grain) for row in found) if body]
        if not bodies:
            return 0, 0, ROWS
        blocks = [body.block for body in bodies]
        grain = max(this.grain, *(block.grain for block in blocks))
        there = _there(bodies)
        before = len(there.kept) + len(there.late)
        slots, states = self._slots(there, grain)
        if not slots:
            return self._leave(blocks, grain, before)
        kept = self._kept(tag, there, slots, states)
        body = encode(slots, kept)
        if len(body) + _HEADER_BYTES > GAIN * sum(old.size + _HEADER_BYTES for old in bodies):
            return self._leave(blocks, grain, before)
        holds = max((block.holds for block in blocks if block.level == level), default=0)
        header = self._header(blocks, slots)
        self._blocks.erase([block.id for block in blocks])
        seen = max(block.seen for block in blocks)
        self._blocks.put_thin(Place(tag, level, span[0], holds), grain, seen, header, body)
        return before, len(kept), min(body.block.grain if body.slots else ROWS for body in bodies)

    def _read(self, block: _Block, grain: int) -> _Body | None:
        """What lies in a block; one that does not decode stays as it is, for those who mend."""
        try:
            body = packed(self._db, block.id)
            return _Body(block, len(body), decode(body), slots_of(body))
        except zlib.error:
            self._db.execute("UPDATE block SET grain = MAX(grain, ?) WHERE id = ?", (grain, block.id))
            return None

    def _leave(self, blocks: list[_Block], grain: int, rows: int) -> tuple[int, int, int]:
        """Blocks whose slots would not be smaller stay as they are, and are not tried again."""
        self._db.executemany("UPDATE block SET grain = ? WHERE id = ?", [(grain, block.id) for block in blocks])
        return rows, rows, ROWS

    def _unit(self, this: _Round, tag: int) -> tuple[int, int, int]:
        """Level, start and end of what becomes one block: a month where the tag has a block of it."""
        month = self._month(this.start)
        there = "SELECT 1 FROM block WHERE tag = ? AND level < 3 AND level = ? AND start >= ? AND start < ?"
        if this.grain > QUARTERS or self._db.execute(there, (tag, MONTH, *month)).fetchone():
            return MONTH, *month
        return DAY, this.start, this.end

    def _kept(self, tag: int, there: Thinned, slots: list[Slot], states: list[int]) -> Columns:
        """Every row, superseded ones too, of the moments that stay in any state."""
        told = [slot.told for _, _, slot in spans(slots) if slot]
        (named,) = self._db.execute("SELECT kind FROM tag WHERE id = ?", (tag,)).fetchone()
        kind = kind_of(named, sum(one.falls for one in told), sum(one.good for one in told))
        ends = [(first, last) for first, last, _ in spans(slots)]
        rows = joined([there.kept, there.late]).ordered()
        lines, stay = self._moments(rows), set[int]()
        for until in states:
            stay.update(remaining(there.rows(until), ends, kind, lines).at)
        return rows.pick([index for index, at in enumerate(rows.at) if at in stay])

    def _slots(self, there: Thinned, grain: int) -> tuple[list[Slot], list[int]]:
        """The slots of a grain that all there is comes to, and until when the states of them hold.

        None where each would have too few rows, or where there are too many states.
        """
        rows = joined([there.kept, there.late]).ordered()
        first = min(rows.at[0], *(slot.told.first_at for slot in there.slots), FOREVER)
        last = max(rows.at[-1], *(slot.told.last_at for slot in there.slots), -FOREVER)
        edges = _whole(edges_of(first, last, grain, self._zone), there.slots)
        if not there.slots and len(rows) <= FEW * len({bisect_right(edges, at) for at in rows.at}):
            return [], []
        revised = self._revised(there, rows, edges)
        states = sorted({until for untils in revised.values() for until in untils})
        if len(states) > MOST_STATES:
            return [], []
        found = []
        for until in states:
            parts = there.parts(edges, self._blocks.days, until)
            for place, group in groupby(parts, lambda part: bisect_right(edges, part.first_at)):
                if until in revised[place]:
                    found.append(Slot(revised[place][until], reduce(Summary.then, group)))
        return sorted(found, key=lambda slot: (slot.told.first_at, slot.seen)), states

    @staticmethod
    def _revised(there: Thinned, rows: Columns, edges: list[int]) -> dict[int, dict[int, int]]:
        """The states of what lies between two edges, by the number of the later one."""
        inside: defaultdict[int, list[Slot]] = defaultdict(list)
        for slot in there.slots:
            inside[bisect_right(edges, slot.told.first_at)].append(slot)
        found = {}
        for part in cut(rows, edges):
            place = bisect_right(edges, part.at[0])
            found[place] = revisions(part, there.late.between(part.at[0], part.at[-1]), inside[place])
        return found

    def _header(self, blocks: list[_Block], slots: list[Slot]) -> Summary:
        """What all rows came to; that of a single block stays as it is."""
        if len(blocks) > 1:
            return reduce(Summary.then, [slot.told for _, _, slot in spans(slots) if slot])
        names = ", ".join(Summary._fields)
        return Summary(*self._db.execute(f"SELECT {names} FROM block WHERE id = ?", (blocks[0].id,)).fetchone())

    def _moments(self, rows: Columns) -> list[int]:
        """From when the ledger says another ratio holds."""
        found = self._db.execute("SELECT at FROM ledger WHERE at BETWEEN ? AND ?", (rows.at[0], rows.at[-1]))
        return [at for (at,) in found]


def _there(bodies: list[_Body]) -> Thinned:
    """What bodies in the order of writing hold; those without slots were written later."""
    slots = sorted((slot for body in bodies for slot in body.slots), key=lambda slot: slot.told.first_at)
    kept, late = Columns(), Columns()
    for body in bodies:
        (kept if body.slots else late).extend(body.rows)
    return Thinned(slots, kept.ordered(), late.ordered())


def _whole(edges: list[int], slots: Sequence[Slot]) -> list[int]:
    """The edges that cut no slot: a site's zone may have changed."""
    found = [(first, last) for first, last, _ in spans(slots)]
    firsts = [first for first, _ in found]
    kept = []
    for edge in edges:
        place = bisect_left(firsts, edge) - 1
        if place < 0 or found[place][1] < edge:
            kept.append(edge)
    return kept
