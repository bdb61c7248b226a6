"""A slot as later rows amend it: what they correct or withdraw is known, of the rows that are gone nothing is."""

from __future__ import annotations

from bisect import bisect_right

from drivers.reading import Quality
from edge_agent.store.codec.columns import Columns, joined
from edge_agent.store.codec.summary import Summary, digest, summed


def amended(told: Summary, was: Columns, late: Columns) -> Summary:
    """What a slot comes to with rows that were written later.

    was: the rows that remain, as `told` was made of them; late: some rows, one a moment, by moment. A row of a
    moment that remains supersedes it, any other is one more. Without a good row left nothing is known of the slot.
    """
    now = joined([was, late]).ordered().valid()
    superseded, remain = set(late.at), set(was.at)
    gone = was.pick([i for i, at in enumerate(was.at) if at in superseded])
    added = late.pick([i for i, at in enumerate(late.at) if at not in remain])
    less, more, before, there = (_digest(rows, told.step) for rows in (gone, late, was, now))
    told = told._replace(
        first_at=min(told.first_at, now.at[0]),
        last_at=max(told.last_at, now.at[-1]),
        n=told.n + more.n - less.n,
        usable=told.usable + more.usable - less.usable,
        worst=max(told.worst, more.worst),
        opened=there.opened,
        opening=there.opening,
        closed=there.closed,
        closing=there.closing,
    )
    if not there.good:
        return told._replace(good=0, falls=0, low=None, high=None, total=None, held=0, area=0.0, joined=0)
    lost = _good(gone).values()
    told = told._replace(
        good=told.good + more.good - less.good,
        falls=max(told.falls + there.falls - before.falls, there.falls),
        # An extreme that was superseded has no successor but among the rows that remain.
        low=there.low if told.low in lost else min(_known([told.low, more.low])),
        high=there.high if told.high in lost else max(_known([told.high, more.high])),
        total=summed(told.total or 0.0, more.total or 0.0, -(less.total or 0.0)),
    )
    return _filled(_corrected(told, gone, late, now), _digest(added, told.step))


def _corrected(told: Summary, gone: Columns, late: Columns, now: Columns) -> Summary:
    """With what superseding rows say instead of those that are gone, each for a step at the most."""
    old, new, step = _good(gone), _good(late), told.step or 0
    held, area, apart = told.held, told.area, told.joined
    for at in gone.at:
        place = bisect_right(now.at, at)
        known = min(step, (now.at[place] if place < len(now) else at) - at)
        sign = (at in new) - (at in old)
        held += sign * known
        apart += sign * step
        area += (new.get(at, 0.0) - old.get(at, 0.0)) * known
    return _bounded(told, held, area, apart)


def _filled(told: Summary, added: Summary) -> Summary:
    """With rows of other moments: they tell of the time of which nothing was known, and of no other."""
    unknown = told.last_at - told.first_at - told.held
    share = min(unknown / added.held, 1.0) if added.held else 0.0
    return _bounded(
        told, told.held + int(added.held * share), told.area + added.area * share, told.joined + added.joined
    )


def _bounded(told: Summary, held: int, area: float, apart: int) -> Summary:
    """No more is known than there was time."""
    length = told.last_at - told.first_at
    held = min(max(held, 0), length)
    return told._replace(held=held, area=summed(area) if held else 0.0, joined=min(max(apart, 0), length))


def _good(rows: Columns) -> dict[int, float]:
    """The good values by their moment."""
    found = zip(rows.at, rows.values, rows.qualities, strict=True)
    return {at: value for at, value, quality in found if value is not None and quality == Quality.GOOD}


def _known(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _digest(rows: Columns, step: int | None) -> Summary:
    return digest(rows, step) if rows.at else Summary()
