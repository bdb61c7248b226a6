"""What each period of one tag comes to: its readings, and for how long of it a good value is known.

The headers of blocks answer where a block lies inside of one period; only what an edge cuts, and a day
whose rows lie in several pieces, is decoded. How the rows lie in blocks changes no answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.slot import Slot, Thinned, cut
from edge_agent.store.codec.summary import HOLD, Summary, digest
from edge_agent.store.sealed.archive import Archive, Run, read
from edge_agent.store.sealed.span import DAY_US, Days, median_step

REACH_US = DAY_US * HOLD[0] // HOLD[1]  # a value from further away is not known any more: its day has other rows


def periods(archive: Archive, tag: int, edges: Sequence[int], until: int = FOREVER) -> list[Summary]:
    """What is known from each edge to the next, which is excluded, as recorded by a time.

    The readings are those inside; held, area and joined are about the time inside, and low and high about
    what is known in it, from readings outside too.
    """
    days = archive.days
    start, end = days.start(edges[0] - REACH_US), days.start(edges[-1] + REACH_US) + DAY_US - 1
    found = _Periods(edges)
    for group in _groups(archive.runs(tag, start, end), days):
        for part in _digests(group, edges, (start, end, until), days):
            found.add(part)
    found.end()
    return found.found


class _Periods:
    """Summaries by the edges between them; what is added comes by time, and no edge cuts it."""

    def __init__(self, edges: Sequence[int]) -> None:
        self.edges, self.found = edges, [Summary() for _ in edges[1:]]
        self._last = Summary()  # of all added: when the last row was, and the last good one
        self._held: list[list[tuple[float, int]]] = [[] for _ in edges[1:]]  # values, and for how long each is known
        self._joined = [0] * len(self.found)

    def add(self, part: Summary) -> None:
        last, place = self._last, bisect_right(self.edges, part.first_at) - 1
        if last.good:
            self._hold(part.first_at)
            for number, inside in self._inside(last.closed or 0, last.joins(part)):
                self._joined[number] += inside
        if 0 <= place < len(self.found):
            told = self.found[place]
            self.found[place] = told.beside(part) if told.n else part
        self._last = part if part.good else last._replace(last_at=part.last_at)

    def end(self) -> None:
        """No more rows come."""
        self._hold(FOREVER)
        more = zip(self.found, self._held, self._joined, strict=True)
        self.found = [told.with_known(held, joined) for told, held, joined in more]

    def _hold(self, next_at: int) -> None:
        """The last row holds until the next one comes."""
        last = self._last
        for number, inside in self._inside(last.last_at, last.holds(next_at)):
            self._held[number].append((last.closing or 0.0, inside))

    def _inside(self, start: int, length: int) -> Iterator[tuple[int, int]]:
        """The periods that a time is in, by their number, and how much of it is in each."""
        end, place = start + length, max(bisect_right(self.edges, start) - 1, 0)
        while length and place < len(self.found) and self.edges[place] < end:
            yield place, min(end, self.edges[place + 1]) - max(start, self.edges[place])
            place += 1


def _groups(runs: Sequence[Run], days: Days) -> Iterator[list[Run]]:
    """Runs that have rows of the same days together."""
    group: list[Run] = []
    reach = -FOREVER
    for run in runs:
        if group and min(piece.first_at for piece in run) >= reach:
            yield group
            group = []
        group.append(run)
        reach = max(reach, days.start(max(piece.last_at for piece in run)) + DAY_US)
    if group:
        yield group


def _digests(group: list[Run], edges: Sequence[int], span: tuple[int, int, int], days: Days) -> Iterator[Summary]:
    """What whole days come to between any two edges.

    span: the first and the last moment that is asked for, and by when it was recorded.
    """
    start, end, until = span
    piece = group[0][0]
    alone = len(group) == len(group[0]) == 1 and piece.seen <= until
    if alone and piece.summary and bisect_right(edges, piece.first_at) == bisect_right(edges, piece.last_at):
        yield piece.summary
        return
    slots = [slot for run in group for piece in run for slot in piece.slots()]
    if slots:
        yield from _thinned(group, slots, (start, end)).parts(edges, days, until)
        return
    rows = Columns()
    for run in group:
        rows.extend(read(run, start, end, until))
    for _, day in days.by(rows):
        step = median_step(day)
        for part in cut(day, edges):
            yield digest(part, step)


def _thinned(group: list[Run], slots: list[Slot], span: tuple[int, int]) -> Thinned:
    """Runs of which some time was thinned; nothing is older there than the slots."""
    kept, late = Columns(), Columns()
    for piece in chain.from_iterable(group):
        (kept if piece.slots() else late).extend(piece.read(*span))
    return Thinned(sorted(slots, key=lambda slot: slot.told.first_at), kept, late)
