"""Which rows that were read from another file are not in the archive yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.slot import covering
from edge_agent.store.rescue.aside import DAMAGED
from edge_agent.store.sealed.archive import Archive

_Row = tuple[int, float | None, int, str | None]  # when it was got, value, quality, reason


class Missing(NamedTuple):
    """The indices of the rows to add, and how many are left out as the archive has a later word on their moment."""

    new: list[int]
    superseded: int


def missing(archive: Archive, tags: Sequence[int], rows: Columns) -> Missing:
    """Of rows in the order of writing, row i of tag i, those that the archive has not, superseded ones too.

    A row that was got before the archive's newest of its moment stays out: appended now it would supersede it.
    """
    spans: dict[int, tuple[int, int]] = {}
    for tag, at in zip(tags, rows.at, strict=True):
        first, last = spans.get(tag, (at, at))
        spans[tag] = min(first, at), max(last, at)
    known = {tag: _known(archive, tag, *span) for tag, span in spans.items()}
    thinned = {tag: _thinned(archive, tag, *span) for tag, span in spans.items()}
    new, superseded = [], 0
    for index, (tag, at) in enumerate(zip(tags, rows.at, strict=True)):
        row: _Row = (rows.seen[index], rows.values[index], rows.qualities[index], rows.reasons[index])
        there = known[tag][at]
        if row in there:
            continue
        gone = not there and thinned[tag](at)
        if gone or any(seen > row[0] for seen, _, _, why in there if why != DAMAGED):
            superseded += 1
            continue
        there.append(row)
        new.append(index)
    return Missing(new, superseded)


def _thinned(archive: Archive, tag: int, start: int, end: int) -> Callable[[int], bool]:
    """Whether the archive has thinned a moment: what it came to then is known, and would be counted twice."""
    pieces = chain.from_iterable(archive.runs(tag, start, end))
    return covering(chain.from_iterable(piece.slots() for piece in pieces))


def _known(archive: Archive, tag: int, start: int, end: int) -> defaultdict[int, list[_Row]]:
    """Every row of a tag from moment to moment, both included, by its moment."""
    found: defaultdict[int, list[_Row]] = defaultdict(list)
    for piece in chain.from_iterable(archive.runs(tag, start, end)):
        rows = piece.read(start, end)
        said = zip(rows.seen, rows.values, rows.qualities, rows.reasons, strict=True)
        for at, row in zip(rows.at, said, strict=True):
            found[at].append(row)
    return found
