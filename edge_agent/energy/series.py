"""One tag period by period: the energy of a register, the mean of a gauge, the state that stood, what was filed.

All on the primary side. A mean is over the time for which the value is known; the coverage says for how
much of the period that is. An inverter that sleeps says nothing: its power is not known then, and not 0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drivers.reading import Kind, Quality
from edge_agent.energy.beside import Beside
from edge_agent.energy.books import Books
from edge_agent.energy.counter import Counter, consumption
from edge_agent.period import Period
from edge_agent.poll import LINK_ITEM
from edge_agent.site import MANUAL
from edge_agent.store.codec.summary import Summary

AT_ONCE = 3000  # periods worked out together: a month of quarter hours, a few MB


@dataclass(frozen=True, slots=True)
class PeriodValue:
    """What a tag came to from start to end, the end excluded; None is unknown.

    low and high bound an interpolated energy, and are the extremes of anything else. quality: good for a
    value of the whole period, uncertain for one of a part of it, bad for none.
    """

    start: int
    end: int
    value: float | None
    low: float | None
    high: float | None
    coverage: float

    @property
    def quality(self) -> Quality:
        if self.value is None:
            return Quality.BAD
        return Quality.GOOD if self.coverage >= 1.0 else Quality.UNCERTAIN


def series(books: Books, tag: str, edges: Sequence[int], runs: bool = False) -> Iterator[PeriodValue]:
    """From each edge to the next; runs: the last period ends now and goes on."""
    kind, number = kind_of(books, tag), books.reader.ids().get(tag)
    for first in range(0, len(edges) - 1, AT_ONCE):
        part = edges[first : first + AT_ONCE + 1]
        if kind == Kind.AMOUNT:
            yield from (_filed(books, tag, start, end) for start, end in pairwise(part))
        elif number is not None:
            last = runs and part[-1] == edges[-1]
            yield from _Part(books, tag, number, kind, part).values(last)


def kind_of(books: Books, tag: str) -> Kind:
    """What a value of a tag means over time; the agent's own tags are in no profile."""
    known = books.site.tags().get(tag)
    if known:
        return known.kind
    return Kind.STATE if tag.endswith(f".{LINK_ITEM}") else Kind.GAUGE


def _filed(books: Books, tag: str, start: int, end: int) -> PeriodValue:
    figure = books.used(tag, Period("", start, end))
    value = figure.best if figure.exact is None else figure.exact
    return PeriodValue(start, end, value, figure.low, figure.high, figure.coverage or 0.0)


class _Part:
    """Some periods, cut further where a transformer ratio changes."""

    def __init__(self, books: Books, tag: str, number: int, kind: Kind, edges: Sequence[int]) -> None:
        self._books, self._tag, self._edges, self._kind = books, tag, edges, kind
        self._counter = _counter(books, tag, number)
        self._moments = sorted({*edges, *self._counter.changes(edges[0], edges[-1])})
        self._number, self._told = number, books.reader.summaries(number, self._moments, books.at)

    def values(self, runs: bool) -> Iterator[PeriodValue]:
        """In their order."""
        if self._kind == Kind.COUNTER:
            yield from self._energies(runs)
            return
        for start, end in pairwise(self._edges):
            yield self._known(start, end)

    def _energies(self, runs: bool) -> Iterator[PeriodValue]:
        beside = Beside(self._books.reader, self._number, self._moments, self._told, self._books.at)
        by_hand = self._tag.startswith(f"{MANUAL}.")
        for start, end in pairwise(self._edges):
            period = Period("", start, end, open=runs and end == self._edges[-1])
            figure = consumption(beside, self._counter, period, self._books.at)
            joined = sum(told.joined for told in self._within(start, end)) / (end - start)
            # People read a register when they can: how far apart is said by its `stale_after`.
            coverage = (figure.coverage or 0.0) if by_hand else joined
            value = figure.best if figure.exact is None else figure.exact
            yield PeriodValue(start, end, value, figure.low, figure.high, coverage)

    def _known(self, start: int, end: int) -> PeriodValue:
        parts = [_on_primary_side(told, self._counter, at) for at, told in self._spans(start, end)]
        told = parts[0]
        for part in parts[1:]:
            told = told.beside(part)
        value = told.mean
        if self._kind == Kind.STATE:  # between two states there is none
            value = told.low if told.low == told.high else None
        return PeriodValue(start, end, value, told.low, told.high, told.held / (end - start))

    def _within(self, start: int, end: int) -> Sequence[Summary]:
        return self._told[bisect_left(self._moments, start) : bisect_left(self._moments, end)]

    def _spans(self, start: int, end: int) -> Iterator[tuple[int, Summary]]:
        place = bisect_left(self._moments, start)
        return zip(self._moments[place:], self._within(start, end), strict=False)


def _counter(books: Books, tag: str, number: int) -> Counter:
    if tag in books.site.tags():
        return books.counter(tag)
    return Counter(tag, number, "", 0, None, lambda _: 1.0, lambda *_: [], books.when)


def _on_primary_side(told: Summary, counter: Counter, at: int) -> Summary:
    ratio = counter.multiplier(at)
    if ratio == 1.0:
        return told
    low, high = (None if value is None else value * ratio for value in (told.low, told.high))
    return told._replace(low=low, high=high, area=told.area * ratio)
