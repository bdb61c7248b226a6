"""Columns of one tag as bytes and back, the same to the last bit: what lies in the body of a block.

Moments are steps of their common granularity, values whole numbers of their last decimal place
where that is exact, quality and reason runs that an ordinary hour has none of.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from math import copysign, gcd
from operator import add, mul, sub, truediv
from typing import cast

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.pack import Packer, Unpacker
from edge_agent.store.codec.states import put_states, take_states

RAW = -1  # decimal places of values that are kept as they lie in memory
MOST_PLACES = 9
EXACT = 2.0**53  # every whole number below is a double
PROBE = 16  # values that are looked at before all are
_SPECIAL = (0.0, None, -0.0)  # by the kind of a value: a number, none, and the number that no integer stands for
_MINUS_ZERO_BITS = 1 << 63
_AT_ONCE, _BEHIND, _APART = range(3)  # how the times of getting lie to the moments


def encode(rows: Columns) -> bytes:
    """The bytes of rows in any order; values are finite."""
    packer = Packer()
    put_rows(packer, rows)
    return packer.packed()


def decode(body: bytes, start: int = -FOREVER, end: int = FOREVER) -> Columns:
    """The rows of a body; of ordered rows only those from moment to moment, both included. Raises zlib.error only."""
    with told_as_damage():
        return take_rows(Unpacker(body), start, end)


@contextmanager
def told_as_damage() -> Iterator[None]:
    """Raise zlib.error for bytes that are sound to zlib and still no body."""
    try:
        yield
    except (LookupError, ValueError, ArithmeticError, TypeError, MemoryError, StopIteration) as fault:
        raise zlib.error(f"no body: {fault!r}") from fault


def put_rows(packer: Packer, rows: Columns) -> None:
    """Take in rows, as `encode`."""
    packer.number(len(rows))
    if rows.at:
        _put_times(packer, rows.at, rows.seen)
        kinds = _kinds(rows.values)
        put_states(packer, kinds, rows.qualities, rows.reasons)
        plain = rows.values if kinds is None else [v for v, kind in zip(rows.values, kinds, strict=True) if not kind]
        put_values(packer, cast(list[float], plain))


def take_rows(unpacker: Unpacker, start: int = -FOREVER, end: int = FOREVER) -> Columns:
    """The rows that were taken in, as `decode`."""
    count = unpacker.number()
    if count < 0:  # so many slots follow the rows (slot_body.py)
        count = unpacker.number()
    if not count:
        return Columns()
    at, seen = _times(unpacker, count)
    first, last = 0, count
    if start > at[0] or end < at[-1]:
        first, last = bisect_left(at, start), bisect_right(at, end)
    states = take_states(unpacker)
    if states is None:
        values: list[float | None] = list(take_values(unpacker, count, first, last))
        size = last - first
        return Columns(at[first:last], seen[first:last], values, [0] * size, [None] * size)
    numbers = take_values(unpacker, sum(not kind for kind, _, _ in states), 0, count)
    values = [_SPECIAL[kind] if kind else next(numbers) for kind, _, _ in states]
    rows = Columns(at, seen, values, [quality for _, quality, _ in states], [reason for _, _, reason in states])
    return rows.slice(first, last)


def put_values(packer: Packer, values: list[float]) -> None:
    """Take in numbers."""
    whole = _whole(values)
    if whole is None:
        packer.number(RAW)
        packer.series(_bits(values))
    else:
        packer.number(whole[0])
        packer.series(whole[1])


def take_values(unpacker: Unpacker, count: int, start: int, end: int) -> Iterator[float]:
    """Of `count` numbers those from index to index, end excluded."""
    places = unpacker.number()
    found = unpacker.series(count)[start:end]
    if places == RAW:
        return iter(array("d", array("Q", found).tobytes()))
    return map(truediv, found, repeat(10.0**places))


def _put_times(packer: Packer, at: list[int], seen: list[int]) -> None:
    packer.series(at, gcd(*map(sub, at[1:], at)) or 1)
    lag = list(map(sub, seen, at))
    if not any(lag):
        packer.number(_AT_ONCE)
    elif max(lag) - min(lag) <= max(seen) - min(seen):
        packer.number(_BEHIND)
        packer.series(lag)
    else:  # what was imported together was seen together
        packer.number(_APART)
        packer.series(seen)


def _times(unpacker: Unpacker, count: int) -> tuple[list[int], list[int]]:
    at = unpacker.series(count)
    kind = unpacker.number()
    if kind == _AT_ONCE:
        return at, at[:]
    seen = unpacker.series(count)
    return at, list(map(add, seen, at)) if kind == _BEHIND else seen


def _kinds(values: list[float | None]) -> list[int] | None:
    """What each value is, an index of _SPECIAL; None where all are numbers."""
    if None not in values and _MINUS_ZERO_BITS not in _bits(cast(list[float], values)):
        return None
    return [1 if v is None else 2 if v == 0.0 and copysign(1.0, v) < 0.0 else 0 for v in values]


def _whole(values: Sequence[float]) -> tuple[int, list[int]] | None:
    """The fewest decimal places, and integers that give back these very doubles; None where there are none."""
    most = max(map(abs, values), default=0.0)
    for places in range(MOST_PLACES + 1):
        scale = 10.0**places
        if most * scale >= EXACT:
            return None
        if _same(values[:PROBE], _scaled(values[:PROBE], scale), scale):
            found = _scaled(values, scale)
            if _same(values, found, scale):
                return places, found
    return None


def _scaled(values: Sequence[float], scale: float) -> list[int]:
    return list(map(round, map(mul, values, repeat(scale))))


def _same(values: Sequence[float], found: list[int], scale: float) -> bool:
    return list(map(truediv, found, repeat(scale))) == values


def _bits(values: Sequence[float]) -> list[int]:
    return array("Q", array("d", values).tobytes()).tolist()
