"""Which rows of a tag stay when its time is thinned: every one of them is real, none is made up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from drivers.reading import Kind, Quality
from edge_agent.store.codec.columns import Columns

RARE = 8  # of a tag of unknown kind: fewer falls than one in so many good readings make it a counter


def remaining(rows: Columns, spans: Iterable[tuple[int, int]], kind: Kind, moments: Sequence[int] = ()) -> Columns:
    """Of the newest rows of moments those that stay.

    spans: the first and last moment of each slot. Of each slot the first and the last row and good row stay;
    of a counter both sides of a fall, of a state both sides of a change; and the good rows on both sides of
    `moments`, between which accounts draw a line.
    """
    good = [i for i, q in enumerate(rows.qualities) if q == Quality.GOOD and rows.values[i] is not None]
    found = set(_ends(rows, spans, good))
    if kind is Kind.COUNTER:
        found.update(_falls(rows, good))
    if kind is Kind.STATE:
        found.update(_changes(rows))
    at = [rows.at[i] for i in good]
    for moment in moments:
        before, after = bisect_right(at, moment) - 1, bisect_left(at, moment)
        found.update(good[place] for place in (before, after) if 0 <= place < len(good))
    return rows.pick(sorted(found))


def kind_of(told: str | None, falls: int, good: int) -> Kind:
    """The kind of a tag that no site file has described: a counter where it seldom falls."""
    if told is not None:
        return Kind(told)
    return Kind.COUNTER if falls * RARE <= good else Kind.GAUGE


def _ends(rows: Columns, spans: Iterable[tuple[int, int]], good: list[int]) -> Iterator[int]:
    for first, last in spans:
        begin, end = bisect_left(rows.at, first), bisect_right(rows.at, last)
        if begin == end:
            continue
        yield from (begin, end - 1)
        begin, end = bisect_left(good, begin), bisect_left(good, end)
        if begin < end:
            yield from (good[begin], good[end - 1])


def _falls(rows: Columns, good: list[int]) -> Iterator[int]:
    values = rows.values
    for before, after in pairwise(good):
        if (values[after] or 0.0) < (values[before] or 0.0):
            yield from (before, after)


def _changes(rows: Columns) -> Iterator[int]:
    states = list(zip(rows.values, rows.qualities, rows.reasons, strict=True))
    for index, (before, after) in enumerate(pairwise(states)):
        if before != after:
            yield from (index, index + 1)
