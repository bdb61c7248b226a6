"""Boundary registers: exact, interpolated, never extrapolated; rollovers, falls and ratios."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.energy.counter import Counter, consumption
from edge_agent.figure import Figure
from edge_agent.period import Period
from edge_agent.store.reader import FOREVER, Reader
from edge_agent.store.store import Store

HOUR = 3600 * 1_000_000
DAY = 24 * HOUR


def used(
    folder: Path,
    registers: list[tuple[int, float | None]],
    period: Period,
    modulus: float | None = None,
    ratio: tuple[int, float, float] = (0, 1.0, 1.0),
) -> Figure:
    """What a counter with these registers counted."""
    folder.mkdir(parents=True, exist_ok=True)
    batch = Batch()
    for at, value in registers:
        batch.add("m.energy", at, at, value, Quality.GOOD if value is not None else Quality.BAD, None)
    with Store(folder) as store, store.transaction():
        store.write([batch])
    reader = Reader(folder)
    change, before, after = ratio
    counter = Counter(
        "m.energy",
        reader.ids()["m.energy"],
        "kWh",
        DAY,
        modulus,
        lambda at: before if at < change else after,
        lambda start, end: [change] if start < change < end else [],
        str,
    )
    return consumption(reader, counter, period, FOREVER)


def test_a_register_between_two_near_readings_is_interpolated_and_counted_as_estimated(tmp_path: Path) -> None:
    figure = used(
        tmp_path, [(9 * HOUR, 90.0), (11 * HOUR, 110.0), (20 * HOUR, 200.0)], Period("p", 10 * HOUR, 20 * HOUR)
    )
    assert figure.exact == pytest.approx(100.0)
    assert figure.estimated_share == pytest.approx(0.2)


def test_readings_too_far_apart_are_not_joined(tmp_path: Path) -> None:
    figure = used(tmp_path, [(0, 0.0), (2 * DAY, 20.0), (3 * DAY, 30.0)], Period("p", DAY, 3 * DAY))
    assert not figure.is_known
    assert figure.known == pytest.approx(10.0)


def test_a_closed_period_is_never_extrapolated_and_an_open_one_ends_at_its_last_register(tmp_path: Path) -> None:
    registers: list[tuple[int, float | None]] = [(0, 0.0), (9 * HOUR, 90.0)]
    assert not used(tmp_path / "a", registers, Period("p", 0, 10 * HOUR)).is_known
    figure = used(tmp_path / "b", registers, Period("p", 0, 10 * HOUR, open=True))
    assert figure.exact == 90.0
    assert figure.coverage == pytest.approx(0.9)


def test_a_fall_of_the_register_is_unknown_and_a_rollover_is_counted(tmp_path: Path) -> None:
    fallen = used(tmp_path / "a", [(0, 500.0), (HOUR, 3.0), (2 * HOUR, 8.0)], Period("p", 0, 2 * HOUR))
    assert [r.code for r in fallen.reasons] == ["register_fell"]
    turned = used(tmp_path / "b", [(0, 990.0), (HOUR, 3.0), (2 * HOUR, 8.0)], Period("p", 0, 2 * HOUR), modulus=1000.0)
    assert turned.exact == pytest.approx(18.0)
    assert [r.code for r in turned.reasons] == ["rolled_over"]


def test_a_zero_instead_of_no_value_never_books_the_whole_register(tmp_path: Path) -> None:
    figure = used(tmp_path, [(0, 5000.0), (HOUR, 0.0), (2 * HOUR, 5001.0)], Period("p", 0, 2 * HOUR), modulus=1e6)
    assert not figure.is_known


def test_a_ratio_change_in_a_hole_is_unknown_and_says_so(tmp_path: Path) -> None:
    registers: list[tuple[int, float | None]] = [(0, 0.0), (3 * DAY, 30.0), (6 * DAY, 60.0)]
    figure = used(tmp_path, registers, Period("p", 0, 6 * DAY), ratio=(4 * DAY, 80.0, 100.0))
    assert not figure.is_known
    assert [r.code for r in figure.reasons] == ["no_register_at_ratio_change"]


def test_each_ratio_applies_from_its_own_time(tmp_path: Path) -> None:
    registers: list[tuple[int, float | None]] = [(h * HOUR, 10.0 * h) for h in range(11)]
    figure = used(tmp_path, registers, Period("p", 0, 10 * HOUR), ratio=(4 * HOUR, 80.0, 100.0))
    assert figure.exact == pytest.approx(40 * 80 + 60 * 100)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.integers(0, 50), min_size=30, max_size=60), data=st.data())
def test_taking_readings_away_only_widens_the_bounds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], data: st.DataObject
) -> None:
    total, registers = 0.0, []
    for hour, step in enumerate(steps):
        total += step
        registers.append((hour * HOUR, total))
    period = Period("p", 5 * HOUR + HOUR // 3, (len(steps) - 5) * HOUR - HOUR // 4)
    kept = data.draw(st.lists(st.sampled_from(registers), unique=True))
    whole = used(tmp_path_factory.mktemp("w"), list(registers), period)
    part = used(tmp_path_factory.mktemp("p"), [*sorted(kept), (-99 * DAY, None)], period)
    assert whole.low is not None
    assert whole.high is not None
    if part.low is not None and part.high is not None:
        assert part.low <= whole.low + 1e-9
        assert whole.high <= part.high + 1e-9
        assert part.low <= (part.exact or 0.0) <= part.high
