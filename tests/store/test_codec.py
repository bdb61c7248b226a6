"""Blocks and commits give back every row to the last bit, in few bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.store.codec import block, commit
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.pack import Packer, Unpacker

SECOND = 1_000_000
START = 1_790_000_000 * SECOND
moments = st.one_of(
    st.integers(0, 50).map(lambda n: START + n * SECOND),
    st.integers(START, START + 10**9),
    st.integers(-(2**61), 2**61),
)
decimals = st.integers(-(10**9), 10**9).map(lambda n: n / 100)
numbers = st.one_of(
    decimals, st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1e300, 5e-324])
)
texts = st.one_of(st.none(), st.sampled_from(["timeout", "", "校验"]), st.text(max_size=8))
readings = st.one_of(
    st.tuples(moments, moments, numbers, st.just(0), st.none()),
    st.tuples(moments, moments, st.one_of(st.none(), numbers), st.integers(0, 4), texts),
)


Row = tuple[int, int, float | None, int, str | None]


def columns_of(rows: Sequence[Row]) -> Columns:
    return Columns(*([row[i] for row in rows] for i in range(5)))  # type: ignore[arg-type]


def bits(rows: Columns) -> tuple[object, ...]:
    values = [None if value is None else struct.pack("<d", value) for value in rows.values]
    return rows.at, rows.seen, values, rows.qualities, rows.reasons


@given(st.lists(readings, max_size=60))
def test_any_rows_come_back_from_a_block_to_the_last_bit(
    rows: list[Row],
) -> None:
    columns = columns_of(rows)
    assert bits(block.decode(block.encode(columns))) == bits(columns)


@given(st.lists(readings, min_size=1, max_size=60), moments, moments)
def test_a_window_of_a_block_is_what_lies_between(rows: list[Row], start: int, end: int) -> None:
    columns = columns_of(rows).ordered()
    assert bits(block.decode(block.encode(columns), start, end)) == bits(columns.between(start, end))


@given(st.lists(st.tuples(st.integers(1, 5), readings), min_size=1, max_size=60))
def test_any_commit_gives_back_the_rows_of_each_tag(
    rows: list[tuple[int, Row]],
) -> None:
    body = commit.encode([tag for tag, _ in rows], columns_of([row for _, row in rows]))
    found = commit.Commit(body + bytes(7))
    assert found.tags() == sorted({tag for tag, _ in rows})
    for tag in range(7):
        assert bits(found.rows(tag)) == bits(columns_of([row for name, row in rows if name == tag]))
    for tag, _, row in found.newest():
        own = columns_of([row for name, row in rows if name == tag]).ordered()
        assert bits(own.slice(len(own) - 1, len(own))) == bits(columns_of([tuple(found.sample(row))]))  # type: ignore[list-item]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40), st.lists(st.integers(-(2**70), 2**70)), st.text())
def test_a_packer_gives_back_what_it_took(series: list[int], few: list[int], text: str) -> None:
    packer = Packer()
    for number in few:
        packer.number(number)
    packer.series(series)
    packer.text(text)
    unpacker = Unpacker(packer.packed())
    assert [unpacker.number() for _ in few] == few
    assert (unpacker.series(len(series)), unpacker.text()) == (series, text)


def test_a_flipped_bit_is_noticed() -> None:
    body = block.encode(columns_of([(START + i * SECOND, START, i / 10, 0, None) for i in range(100)]))
    for place in range(2, len(body)):
        changed = bytearray(body)
        changed[place] ^= 4
        with pytest.raises(zlib.error):
            block.decode(bytes(changed))


def test_a_body_that_ends_too_early_is_noticed() -> None:
    body = block.encode(columns_of([(START + i * SECOND, START, i / 10, 0, None) for i in range(100)]))
    for length in range(len(body)):
        with pytest.raises(zlib.error):
            block.decode(body[:length])


def test_a_regular_counter_costs_next_to_nothing() -> None:
    rows = columns_of([(START + i * SECOND, START + i * SECOND, (1000 + i) / 100, 0, None) for i in range(3600)])
    assert len(block.encode(rows)) < 100


def test_a_few_absent_values_do_not_spoil_the_others() -> None:
    good: list[Row] = [(START + i * SECOND, START + i * SECOND, (i * 37 % 100) / 10, 0, None) for i in range(3600)]
    lost = [row if i % 900 else (*row[:2], None, 3, "timeout") for i, row in enumerate(good)]
    assert len(block.encode(columns_of(lost))) < len(block.encode(columns_of(good))) + 100
