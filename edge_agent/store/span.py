"""The spans of time that blocks cover: UTC months, days and parts of a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import sub

from edge_agent.store.columns import Columns

MONTH, DAY, PART = 1, 2, 3  # levels; of one moment, a row of a higher level was written later
MERGED = (MONTH, DAY)
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
LONGEST_US = {MONTH: 31 * DAY_US, DAY: DAY_US}
GRACE_US = HOUR_US  # for readings that come in after their day or month has ended
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS = date.max.toordinal() - _EPOCH - 31  # later ones are no dates: a device made them up


def month_of(at: int) -> tuple[int, int] | None:
    """Start and end of the UTC month of a moment; None for what is no date of the agent's time."""
    day = at // DAY_US
    if not 0 <= day < _DAYS:
        return None
    first = date.fromordinal(_EPOCH + day).replace(day=1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return (first.toordinal() - _EPOCH) * DAY_US, (after.toordinal() - _EPOCH) * DAY_US


def by(rows: Columns, length: int) -> Iterator[tuple[int, Columns]]:
    """Ordered rows, span by span of a length in microseconds: its start and the rows in it."""
    if rows.at and rows.at[0] // length == rows.at[-1] // length:
        yield rows.at[0] // length * length, rows
        return
    first = 0
    for number, group in groupby(rows.at, lambda at: at // length):
        last = first + sum(1 for _ in group)
        yield number * length, rows.slice(first, last)
        first = last


def is_over(end: int, now: int) -> bool:
    """Whether a span that ends then is complete but for stragglers."""
    return end + GRACE_US <= now


def median_step(rows: Columns) -> int | None:
    """The median microseconds from one moment of ordered rows to the next; None for a single one."""
    at = rows.valid().at
    steps = sorted(map(sub, at[1:], at))
    return steps[len(steps) // 2] if steps else None


def is_slow(step: int | None) -> bool:
    """Whether readings come less than once a minute."""
    return step is None or step > MINUTE_US
