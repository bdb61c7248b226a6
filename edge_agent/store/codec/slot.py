"""A span of time of one tag whose rows were thinned: what they came to, as recorded by one time or another."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from edge_agent.store.codec.amend import amended
from edge_agent.store.codec.columns import FOREVER, Columns, joined
from edge_agent.store.codec.summary import Summary, digest
from edge_agent.store.sealed.span import Days, median_step


class Slot(NamedTuple):
    """What all rows from `told.first_at` to `told.last_at` came to, those that are gone too.

    Where rows came much later, or corrected others, there is one such for each state; those overlap.
    """

    seen: int  # the newest time at which one of them was got: from then on it is true
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

        Of a slot that an edge cuts, or of which no state is that old, only the rows that remain are told.
        """
        rows, done = self.rows(until), -FOREVER
        kept, late = self.kept.ordered(), self.late.ordered()
        paces = {days.start(first): slot.told.step for first, _, slot in spans(self.slots, until) if slot}

        def loose(part: Columns) -> Iterator[Summary]:
            for day, of_day in days.by(part):
                pace = paces.get(day) or median_step(of_day)
                yield from (digest(between, pace) for between in cut(of_day, edges))

        for first, last, slot in spans(self.slots, until):
            yield from loose(rows.between(done, first - 1))
            if slot and bisect_right(edges, first) == bisect_right(edges, last):
                more = late.between(first, last).valid(until)
                yield amended(slot.told, kept.between(first, last).valid(slot.seen), more) if more.at else slot.told
            else:
                yield from loose(rows.between(first, last))
            done = last + 1
        yield from loose(rows.between(done, FOREVER))


def spans(slots: Iterable[Slot], until: int = FOREVER) -> Iterator[tuple[int, int, Slot | None]]:
    """By time the first and the last moment of slots, and the newest state of each among those seen by a time."""
    group: list[Slot] = []
    reach = -FOREVER
    for slot in sorted(slots, key=lambda slot: slot.told.first_at):
        if group and slot.told.first_at > reach:
            yield group[0].told.first_at, reach, _newest(group, until)
            group = []
        group.append(slot)
        reach = max(reach, slot.told.last_at)
    if group:
        yield group[0].told.first_at, reach, _newest(group, until)


def covering(slots: Iterable[Slot]) -> Callable[[int], bool]:
    """Whether a moment lies in one of some slots; a reading of it may be gone."""
    found = [(first, last) for first, last, _ in spans(slots)]
    firsts = [first for first, _ in found]

    def covers(at: int) -> bool:
        place = bisect_right(firsts, at) - 1
        return place >= 0 and at <= found[place][1]

    return covers


def cut(rows: Columns, edges: Sequence[int]) -> Iterator[Columns]:
    """Ordered rows from edge to edge."""
    first = 0
    while first < len(rows):
        place = bisect_right(edges, rows.at[first])
        last = bisect_left(rows.at, edges[place], first) if place < len(edges) else len(rows)
        yield rows.slice(first, last)
        first = last


def _newest(slots: Sequence[Slot], until: int) -> Slot | None:
    return max((slot for slot in slots if slot.seen <= until), key=lambda slot: slot.seen, default=None)
