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
from edge_agent.store.sealed.span import GRACE_US
from edge_agent.store.store import PLANT_DB
from tests.store.plain import Plain, Row

Span = tuple[str, int, int]  # tag, first and last moment, both included
Block = tuple[str, int, int, int, set[int]]  # tag, first and last moment, grain, the moments that stayed


@dataclass
class PlainThinned(Plain):
    """As Plain; `gone` are the rows that thinning took, in the order of writing."""

    gone: list[Row] = field(default_factory=list)
    slots: list[Span] = field(default_factory=list)
    count: int = 0  # of rows when it was thinned last
    apart: list[Row] = field(default_factory=list)  # rows that were there then, and in no thinned block
    late: dict[str, int] = field(
        default_factory=dict
    )  # tags that got rows into thinned time, or near it, and since when

    def past(self, rows: Sequence[Row]) -> int:
        """Of a moment of which a reading may be gone, nothing is news."""
        there = {(row.tag, row.at) for row in self.rows}
        gone = [r for r in rows if (r.tag, r.at) not in there and any(self._inside(r, slot) for slot in self.slots)]
        return super().past([row for row in rows if row not in gone])

    def whole(self) -> Plain:
        """As if nothing had been thinned."""
        return Plain([*self.gone, *self.rows])

    def came_late(self, around: int) -> dict[str, int]:
        """The tags that ever got a row into thinned time, or so near to it, and when they got the first."""
        for row in [*self.apart, *self.rows[self.count :]]:
            spans = [slot for slot in self.slots if slot[0] == row.tag]
            if any(first - around <= row.at <= last + around for _, first, last in spans):
                self.late[row.tag] = min(row.seen, self.late.get(row.tag, FOREVER))
        return self.late

    def thin(self, blocks: Sequence[Block], elsewhere: Counter[Row], zone: ZoneInfo) -> None:
        """Thin blocks; rows that lie elsewhere stay."""
        self.slots = []
        for tag, first, last, grain, kept in blocks:
            left = elsewhere.copy()
            inside = []
            for row in reversed(self.rows):  # what lies elsewhere was written later
                if row.tag == tag and first <= row.at <= last:
                    if left[row]:
                        left[row] -= 1
                    else:
                        inside.append(row)
            self._thin(inside[::-1], edges_of(first, last, grain, zone), kept)
        self.count, self.apart = len(self.rows), list(elsewhere)

    def _thin(self, rows: list[Row], edges: list[int], kept: set[int]) -> None:
        """What stays in the newest state, and of what was over in any state, stays; nothing else that never did."""
        ends = {}
        for number, group in groupby(sorted(rows, key=lambda row: row.at), lambda row: _slot(row, edges)):
            slot = list(group)
            ends[number] = slot[-1].at
            self.slots.append((slot[0].tag, slot[0].at, slot[-1].at))
        must, may = _staying(rows, edges), set[int]()
        for until in {row.seen for row in rows}:
            then = [row for row in rows if row.seen <= until]
            may |= _staying(then, edges)
            over = [row for row in then if ends[_slot(row, edges)] + GRACE_US <= until]
            must |= _of_slots(over, edges)
        assert must <= kept <= must | may
        staying = {id(row) for row in rows if row.at in kept}
        lost = {id(row) for row in rows if id(row) not in staying}
        self.gone += [row for row in self.rows if id(row) in lost]
        self.rows[:] = [row for row in self.rows if id(row) not in lost]

    def over(self, tag: str, before: int) -> int:
        """From when on all slots of a tag that begin before a moment are over, the hour of grace too."""
        return max((last for name, first, last in self.slots if name == tag and first < before), default=0) + GRACE_US

    @staticmethod
    def _inside(row: Row, slot: Span) -> bool:
        return slot[0] == row.tag and slot[1] <= row.at <= slot[2]


KINDS = {"m.e": Kind.COUNTER.value, "inv.state": Kind.STATE.value}


def _slot(row: Row, edges: list[int]) -> int:
    return sum(edge <= row.at for edge in edges)


def _valid(rows: list[Row]) -> list[Row]:
    newest = {row.at: row for row in rows}
    return [newest[at] for at in sorted(newest)]


def _good(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.quality == 0 and row.value is not None]


def _of_slots(rows: list[Row], edges: list[int]) -> set[int]:
    """The moments of the first and last row, and good row, of each slot."""
    found = set[int]()
    for _, group in groupby(_valid(rows), lambda row: _slot(row, edges)):
        slot = list(group)
        found |= {row.at for row in (slot[0], slot[-1], *_good(slot)[:1], *_good(slot)[-1:])}
    return found


def _staying(rows: list[Row], edges: list[int]) -> set[int]:
    """Those, and both sides of changes and falls."""
    found, valid = _of_slots(rows, edges), _valid(rows)
    for before, after in pairwise(valid):
        if before.tag == "inv.state" and before[3:] != after[3:]:
            found |= {before.at, after.at}
    for before, after in pairwise(_good(valid)):
        if before.tag == "m.e" and (after.value or 0.0) < (before.value or 0.0):
            found |= {before.at, after.at}
    return found


def thinned_blocks(data: Path) -> tuple[list[Block], Counter[Row]]:
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
                grain, kept = int(found.fetchone()[0]), {row.at for row in rows}
                blocks.append((name, piece.first_at, piece.last_at, grain, kept))
    return blocks, elsewhere
