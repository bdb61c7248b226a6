"""Values and texts as large as they come are stored, sealed and answered; nothing of them stops the sealing."""

from __future__ import annotations

import random
import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.intake_line import noted
from edge_agent.store.codec.columns import LONGEST_REASON, Columns
from edge_agent.store.codec.summary import Summary, digest
from edge_agent.store.sealed import blocks
from edge_agent.store.store import Store
from tests.store.plain import stored
from tests.store.test_sealing import DAY, HOUR, START, batch_of, tidied

HUGE = 1.7e308
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(FINITE, st.sampled_from([HUGE, -HUGE, 0.0, -0.0]))
PART = st.lists(VALUES, min_size=1, max_size=5)


def days(parts: list[list[float]]) -> Iterator[Summary]:
    """What each day of values comes to, one an hour."""
    for day, values in enumerate(parts):
        at = [day * DAY + n * HOUR for n in range(len(values))]
        yield digest(Columns(at, at[:], [*values], [0] * len(at), [None] * len(at)), HOUR)


@given(st.lists(PART, min_size=1, max_size=5), st.lists(st.tuples(VALUES, st.integers(0, DAY)), max_size=3))
def test_whatever_finite_values_come_every_summary_can_be_stored(
    parts: list[list[float]], known: list[tuple[float, int]]
) -> None:
    told = [*days(parts)]
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE header (total REAL NOT NULL, area REAL NOT NULL)")
        for one in (reduce(Summary.then, told), reduce(Summary.beside, told), told[-1].with_known(known, 0)):
            assert not any(value != value for value in one if value is not None)
            db.execute("INSERT INTO header VALUES (?, ?)", (one.total, one.area))


@pytest.mark.parametrize("signs", [(1, -1), (-1, 1), (1, -1, 1)])
def test_the_largest_values_of_opposite_days_are_sealed_and_read_back(tmp_path: Path, signs: tuple[int, ...]) -> None:
    rows = [(START + day * DAY + n * 6 * HOUR, HUGE * sign) for day, sign in enumerate(signs) for n in range(4)]
    with Store(tmp_path) as store:
        with store.transaction():
            store.write_past(batch_of("m.e", *rows))
        tidied(store, START + 40 * DAY)
        assert not store.tidy()
    found = stored(tmp_path)
    assert [found["m.e", at][-1].value for at, _ in rows] == [value for _, value in rows]


def test_a_reason_is_cut_where_it_enters_and_its_reading_stays_also_the_second_time(tmp_path: Path) -> None:
    batch = Batch()
    batch.add("m.e", START, START, None, Quality.BAD, "x" * 100_000)
    with Store(tmp_path) as store:
        for count in (1, 0):
            with store.transaction():
                assert store.write_past(batch) == count
    (row,) = stored(tmp_path)["m.e", START]
    assert row.reason == "x" * LONGEST_REASON
    assert noted(f"bad:{'x' * 100_000}; text") == (Quality.BAD, "x" * LONGEST_REASON, "text")


def test_a_body_of_any_size_stays_within_the_pieces_of_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database may hold longer reasons, or many that all differ."""
    monkeypatch.setattr("edge_agent.store.codec.columns.LONGEST_REASON", 1 << 20)
    draw, tags = random.Random(1), ("m.a", "m.b")
    reasons = ["".join(draw.choices(string.ascii_letters + string.digits, k=60_000)) for _ in range(200)]
    with Store(tmp_path) as store:
        for tag in tags:
            batch = Batch()
            for n, reason in enumerate(reasons):
                batch.add(tag, START + n, START + n, None, Quality.BAD, reason)
            with store.transaction():
                store.write_past(batch)
        tidied(store, START + 3 * DAY)
        assert store._db.execute("SELECT MAX(LENGTH(bytes)) FROM body").fetchone()[0] > blocks.PIECE
    found = stored(tmp_path)
    assert all([found[tag, START + n][-1].reason for n in range(200)] == reasons for tag in tags)
