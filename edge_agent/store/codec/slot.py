"""A span of time of one tag whose rows were thinned: what they came to, and how later rows amend it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from edge_agent.store.codec.columns import FOREVER, Columns, joined
from edge_agent.store.codec.summary import Summary, digest
from edge_agent.store.sealed.span import Days, median_step


class Slot(NamedTuple):
    """What all rows from `told.first_at` to `told.last_at` came to, those that are gone too."""

    seen: int  # the newest time at which one of them was got
    told: Summary


class Thinned(NamedTuple):
    """What is there of some time: slots by time, the rows that remain of them, and rows written later."""

    slots: Sequence[Slot]
    kept: Columns
    late: Columns

    def rows(self, until: int = FOREVER) -> Columns:
        """The newest remaining row of each moment, among those seen by a time."""
        return joined([self.kept, self.late]).ordered().valid(until)

    def parts(self, edges: Sequence[int], days: Days, until: int = FOREVER) -> Iterator[Summary]:
        """By time what lies between any two edges, as recorded by a time.

        Of a slot that an edge cuts, or that has rows recorded later, only the rows that remain are told.
        """
        rows, done = self.rows(until), -FOREVER
        paces = {days.start(slot.told.first_at): slot.told.step for slot in self.slots}

        def loose(part: Columns) -> Iterator[Summary]:
            for day, of_day in days.by(part):
                pace = paces.get(day) or median_step(of_day)
                yield from (digest(between, pace) for between in cut(of_day, edges))

        for slot in self.slots:
            first, last = slot.told.first_at, slot.told.last_at
            yield from loose(rows.between(done, first - 1))
            inside = rows.between(first, last)
            if slot.seen <= until and bisect_right(edges, first) == bisect_right(edges, last):
                yield self._amended(slot.told, inside, until)
            else:
                yield from loose(inside)
            done = last + 1
        yield from loose(rows.between(done, FOREVER))

    def _amended(self, told: Summary, rows: Columns, until: int) -> Summary:
        """A slot with the rows that came later: they count as further moments, but for those they supersede."""
        late = self.late.between(told.first_at, told.last_at).valid(until)
        if not late.at:
            return told
        moments = set(late.at)
        kept = self.kept.between(told.first_at, told.last_at).valid(until)
        gone = _digest(kept.pick([i for i, at in enumerate(kept.at) if at in moments]), told.step)
        more, there = _digest(late, told.step), _digest(rows, told.step)
        low = [x for x in (told.low, more.low) if x is not None]
        high = [x for x in (told.high, more.high) if x is not None]
        good = told.good + more.good - gone.good
        amended = told._replace(
            n=told.n + more.n - gone.n,
            usable=told.usable + more.usable - gone.usable,
            good=good,
            worst=max(told.worst, more.worst),
            falls=there.falls,
            opened=there.opened,
            opening=there.opening,
            closed=there.closed,
            closing=there.closing,
        )
        if not good:
            return amended._replace(low=None, high=None, total=None, held=0, area=0.0, joined=0)
        total = (told.total or 0.0) + (more.total or 0.0) - (gone.total or 0.0)
        area = told.area if told.good else more.area
        return amended._replace(low=min(low), high=max(high), total=total, area=area)


def covering(slots: Iterable[Slot]) -> Callable[[int], bool]:
    """Whether a moment lies in one of some slots; a reading of it may be gone."""
    spans = sorted((slot.told.first_at, slot.told.last_at) for slot in slots)
    firsts = [first for first, _ in spans]

    def covers(at: int) -> bool:
        place = bisect_right(firsts, at) - 1
        return place >= 0 and at <= spans[place][1]

    return covers


def cut(rows: Columns, edges: Sequence[int]) -> Iterator[Columns]:
    """Ordered rows from edge to edge."""
    first = 0
    while first < len(rows):
        place = bisect_right(edges, rows.at[first])
        last = bisect_left(rows.at, edges[place], first) if place < len(edges) else len(rows)
        yield rows.slice(first, last)
        first = last


def _digest(rows: Columns, step: int | None) -> Summary:
    return digest(rows, step) if rows.at else Summary()
