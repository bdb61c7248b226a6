"""Thinned time of another file: its slots come back as slots where the archive has nothing of them."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain
from typing import NamedTuple

from edge_agent.store.codec.block import decode
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.slot import Slot, covering
from edge_agent.store.codec.slot_body import decode as slots_of
from edge_agent.store.codec.slot_body import encode
from edge_agent.store.codec.summary import Summary
from edge_agent.store.keep.gaps import Gap, Gaps, gaps_between
from edge_agent.store.sealed.archive import Archive
from edge_agent.store.sealed.blocks import Blocks, Place
from edge_agent.store.sealed.index import Piece
from edge_agent.store.sealed.seal import remember
from edge_agent.store.sealed.span import DAY, DAY_US, MONTH, Days

_Said = tuple[int, int, float | None, int, str | None]


class Content(NamedTuple):
    """What a block holds: by time what its rows came to where it is thinned, and the rows that are there."""

    slots: Sequence[Slot]
    rows: Columns

    @classmethod
    def of(cls, body: bytes) -> Content:
        """Raises zlib.error and others for what is none."""
        return cls(slots_of(body), decode(body))

    @property
    def readings(self) -> int:
        """How many moments of thinned time had one."""
        return sum(slot.told.n for slot in self.slots)


def put_lacking(db: sqlite3.Connection, archive: Archive, tag: int, found: Content, gap: Gap) -> int:
    """Add those slots of a tag in whose time the archive has nothing else; answers how many readings they stand for.

    gap: the loss that the thinning was, as the other file has it.
    """
    blocks = Blocks(db)
    new = _lacking(archive, tag, found)
    place = _place(blocks.days, tag, new.slots)
    if place is None or gap.after is None:
        return 0
    told = reduce(Summary.then, (slot.told for slot in new.slots))
    seen = max(*new.rows.seen, *(slot.seen for slot in new.slots))
    blocks.put_thin(place, gap.after, seen, told, encode(new.slots, new.rows))
    remember(db, [(tag, new.rows.sample(len(new.rows) - 1))])
    _count(db, new, gap)
    return new.readings


def _lacking(archive: Archive, tag: int, found: Content) -> Content:
    """The slots without those in whose time there is something, but for rows that remain of the slot itself."""
    spans = [(slot.told.first_at, slot.told.last_at) for slot in found.slots]
    there = [(piece, piece.slots()) for piece in chain.from_iterable(archive.runs(tag, spans[0][0], spans[-1][1]))]
    here = [slot for _, slots in there for slot in slots]
    moments = [at for slot in here for at in (slot.told.first_at, slot.told.last_at)]
    remain = set(_said(found.rows))
    for piece in (piece for piece, slots in there if not slots):
        moments += _others(piece, spans[0][0], spans[-1][1], remain)
    moments.sort()
    is_thinned = covering(here)
    slots = [
        slot
        for slot, (first, last) in zip(found.slots, spans, strict=True)
        if not is_thinned(first) and bisect_left(moments, first) == bisect_right(moments, last)
    ]
    inside = covering(slots)
    return Content(slots, found.rows.pick([i for i, at in enumerate(found.rows.at) if inside(at)]))


def _others(piece: Piece, first: int, last: int, remain: set[_Said]) -> set[int]:
    return {row[0] for row in _said(piece.read(first, last)) if row not in remain}


def _said(rows: Columns) -> Iterator[_Said]:
    return zip(rows.at, rows.seen, rows.values, rows.qualities, rows.reasons, strict=True)


def _place(days: Days, tag: int, slots: Sequence[Slot]) -> Place | None:
    """The day or month that slots lie in; None where there is none, as the other file cuts its days elsewhere."""
    if not slots:
        return None
    first, last = slots[0].told.first_at, slots[-1].told.last_at
    day, month = days.start(first), days.month(first)
    if last < day + DAY_US:
        return Place(tag, DAY, day, 0)
    return Place(tag, MONTH, month[0], 0) if month and last < month[1] else None


def _count(db: sqlite3.Connection, new: Content, gap: Gap) -> None:
    """Enter what is gone, unless the gap was taken over from the other file."""
    same = (gap.why, gap.grain, gap.after)
    here = [one for one in gaps_between(db, gap.start, gap.end) if (one.why, one.grain, one.after) == same]
    if not any(one.start <= gap.start and one.end >= gap.end for one in here):
        first, last = new.slots[0].told.first_at, new.slots[-1].told.last_at
        Gaps(db).add(gap._replace(start=first, end=last + 1, tags=1, readings=new.readings - len(new.rows)))
