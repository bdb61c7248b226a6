"""Which rows of the past are news: those that differ from the newest row of their moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.slot import covering
from edge_agent.store.sealed.archive import Archive, read

_Said = tuple[float | None, int]  # value and quality
_GONE: _Said = None, -1  # of a moment whose reading, if there was one, is thinned away


def news(archive: Archive, tags: Sequence[int], rows: Columns) -> list[int]:
    """The indices of the rows, row i of tag i, that say of their moment what is not known; earlier rows are known."""
    moments: defaultdict[int, set[int]] = defaultdict(set)
    for tag, at in zip(tags, rows.at, strict=True):
        moments[tag].add(at)
    known = {tag: _known(archive, tag, sorted(wanted)) for tag, wanted in moments.items()}
    found = []
    for index, (tag, at) in enumerate(zip(tags, rows.at, strict=True)):
        said = rows.values[index], rows.qualities[index]
        if known[tag].get(at) not in (said, _GONE):
            known[tag][at] = said
            found.append(index)
    return found


def _known(archive: Archive, tag: int, moments: list[int]) -> dict[int, _Said]:
    """What is said of a tag at moments, and at others between them."""
    found: dict[int, _Said] = {}
    for run in archive.runs(tag, moments[0], moments[-1]):
        first, last = min(piece.first_at for piece in run), max(piece.last_at for piece in run)
        inside = moments[bisect_left(moments, first) : bisect_right(moments, last)]
        if inside:
            there = read(run, inside[0], inside[-1])
            thinned = covering(chain.from_iterable(piece.slots() for piece in run))
            found.update((at, _GONE) for at in inside if thinned(at))
            found.update(zip(there.at, zip(there.values, there.qualities, strict=True), strict=True))
    return found
