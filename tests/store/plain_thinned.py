"""The plain table when some of its time was thinned: what remains by the plainest of rules, and what went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers.reading import Kind
from edge_agent.store.codec.columns import FOREVER
from edge_agent.store.keep.grain import edges_of
from edge_agent.store.sealed.archive import asking
from edge_agent.store.store import PLANT_DB
from tests.store.plain import Plain, Row

Span = tuple[str, int, int]  # tag, first and last moment, both included


@dataclass
class PlainThinned(Plain):
    """As Plain; `gone` are the rows that thinning took, in the order of writing."""

    gone: list[Row] = field(default_factory=list)
    slots: list[Span] = field(default_factory=list)
    count: int = 0  # of rows when it was thinned last
    late: set[str] = field(default_factory=set)  # tags that got rows into thinned time, or near it

    def past(self, rows: Sequence[Row]) -> int:
        """Of a moment of which a reading may be gone, nothing is news."""
        there = {(row.tag, row.at) for row in self.rows}
        gone = [r for r in rows if (r.tag, r.at) not in there and any(self._inside(r, slot) for slot in self.slots)]
        return super().past([row for row in rows if row not in gone])

    def whole(self) -> Plain:
        """As if nothing had been thinned."""
        return Plain([*self.gone, *self.rows])

    def came_late(self, around: int) -> set[str]:
        """The tags that ever got a row into thinned time, or so near to it."""
        for row in self.rows[self.count :]:
            spans = [slot for slot in self.slots if slot[0] == row.tag]
            self.late |= {row.tag for _, first, last in spans if first - around <= row.at <= last + around}
        return self.late

    def thin(self, blocks: Sequence[tuple[str, int, int, int]], elsewhere: Counter[Row], zone: ZoneInfo) -> None:
        """Thin blocks: tag, first and last moment, grain; rows that lie elsewhere stay."""
        self.slots = []
        for tag, first, last, grain in blocks:
            left = elsewhere.copy()
            inside = []
            for row in reversed(self.rows):  # what lies elsewhere was written later
                if row.tag == tag and first <= row.at <= last:
                    if left[row]:
                        left[row] -= 1
                    else:
                        inside.append(row)
            self._thin(inside[::-1], edges_of(first, last, grain, zone))
        self.count = len(self.rows)

    def _thin(self, rows: list[Row], edges: list[int]) -> None:
        newest = {row.at: row for row in rows}
        valid = [newest[at] for at in sorted(newest)]
        kept: list[Row] = []
        for _, group in groupby(valid, lambda row: sum(edge <= row.at for edge in edges)):
            slot = list(group)
            good = [row for row in slot if row.quality == 0 and row.value is not None]
            kept += [slot[0], slot[-1], *good[:1], *good[-1:]]
            self.slots.append((slot[0].tag, slot[0].at, slot[-1].at))
        good = [row for row in valid if row.quality == 0 and row.value is not None]
        for before, after in pairwise(valid):
            if before.tag == "inv.state" and before[3:] != after[3:]:
                kept += [before, after]
        for before, after in pairwise(good):
            if before.tag == "m.e" and (after.value or 0.0) < (before.value or 0.0):
                kept += [before, after]
        staying = set(map(id, kept))
        lost = {id(row) for row in rows if id(row) not in staying}
        self.gone += [row for row in self.rows if id(row) in lost]
        self.rows[:] = [row for row in self.rows if id(row) not in lost]

    @staticmethod
    def _inside(row: Row, slot: Span) -> bool:
        return slot[0] == row.tag and slot[1] <= row.at <= slot[2]


KINDS = {"m.e": Kind.COUNTER.value, "inv.state": Kind.STATE.value}


def thinned_blocks(data: Path) -> tuple[list[tuple[str, int, int, int]], Counter[Row]]:
    """The thinned blocks of a database as `PlainThinned.thin` wants them, and every row that lies in no such block."""
    blocks, elsewhere = [], Counter[Row]()
    with asking(data / PLANT_DB) as archive:
        assert archive is not None
        for name, tag in archive.ids().items():
            for piece in chain.from_iterable(archive.runs(tag, -FOREVER, FOREVER)):
                rows = [Row(name, *sample) for sample in piece.read(-FOREVER, FOREVER).samples()]
                if not piece.slots():
                    elsewhere.update(rows)
                    continue
                found = archive._db.execute(
                    "SELECT MAX(grain) FROM block WHERE tag = ? AND first_at = ? AND last_at = ?",
                    (tag, piece.first_at, piece.last_at),
                )
                blocks.append((name, piece.first_at, piece.last_at, int(found.fetchone()[0])))
    return blocks, elsewhere
