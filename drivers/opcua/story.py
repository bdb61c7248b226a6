"""What was told of each item of a server, and what a new word of it adds. Pure: no I/O, no clock.

Per item, time never runs back: what would stand at or before the last reading stands right after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from drivers.columns import Columns
from drivers.opcua.values import EPOCH_TICKS, NO_NODE, TICKS, Judged, Row, source_time, worth
from drivers.reading import Quality

CLOCK_OFF_US = 60_000_000  # between two clocks that a time server sets; more is a clock that nobody sets
CLOCK_OFF = "clock_off"
NO_NAMESPACE: Judged = (None, Quality.ABSENT, "no_namespace")
GAP: Judged = (None, Quality.BAD, "gap")


class Story:
    """Everything is kept in lists by the number of an item; `begin` comes first."""

    def __init__(self, tags: Sequence[str], factors: Sequence[float]) -> None:
        self.tags, self.factors = tags, factors
        self.known: list[Judged] = []  # what the server said last of each item
        self.at: list[int] = []  # of each item's last reading, microseconds UTC
        self.sources: list[int | None] = []  # the last source time, as the server's clock has it
        self.gone: set[int] = set()  # the server told that their node is no more
        self.off: set[int] = set()  # told with our time, because the server's clock is off
        self._unheard: set[int] = set()  # watched, and the first notification is still to come
        self._plain: set[int] = set()  # the next good number needs no second look

    def begin(self, rows: Mapping[int, Row], now: int) -> None:
        """Take what a read found as the present state; an item without its row lacks its namespace."""
        self.known = self.worth(rows)
        self.at = [now] * len(self.tags)
        self.sources = [source_time(rows[index]) if index in rows else None for index in range(len(self.tags))]
        self.gone, self.off, self._unheard, self._plain = set(), set(), set(), set()

    def end(self) -> None:
        """Nobody follows any more; the next `begin` starts anew."""
        self.begin({}, 0)
        self.at = []

    def worth(self, rows: Mapping[int, Row]) -> list[Judged]:
        """What a read found is worth, item by item."""
        pairs = enumerate(self.factors)
        return [worth(rows[index], factor) if index in rows else NO_NAMESPACE for index, factor in pairs]

    def watch(self, indices: Iterable[int]) -> None:
        """These are watched anew: the first notification of each often repeats what was read."""
        self._unheard |= set(indices)
        self._plain -= self._unheard

    def tell(self, rows: Iterable[Row], seen: int, found: Columns) -> None:
        """Add what notifications say, in their order; good plain numbers take the short way."""
        tags, factors, last, known, sources = self.tags, self.factors, self.at, self.known, self.sources
        plain, good = self._plain, Quality.GOOD
        newest = seen * TICKS + EPOCH_TICKS
        oldest = newest - CLOCK_OFF_US * TICKS
        for row in rows:
            index, raw, status, ticks = row
            if status or index not in plain or raw is None or not ticks or not oldest <= ticks <= newest:
                self._tell(row, seen, found)
                continue
            at = (ticks - EPOCH_TICKS) // TICKS
            if at <= last[index] or not isfinite(value := raw * factors[index]):
                self._tell(row, seen, found)
                continue
            last[index] = sources[index] = at
            known[index] = (value, good, None)
            found.tags.append(tags[index])
            found.at.append(at)
            found.seen.append(seen)
            found.values.append(value)
            found.qualities.append(0)
            found.reasons.append(None)

    def affirm(self, now_true: Sequence[Judged], unwatched: set[int], now: int, found: Columns) -> None:
        """Add what a read found to be as it was, and what only reads can tell; the server stands for it now."""
        for index, judged in enumerate(now_true):
            if judged == self.known[index]:
                self._say(index, self._as_told(judged) if index in self.off else judged, now, now, found)
            elif index in unwatched:
                self.known[index] = judged
                self._say(index, judged, now, now, found)

    def changed(self, now_true: Sequence[Judged]) -> dict[int, int]:
        """The items of which a read found something else than was told, and the time of their last reading."""
        pairs = enumerate(zip(now_true, self.known, strict=True))
        return {index: self.at[index] for index, (new, old) in pairs if new != old}

    def when(self, row: Row, seen: int) -> int:
        """The moment for which a notification counts, before it is put behind the item's last reading."""
        source = source_time(row)
        return seen if source is None or abs(source - seen) > CLOCK_OFF_US else min(source, seen)

    def break_off(self, index: int, end: int, seen: int, found: Columns) -> None:
        """Add a gap from the item's last reading to `end`: a reading without value at both ends."""
        for at in gap_ends(self.at[index], end):
            self._say(index, GAP, at, seen, found)

    def go_on(self, index: int, past: Iterable[tuple[int, Judged]], seen: int, found: Columns) -> None:
        """Add what lies between the item's last reading and the next one, oldest first."""
        for at, judged in past:
            self._say(index, judged, at, seen, found)

    def _tell(self, row: Row, seen: int, found: Columns) -> None:
        """The long way: anything but a good plain number at a time that can be."""
        index = row[0]
        if index >= len(self.tags):
            return
        new, source = worth(row, self.factors[index]), source_time(row)
        repeated = index in self._unheard and new == self.known[index]
        self._unheard.discard(index)
        self.known[index], self.sources[index] = new, source
        if new == NO_NODE:
            self.gone.add(index)
        if repeated:
            return
        if source is not None and abs(source - seen) > CLOCK_OFF_US:
            self.off.add(index)
            self._plain.discard(index)
        else:
            self.off.discard(index)
            self._plain.add(index)
        self._say(index, self._as_told(new) if index in self.off else new, self.when(row, seen), seen, found)

    def _as_told(self, judged: Judged) -> Judged:
        """A clock that is off makes the time ours, and a good value stays good."""
        value, quality, reason = judged
        return value, quality, CLOCK_OFF if quality == Quality.GOOD else reason

    def _say(self, index: int, judged: Judged, at: int, seen: int, found: Columns) -> None:
        self.at[index] = max(at, self.at[index] + 1)
        found.add(self.tags[index], self.at[index], seen, *judged)


def gap_ends(start: int, end: int) -> tuple[int, ...]:
    """The two moments of a gap between two readings; one, where no more fits."""
    return (start + 1, end - 1) if end - start > 2 else (start + 1,)
