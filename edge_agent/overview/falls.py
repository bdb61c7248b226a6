"""A reader for accounts of a period that grows: it remembers where registers fell and reads only what is new."""

from __future__ import annotations

from pathlib import Path

from edge_agent.store.reader import FOREVER, Reader

Fall = tuple[int, float, float]  # when, the register before, the register after


class GrowingReader(Reader):
    """Answers as Reader does. A reading that is corrected later is seen when the period begins anew."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self._known: dict[int, tuple[int, int, list[Fall]]] = {}  # by tag: from, up to which reading, the falls

    def falls(self, tag: int, start: int, end: int, until: int = FOREVER) -> list[Fall]:
        """Where a register fell between two good readings; only what lies after the last call is read."""
        first, upto, found = self._known.get(tag, (start, start, []))
        if first != start:
            upto, found = start, []
        if end > upto:
            found = found + super().falls(tag, upto, end, until)
            last = self.good_before(tag, end, until)
            upto = max(upto, last.at) if last else upto
            self._known[tag] = (start, upto, found)
        return [fall for fall in found if fall[0] <= end]
