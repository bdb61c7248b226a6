"""A thinned body: the rows that remain in the codec of block.py, and behind them the slots as columns.

What the remaining rows tell is not kept twice: when the first and the last good reading of a slot were,
and their values.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from edge_agent.store.codec.block import put_rows, put_values, take_rows, take_values, told_as_damage
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.pack import Packer, Unpacker
from edge_agent.store.codec.slot import Slot
from edge_agent.store.codec.summary import Summary, good_values
from edge_agent.store.sealed.span import MINUTE_US

SAME = 1e-13  # of a sum of doubles: what the order of adding may change
_NUMBERS: tuple[Callable[[Slot], int], ...] = (
    lambda slot: slot.told.last_at - slot.told.first_at,
    lambda slot: slot.seen - slot.told.last_at,
    lambda slot: slot.told.n,
    lambda slot: slot.told.n - slot.told.usable,
    lambda slot: slot.told.n - slot.told.good,
    lambda slot: slot.told.worst,
    lambda slot: slot.told.falls,
    lambda slot: -1 if slot.told.step is None else slot.told.step,
    lambda slot: slot.told.last_at - slot.told.first_at - slot.told.held,
    lambda slot: slot.told.last_at - slot.told.first_at - slot.told.joined,
)


def encode(slots: Sequence[Slot], rows: Columns) -> bytes:
    """The bytes of at least one slot, by time, and of the ordered rows that remain."""
    packer = Packer()
    packer.number(-len(slots))
    put_rows(packer, rows)
    packer.series([slot.told.first_at for slot in slots], MINUTE_US if _even(slots) else 1)
    for number in _NUMBERS:
        packer.series([number(slot) for slot in slots])
    good = [slot.told for slot in slots if slot.told.good]
    put_values(packer, [told.total or 0.0 for told in good])
    for values, likely in zip(*_measures(good), strict=True):
        packer.series([int(_is_close(*pair)) for pair in zip(values, likely, strict=True)])
        put_values(packer, [value for value, guess in zip(values, likely, strict=True) if not _is_close(value, guess)])
    return packer.packed()


def _measures(good: list[Summary]) -> tuple[list[list[float]], list[list[float]]]:
    """Low, high and area of slots, and what they most often are: a counter's ends, and the area of an even pace."""
    told = [[t.low or 0.0 for t in good], [t.high or 0.0 for t in good], [t.area for t in good]]
    return told, [[t.opening or 0.0 for t in good], [t.closing or 0.0 for t in good], [_even_area(t) for t in good]]


def _even_area(told: Summary) -> float:
    """Where each value but the last is known for a step."""
    return ((told.total or 0.0) - (told.closing or 0.0)) * (told.step or 0)


def _is_close(value: float, guess: float) -> bool:
    """The same, but for the order in which numbers were added up."""
    return value == guess or abs(value - guess) < abs(value) * SAME


def decode(body: bytes) -> list[Slot]:
    """The slots of a body by time; none where it holds every row. Raises zlib.error only."""
    with told_as_damage():
        return _slots(body)


def _slots(body: bytes) -> list[Slot]:
    count = -Unpacker(body).number()
    if count <= 0:
        return []
    unpacker = Unpacker(body)
    rows = take_rows(unpacker)
    firsts = unpacker.series(count)
    numbers = list(zip(*(unpacker.series(count) for _ in _NUMBERS), strict=True))
    known = sum(told[2] > told[4] for told in numbers)
    totals = take_values(unpacker, known, 0, known)
    measures = zip(totals, *(_taken(unpacker, known) for _ in range(3)), strict=True)
    slots = []
    for first, told in zip(firsts, numbers, strict=True):
        length, lag, n, unusable, doubtful, worst, falls, step, unheld, apart = told
        last, pace = first + length, None if step < 0 else step
        summary = Summary(first, last, n, n - unusable, n - doubtful, worst, step=pace)
        if summary.good:
            at, values = good_values(rows.between(first, last).valid(last + lag))
            if not at:
                raise zlib.error("a slot of good readings, and none of them is there")
            summary = summary._replace(
                falls=falls,
                opened=at[0],
                opening=values[0],
                closed=at[-1],
                closing=values[-1],
                held=length - unheld,
                joined=length - apart,
            )
            summary = _measured(summary, *next(measures))
        slots.append(Slot(last + lag, summary))
    return slots


def _measured(told: Summary, total: float, low: float | None, high: float | None, area: float | None) -> Summary:
    """With its measures; those that are None are what they most often are."""
    told = told._replace(
        total=total, low=told.opening if low is None else low, high=told.closing if high is None else high
    )
    return told._replace(area=_even_area(told) if area is None else area)


def _taken(unpacker: Unpacker, count: int) -> list[float | None]:
    """A measure of slots; None where it is what it most often is."""
    likely = unpacker.series(count)
    rest = count - sum(likely)
    values = take_values(unpacker, rest, 0, rest)
    return [None if flag else next(values) for flag in likely]


def _even(slots: Sequence[Slot]) -> bool:
    """Whether the slots begin at whole minutes from each other."""
    return all((slot.told.first_at - slots[0].told.first_at) % MINUTE_US == 0 for slot in slots)
