"""The good readings of a register beside the edges of periods, found in one pass for all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from drivers.reading import Quality
from edge_agent.energy.counter import Fall
from edge_agent.store.codec.columns import Sample
from edge_agent.store.codec.summary import Summary
from edge_agent.store.reader import Reader


class Beside:
    """Answers as Reader does, for the edges of periods that lie side by side and what is asked of them."""

    def __init__(self, reader: Reader, tag: int, edges: Sequence[int], told: Sequence[Summary], until: int) -> None:
        """told: what the tag came to from each edge to the next."""
        ends = [reader.good_before(tag, edges[0], until)]
        for one in told:
            ends += [_reading(one.opened, one.opening), _reading(one.closed, one.closing)]
        ends.append(reader.good_after(tag, edges[-1], until))
        found = {sample.at: sample for sample in ends if sample is not None}
        self._samples = [found[at] for at in sorted(found)]
        self._at = sorted(found)
        falls = reader.falls(tag, self._at[0], self._at[-1], until) if found else []
        self._falls, self._fell = falls, [at for at, _, _ in falls]

    def good_before(self, tag: int, at: int, until: int) -> Sample | None:
        """The last reading at or before an edge."""
        place = bisect_right(self._at, at)
        return self._samples[place - 1] if place else None

    def good_after(self, tag: int, at: int, until: int) -> Sample | None:
        """The first reading at or after an edge."""
        place = bisect_left(self._at, at)
        return self._samples[place] if place < len(self._at) else None

    def falls(self, tag: int, start: int, end: int, until: int) -> list[Fall]:
        """From one good reading to the next, from a reading beside an edge to another."""
        return self._falls[bisect_right(self._fell, start) : bisect_right(self._fell, end)]


def _reading(at: int | None, value: float | None) -> Sample | None:
    return None if at is None else Sample(at, at, value, Quality.GOOD, None)
