"""What the header of a block says of its rows, so that most questions about a long time decode nothing."""

from __future__ import annotations

from itertools import compress, pairwise
from math import fsum
from typing import NamedTuple, cast

from drivers.reading import Quality
from edge_agent.store.columns import Columns


class Summary(NamedTuple):
    """The newest row of each moment of one tag; from falls on about its good values only."""

    n: int = 0  # moments
    usable: int = 0  # moments with a value
    good: int = 0  # moments with a good value
    worst: int = 0  # the number of a quality
    falls: int = 0  # from one good value to the next
    low: float | None = None
    high: float | None = None
    total: float | None = None
    opened: int | None = None  # when the first was
    opening: float | None = None
    closed: int | None = None  # when the last was
    closing: float | None = None

    def then(self, later: Summary) -> Summary:
        """Both together; `later` is about a later time."""
        if not later.n or not self.n:
            return later if later.n else self
        worst = max(self.worst, later.worst)
        both = Summary(self.n + later.n, self.usable + later.usable, self.good + later.good, worst)
        if not self.good or not later.good:
            told = self if self.good else later
            return told._replace(n=both.n, usable=both.usable, good=both.good, worst=worst)
        falls = self.falls + later.falls + (_known(later.opening) < _known(self.closing))
        low, high = min(_known(self.low), _known(later.low)), max(_known(self.high), _known(later.high))
        total = _known(self.total) + _known(later.total)
        ends = (self.opened, self.opening, later.closed, later.closing)
        return Summary(*both[:4], falls, low, high, total, *ends)


def summary(rows: Columns) -> Summary:
    """Of ordered rows."""
    valid = rows.valid()
    at, values = good_values(valid)
    usable = len(valid) - valid.values.count(None)
    counts = (len(valid), usable, len(values), max(valid.qualities, default=0))
    if not values:
        return Summary(*counts)
    falls = sum(after < before for before, after in pairwise(values))
    return Summary(*counts, falls, min(values), max(values), _total(values), at[0], values[0], at[-1], values[-1])


def good_values(rows: Columns) -> tuple[list[int], list[float]]:
    """The moments and values of the good rows."""
    if not any(rows.qualities) and None not in rows.values:
        return rows.at, cast(list[float], rows.values)
    good = [q == Quality.GOOD and v is not None for q, v in zip(rows.qualities, rows.values, strict=True)]
    return list(compress(rows.at, good)), cast(list[float], list(compress(rows.values, good)))


def _total(values: list[float]) -> float:
    try:
        return fsum(values)
    except (OverflowError, ValueError):  # larger than any double, or infinite
        return sum(values)


def _known(number: float | None) -> float:
    return 0.0 if number is None else number
