"""Consumption of a counter between two moments: the difference of its boundary registers.

A boundary register is read exactly, or interpolated between good readings that lie close enough;
it is never extrapolated, so a missing one makes the consumption unknown and never smaller. Of an
interpolated one it is certain only that it lies between its two readings: those are its bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from edge_agent.figure import Figure, unknown
from edge_agent.period import Period
from edge_agent.reason import Reason, reason
from edge_agent.store.codec.columns import Sample

NEAR_TOP, NEAR_ZERO = 0.9, 0.1  # shares of the register's range between which a fall is a rollover
Fall = tuple[int, float, float]  # when, the register before, the register after


class Registers(Protocol):
    """The good readings of a tag, as recorded by a time: the last up to a moment, the first from it on, the falls."""

    def good_before(self, tag: int, at: int, until: int) -> Sample | None: ...

    def good_after(self, tag: int, at: int, until: int) -> Sample | None: ...

    def falls(self, tag: int, start: int, end: int, until: int) -> list[Fall]: ...


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
    """The register at a moment: its bounds, the value on the line between them, and their times."""

    at: int
    value: float
    low: float
    high: float
    first: int
    last: int


def consumption(reader: Registers, counter: Counter, period: Period, until: int) -> Figure:
    """What the counter counted in the period, on the primary side, from what was recorded by `until`."""
    if counter.tag is None:
        return unknown(counter.unit, reason("no_reading", tag=counter.name), coverage=0.0)
    cuts = counter.changes(period.start, period.end)
    moments = [period.start, *cuts, period.end]
    registers = [_register(reader, counter, counter.tag, at, until) for at in moments]
    if registers[-1] is None and period.open:
        registers[-1] = _latest(reader, counter, counter.tag, period.end, until)
    found = [r for r in registers if r is not None]
    if len(found) == len(registers):
        return _difference(reader, counter, counter.tag, period, found, until)
    return _incomplete(reader, counter, counter.tag, period, registers, until)


def _difference(
    reader: Registers, counter: Counter, tag: int, period: Period, found: list[_Register], until: int
) -> Figure:
    falls = reader.falls(tag, found[0].first, found[-1].last, until)
    strange = next((f for f in falls if not _is_rollover(counter, f)), None)
    if strange is not None:
        at, before, after = strange
        said = {"at": counter.when(at), "before": f"{before:.2f}", "after": f"{after:.2f}"}
        return unknown(counter.unit, reason("register_fell", tag=counter.name, **said), coverage=0.0)
    best = low = high = 0.0
    for left, right in pairwise(found):
        multiplier = counter.multiplier(left.at)
        turned = sum(1 for at, _, _ in falls if left.at < at <= right.at) * (counter.modulus or 0.0)
        best += (right.value - left.value + turned) * multiplier
        low += (right.low - left.high + turned) * multiplier
        high += (right.high - left.low + turned) * multiplier
    coverage = (found[-1].at - found[0].at) / (period.end - period.start)
    estimated = min((high - low) / best, 1.0) if best > 0 else 0.0
    notes: tuple[Reason, ...] = tuple(
        reason("rolled_over", tag=counter.name, at=counter.when(at)) for at, _, _ in falls
    )
    # A register never falls, so no bound of a consumption lies below zero.
    return Figure(max(low, 0.0), high, counter.unit, coverage, estimated, None, notes, best=best)


def _register(reader: Registers, counter: Counter, tag: int, at: int, until: int) -> _Register | None:
    before = reader.good_before(tag, at, until)
    if before is not None and before.at == at:
        return _as_read(before)
    after = reader.good_after(tag, at, until)
    if before is None or after is None or after.at - before.at > counter.stale_after:
        return None
    low, high = before.value or 0.0, after.value or 0.0
    if high < low:
        return None  # a line across a fall means nothing
    share = (at - before.at) / (after.at - before.at)
    return _Register(at, low + (high - low) * share, low, high, before.at, after.at)


def _latest(reader: Registers, counter: Counter, tag: int, at: int, until: int) -> _Register | None:
    """For a period that goes on: the last good register, as it stands and where it stands."""
    last = reader.good_before(tag, at, until)
    return None if last is None or at - last.at > counter.stale_after else _as_read(last)


def _as_read(sample: Sample) -> _Register:
    value = sample.value or 0.0
    return _Register(sample.at, value, value, value, sample.at, sample.at)


def _is_rollover(counter: Counter, fall: Fall) -> bool:
    _, before, after = fall
    top = counter.modulus
    return top is not None and NEAR_TOP * top <= before <= top and after <= NEAR_ZERO * top


def _incomplete(
    reader: Registers, counter: Counter, tag: int, period: Period, registers: list[_Register | None], until: int
) -> Figure:
    """Unknown; what was counted between the first and the last register inside stays visible."""
    why = _missing(counter, period, registers)
    first = reader.good_after(tag, period.start, until)
    last = reader.good_before(tag, period.end, until)
    if first is None or last is None or first.at >= last.at:
        return unknown(counter.unit, why, coverage=0.0)
    coverage = (last.at - first.at) / (period.end - period.start)
    cuts = counter.changes(first.at, last.at)
    inner = [_register(reader, counter, tag, at, until) for at in cuts]
    found = [_as_read(first), *(r for r in inner if r is not None), _as_read(last)]
    if len(found) < len(cuts) + 2:
        return unknown(counter.unit, why, coverage=coverage)
    part = _difference(reader, counter, tag, Period(period.name, first.at, last.at), found, until)
    return unknown(counter.unit, why, *part.reasons, known=part.exact, coverage=coverage)


def _missing(counter: Counter, period: Period, registers: list[_Register | None]) -> Reason:
    if registers[0] is None:
        return reason("no_register_at_start", tag=counter.name, at=counter.when(period.start))
    if registers[-1] is None:
        return reason("no_register_at_end", tag=counter.name, at=counter.when(period.end))
    cuts = counter.changes(period.start, period.end)
    at = next(cut for cut, register in zip(cuts, registers[1:-1], strict=True) if register is None)
    return reason("no_register_at_ratio_change", tag=counter.name, at=counter.when(at))
