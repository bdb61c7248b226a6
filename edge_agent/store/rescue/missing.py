"""Which rows that were read from another file are not in the archive yet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.slot import Slot, covering
from edge_agent.store.rescue.aside import DAMAGED
from edge_agent.store.sealed.archive import Archive

_Row = tuple[int, float | None, int, str | None]  # when it was got, value, quality, reason


class Missing(NamedTuple):
    """The indices of the rows to add, and how many are left out as the archive has a later word on their moment."""

    new: list[int]
    superseded: int


class _Known(NamedTuple):
    """What the archive has of a tag: rows by their moment, and whether it has thinned a moment."""

    rows: defaultdict[int, list[_Row]]
    thinned: Callable[[int], bool]


def missing(archive: Archive, tags: Sequence[int], rows: Columns) -> Missing:
    """Of rows in the order of writing, row i of tag i, those that the archive has not, superseded ones too.

    A row that was got before the archive's newest of its moment, or with it, stays out: appended now it would
    supersede it. Of a thinned moment it is known what it came to.
    """
    moments: defaultdict[int, set[int]] = defaultdict(set)
    for tag, at in zip(tags, rows.at, strict=True):
        moments[tag].add(at)
    known = {tag: _known(archive, tag, sorted(wanted)) for tag, wanted in moments.items()}
    ours: defaultdict[tuple[int, int], set[_Row]] = defaultdict(set)  # what of a moment stands here, so far
    new, superseded = [], 0
    for index, (tag, at) in enumerate(zip(tags, rows.at, strict=True)):
        row: _Row = (rows.seen[index], rows.values[index], rows.qualities[index], rows.reasons[index])
        there, before = known[tag].rows.get(at, []), ours[tag, at]
        if row in there or row in before:
            before.add(row)
            continue
        gone = not there and known[tag].thinned(at)
        if gone or any(_stands(one, row, before) for one in there if one[3] != DAMAGED):
            superseded += 1
            continue
        before.add(row)
        new.append(index)
    return Missing(new, superseded)


def _stands(there: _Row, row: _Row, before: set[_Row]) -> bool:
    """Whether a row of the archive is a later word than this one; of one time, what the file said before is not."""
    return there[0] > row[0] or (there[0] == row[0] and there not in before)


def _known(archive: Archive, tag: int, moments: list[int]) -> _Known:
    """What there is of the moments, piece by piece: what lies between them is let go at once."""
    found: defaultdict[int, list[_Row]] = defaultdict(list)
    slots: list[Slot] = []
    wanted = set(moments)
    for piece in chain.from_iterable(archive.runs(tag, moments[0], moments[-1])):
        inside = moments[bisect_left(moments, piece.first_at) : bisect_right(moments, piece.last_at)]
        if not inside:
            continue
        slots += piece.slots()
        rows = piece.read(inside[0], inside[-1])
        said = zip(rows.seen, rows.values, rows.qualities, rows.reasons, strict=True)
        for at, row in zip(rows.at, said, strict=True):
            if at in wanted:
                found[at].append(row)
    return _Known(found, covering(slots))
