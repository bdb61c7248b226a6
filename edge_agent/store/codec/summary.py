"""What the header of a block says of its rows, so that most questions about a long time decode nothing.

A good value is known until the next row of any quality, but for no longer than a while that its day's own
pace sets: where a gateway was off, the last value is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import compress, pairwise
from math import fsum, inf, isfinite
from operator import mul, sub
from typing import NamedTuple, cast

from drivers.reading import Quality
from edge_agent.store.codec.columns import Columns
from edge_agent.store.sealed.span import MINUTE_US, Days, median_step

# A good value holds for so many median steps of its day: one reading may be lost, and come late.
HOLD = 5, 2
# And at least so long: what changes seldom is affirmed at every poll of its device, at least once a minute.
SHORTEST_US = MINUTE_US


class Summary(NamedTuple):
    """The newest row of each moment of one tag; from falls on about its good values only."""

    first_at: int = 0  # of all rows
    last_at: int = 0
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
    step: int | None = None  # median microseconds from row to row on the day of the last; None where it is alone
    held: int = 0  # microseconds for which one is known
    area: float = 0.0  # value x microseconds over them
    joined: int = 0  # microseconds that lie between two of them, no further apart than one holds

    @property
    def mean(self) -> float | None:
        """Over the time for which a good value is known."""
        return self.area / self.held if self.held and isfinite(self.area) else None

    @property
    def limit(self) -> int:
        """For how many microseconds the last good value holds."""
        return 0 if self.step is None else max(self.step * HOLD[0] // HOLD[1], SHORTEST_US)

    def then(self, later: Summary) -> Summary:
        """Both together, and what is known from the one to the other; `later` is about a later time."""
        if not later.n or not self.n:
            return later if later.n else self
        held, both = self.holds(later.first_at), self.beside(later)
        area = summed(both.area, held * _known(self.closing))
        return both._replace(held=both.held + held, area=area, joined=both.joined + self.joins(later))

    def beside(self, later: Summary) -> Summary:
        """Both together, without what is known from the one to the other."""
        first, told = self if self.good else later, later if later.good else self
        fell = self.good and later.good and _known(later.opening) < _known(self.closing)
        return Summary(
            self.first_at if self.n else later.first_at,
            later.last_at if later.n else self.last_at,
            self.n + later.n,
            self.usable + later.usable,
            self.good + later.good,
            max(self.worst, later.worst),
            self.falls + later.falls + bool(fell),
            _both(min, self.low, later.low),
            _both(max, self.high, later.high),
            _both(summed, self.total, later.total),
            first.opened,
            first.opening,
            told.closed,
            told.closing,
            told.step,
            self.held + later.held,
            summed(self.area, later.area),
            self.joined + later.joined,
        )

    def with_known(self, values: Sequence[tuple[float, int]], joined: int) -> Summary:
        """And what readings outside say: values and for how many microseconds each is known, and the time between."""
        known = [value for value, _ in values]
        return self._replace(
            low=_both(min, self.low, min(known, default=None)),
            high=_both(max, self.high, max(known, default=None)),
            held=self.held + sum(time for _, time in values),
            area=summed(self.area, *(value * time for value, time in values)),
            joined=self.joined + joined,
        )

    def holds(self, next_at: int) -> int:
        """For how many microseconds the last row is known, where the next one comes at a time."""
        return min(self.limit, next_at - self.last_at) if self.good and self.closed == self.last_at else 0

    def joins(self, later: Summary) -> int:
        """The microseconds from the last good value to the first later one; 0 where they are too far apart."""
        if self.closed is None or later.opened is None:
            return 0
        apart = later.opened - self.closed
        return apart if apart <= self.limit else 0


def summary(rows: Columns, days: Days) -> Summary:
    """Of ordered rows, of whole days."""
    parts = [digest(part, median_step(part)) for _, part in days.by(rows.valid())]
    return reduce(Summary.then, parts, parts.pop(0)) if parts else Summary()


def digest(valid: Columns, step: int | None) -> Summary:
    """Of the newest rows of moments of one day, which has a row each `step` microseconds in the median."""
    at, values = good_values(valid)
    usable = len(valid) - valid.values.count(None)
    counts = (valid.at[0], valid.at[-1], len(valid), usable, len(values), max(valid.qualities))
    if not values:
        return Summary(*counts, step=step)
    falls = sum(after < before for before, after in pairwise(values))
    ends = (at[0], values[0], at[-1], values[-1])
    told = Summary(*counts, falls, min(values), max(values), _total(values), *ends, step)
    # Where all rows are good, each value is known until the next good one.
    apart = list(map(sub, at[1:], at))
    known = apart if len(at) == len(valid) else _until_next(valid)
    limit = told.limit
    if max(known, default=0) > limit:
        known = [min(time, limit) for time in known]
    joined = sum(apart) if max(apart, default=0) <= limit else sum(time for time in apart if time <= limit)
    area = _total(list(map(mul, values, known)))
    return told._replace(held=sum(known), area=area, joined=joined)


def summed(*numbers: float) -> float:
    """The sum as it is stored: where the parts are too large for one to be known it is infinite, never NaN."""
    found = sum(numbers)
    return found if found == found else inf


def good_values(rows: Columns) -> tuple[list[int], list[float]]:
    """The moments and values of the good rows."""
    if not any(rows.qualities) and None not in rows.values:
        return rows.at, cast(list[float], rows.values)
    good = _good(rows)
    return list(compress(rows.at, good)), cast(list[float], list(compress(rows.values, good)))


def _good(rows: Columns) -> list[bool]:
    return [q == Quality.GOOD and v is not None for q, v in zip(rows.qualities, rows.values, strict=True)]


def _until_next(valid: Columns) -> list[int]:
    """The microseconds from each good row to the row after it, but for the last."""
    return list(compress(map(sub, valid.at[1:], valid.at), _good(valid)))


def _total(values: list[float]) -> float:
    try:
        return fsum(values)
    except (OverflowError, ValueError):  # larger than any double, or infinite
        return summed(*values)


def _both(work: Callable[[float, float], float], one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return work(one, other)


def _known(number: float | None) -> float:
    return 0.0 if number is None else number
