"""What slow and dead units cost the others on their line; everything in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.agent.rs485 import Told, polled
from tests.virtual import run

KEPT = 0.95  # of their rate, whatever one unit does
A_WHILE = 240.0


def rates(told: Told, *left_out: int) -> list[int]:
    """Questions answered by each unit but those left out."""
    return [sum(u.asked.values()) for u in told.units if u.device.unit not in left_out]


@pytest.mark.parametrize("period", [10.0, 2.0], ids=["with time to spare", "on a line that is full"])
@pytest.mark.parametrize("bad", [None, 0.9, 0.5], ids=["dead", "slow", "rather slow"])
def test_one_of_fifty_units_costs_the_others_at_most_five_percent(bad: float | None, period: float) -> None:
    well = dict.fromkeys(range(1, 51), 0.02)
    before = rates(run(polled(well, A_WHILE, period=period)), 7)
    after = rates(run(polled({**well, 7: bad}, A_WHILE, period=period)), 7)
    assert min(a / b for a, b in zip(after, before, strict=True)) >= KEPT


@pytest.mark.parametrize("units", [2, 3, 5])
@pytest.mark.parametrize("bad", [None, 0.9], ids=["dead", "slow"])
def test_on_a_full_line_of_few_units_the_others_keep_their_rate_too(bad: float | None, units: int) -> None:
    well = dict.fromkeys(range(1, units + 1), 0.02)
    before = rates(run(polled(well, A_WHILE, period=0.05 * units, high=2)), 1)
    after = rates(run(polled({**well, 1: bad}, A_WHILE, period=0.05 * units, high=2)), 1)
    assert min(a / b for a, b in zip(after, before, strict=True)) >= KEPT


def test_a_slow_unit_uses_the_time_that_nobody_else_needs() -> None:
    slow, other = run(polled({1: 0.9, 2: 0.02}, 100.0, period=10.0, high=8)).units
    assert min(slow.asked.values()) >= 9
    assert min(other.asked.values()) >= 9


@pytest.mark.parametrize(("delays", "period"), [([0.5, 0.5], 10.0), ([0.2] * 8, 20.0), ([0.9, 0.9, 0.02], 20.0)])
def test_slow_units_among_themselves_use_the_whole_line(delays: list[float], period: float) -> None:
    told = run(polled(dict(enumerate(delays, 1)), 10 * period + 1.0, period=period, high=8))
    assert min(min(unit.asked.values()) for unit in told.units) >= 9


@pytest.mark.parametrize("units", [1, 2, 8])
def test_one_item_that_is_never_answered_costs_neither_the_link_nor_the_others(units: int) -> None:
    told = run(polled(dict.fromkeys(range(1, units + 1), 0.02), 600.5, period=15.0, high=5, deaf={"h3"}))
    assert told.lost == 0
    assert min(unit.asked[name] for unit in told.units for name in ("h0", "h1", "h2", "h4")) >= 38


def test_units_of_a_full_line_get_the_same() -> None:
    counts = rates(run(polled(dict.fromkeys(range(1, 21), 0.03), A_WHILE, period=0.5)))
    assert max(counts) - min(counts) <= 2


def test_beats_that_were_missed_are_counted_and_never_queued() -> None:
    """Twenty answers of 80 ms want 2.3 s of every second."""
    told = run(polled({1: 0.08}, A_WHILE, period=1.0, high=20))
    (unit,) = told.units
    cycles = unit.asked["h0"]
    assert told.batches in (cycles - 1, cycles)  # the last cycle is cancelled
    assert cycles + told.health["agent.overruns"] == pytest.approx(A_WHILE, abs=3)


def test_low_points_come_in_turn_and_high_ones_in_every_cycle() -> None:
    (unit,) = run(polled({1: 0.02}, 100.5, period=1.0, high=2, low=5)).units
    assert (unit.asked["h0"], unit.asked["h1"]) == (101, 101)
    assert [unit.asked[f"l{i}"] for i in range(5)] == [21] * 5


def test_a_unit_that_comes_back_is_read_again_within_a_minute() -> None:
    delays: dict[int, float | None] = {1: None, 2: 0.02}

    async def story() -> int:
        asyncio.get_running_loop().call_later(300.0, delays.__setitem__, 1, 0.02)
        return sum((await polled(delays, 400.0, period=5.0)).units[0].asked.values())

    assert run(story()) >= 8
