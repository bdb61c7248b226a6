"""Consumption of a counter between two moments: the difference of its boundary registers.

A boundary register is read exactly, or interpolated between good readings that lie close enough;
it is never extrapolated, so a missing one makes the consumption unknown and never smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from edge_agent.figure import Figure, unknown
from edge_agent.period import Period
from edge_agent.reason import Reason, reason
from edge_agent.store.reader import Reader

NEAR_TOP, NEAR_ZERO = 0.9, 0.1  # shares of the register's range between which a fall is a rollover


@dataclass(frozen=True, slots=True)
class Counter:
    """One register of the store and how to read it.

    stale_after: microseconds between two good readings that may still be joined by a line.
    modulus: where the register returns to 0, in the quantity's unit, None when not known.
    multiplier: of the transformer ratio at a time; changes: its breaks inside a span.
    when: a moment as people read it.
    """

    name: str
    tag: int | None
    unit: str
    stale_after: int
    modulus: float | None
    multiplier: Callable[[int], float]
    changes: Callable[[int, int], list[int]]
    when: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class _Register:
    at: int
    value: float
    first: int  # the good readings it rests on
    last: int
    doubt: float  # how much it could be off, in register units


def consumption(reader: Reader, counter: Counter, period: Period, until: int) -> Figure:
    """What the counter counted in the period, on the primary side, from what was recorded by `until`."""
    if counter.tag is None:
        return unknown(counter.unit, reason("no_reading", tag=counter.name), coverage=0.0)
    cuts = counter.changes(period.start, period.end)
    moments = [period.start, *cuts, period.end]
    registers = [_register(reader, counter, at, until) for at in moments]
    if registers[-1] is None and period.open:
        registers[-1] = _latest(reader, counter, period.end, until)
    found = [r for r in registers if r is not None]
    if len(found) < len(registers):
        return _incomplete(reader, counter, period, until, "start" if registers[0] is None else "end")
    falls = reader.falls(counter.tag, found[0].first, found[-1].last, until)
    strange = [f for f in falls if not _is_rollover(counter, f)]
    if strange:
        return _fallen(counter, strange[0])
    return _sum(counter, period, found, falls)


def _sum(counter: Counter, period: Period, found: list[_Register], falls: list[tuple[int, float, float]]) -> Figure:
    used = doubt = 0.0
    for left, right in pairwise(found):
        multiplier = counter.multiplier(left.at)
        turns = sum(1 for at, _, _ in falls if left.at < at <= right.at)
        used += (right.value - left.value + turns * (counter.modulus or 0.0)) * multiplier
        doubt += (left.doubt + right.doubt) * multiplier
    coverage = (found[-1].at - found[0].at) / (period.end - period.start)
    estimated = min(doubt / used, 1.0) if used > 0 else 0.0
    notes: tuple[Reason, ...] = tuple(
        reason("rolled_over", tag=counter.name, at=counter.when(at)) for at, _, _ in falls
    )
    return Figure(used, used, counter.unit, coverage, estimated, None, notes)


def _register(reader: Reader, counter: Counter, at: int, until: int) -> _Register | None:
    assert counter.tag is not None
    before = reader.good_before(counter.tag, at, until)
    if before is not None and before.at == at:
        return _Register(at, before.value or 0.0, at, at, 0.0)
    after = reader.good_after(counter.tag, at, until)
    if before is None or after is None or after.at - before.at > counter.stale_after:
        return None
    low, high = before.value or 0.0, after.value or 0.0
    if high < low:
        return None  # a line across a fall means nothing
    share = (at - before.at) / (after.at - before.at)
    return _Register(at, low + (high - low) * share, before.at, after.at, high - low)


def _latest(reader: Reader, counter: Counter, at: int, until: int) -> _Register | None:
    """For a period that goes on: the last good register, as it stands and where it stands."""
    assert counter.tag is not None
    last = reader.good_before(counter.tag, at, until)
    if last is None or at - last.at > counter.stale_after:
        return None
    return _Register(last.at, last.value or 0.0, last.at, last.at, 0.0)


def _is_rollover(counter: Counter, fall: tuple[int, float, float]) -> bool:
    _, before, after = fall
    top = counter.modulus
    return top is not None and before >= NEAR_TOP * top and after <= NEAR_ZERO * top


def _fallen(counter: Counter, fall: tuple[int, float, float]) -> Figure:
    at, before, after = fall
    said = reason("register_fell", tag=counter.name, at=counter.when(at), before=f"{before:.2f}", after=f"{after:.2f}")
    return unknown(counter.unit, said, coverage=0.0)


def _incomplete(reader: Reader, counter: Counter, period: Period, until: int, side: str) -> Figure:
    """Unknown; the part between the first and the last register inside the period stays visible."""
    assert counter.tag is not None
    at = period.start if side == "start" else period.end
    why = reason(f"no_register_at_{side}", tag=counter.name, at=counter.when(at))
    first = reader.good_after(counter.tag, period.start, until)
    last = reader.good_before(counter.tag, period.end, until)
    if first is None or last is None or first.at >= last.at:
        return unknown(counter.unit, why, coverage=0.0)
    inside = Period(period.name, first.at, last.at)
    part = consumption(reader, counter, inside, until)
    coverage = (last.at - first.at) / (period.end - period.start)
    return unknown(counter.unit, why, *part.reasons, known=part.low, coverage=coverage)
