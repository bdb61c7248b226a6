"""Which items the server watches for us: what it lost is asked for again, and what it should have told and did not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drivers.opcua.session import Watch

LATE_TIMES = 2  # as late as the server promised, and once more for a busy one
FIRST_S, LONGEST_S = 1.0, 60.0  # between two tries to have a node watched; twice as long each time


class Watched:
    """All times on the event loop's clock, in seconds."""

    def __init__(self, promise: Watch, without: set[int], now: float) -> None:
        self.by_reads_only = promise.left_out | without  # the server tells these only when asked
        self._without = without  # of no node that we know
        self._late_s = LATE_TIMES * promise.late
        self._untold: dict[int, tuple[float, int]] = {}  # changed, as a read found: since when, told last at
        self._wait_s, self.again_at = LONGEST_S, now + LONGEST_S

    def lost(self, indices: set[int], now: float) -> None:
        """The server gave these watches up, or shows something new where there was none to watch."""
        if indices - self._without:
            self.by_reads_only |= indices
            self._wait_s, self.again_at = FIRST_S, min(self.again_at, now + FIRST_S)

    def wanted(self, now: float) -> set[int]:
        """What to ask the server to watch, where it is time to; then not for a while, a longer one each time."""
        if now < self.again_at:
            return set()
        self._wait_s = min(2 * self._wait_s, LONGEST_S)
        self.again_at = now + self._wait_s
        return self.by_reads_only - self._without

    def found(self, indices: Iterable[int]) -> None:
        """The server watches these from now on."""
        self.by_reads_only -= set(indices)
        if not self.by_reads_only - self._without:
            self._wait_s, self.again_at = FIRST_S, float("inf")

    def never_told(self, changed: Mapping[int, int], now: float) -> int | None:
        """An item that two reads in turn found changed while the server told nothing of it, if there is one.

        `changed` has the time of the last reading of each item that a read has just found changed.
        """
        before, self._untold = self._untold, {}
        for index, at in changed.items():
            if index not in self.by_reads_only:
                since, was_at = before.get(index, (now, at))
                self._untold[index] = (since, at) if at == was_at else (now, at)
        late = (i for i, seen in self._untold.items() if before.get(i) == seen and now - seen[0] >= self._late_s)
        return min(late, default=None)
