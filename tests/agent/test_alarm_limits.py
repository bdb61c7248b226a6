"""Limits over time: the delay, the deadband, and that what is unknown decides nothing."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.alarm.event import Event
from edge_agent.alarm.limits import Limit

S = 1_000_000


def run(limit: Limit, *seen: tuple[int, float | None]) -> list[tuple[int, Event]]:
    """What a limit answers to values at these seconds."""
    answers = ((at, limit.see(value, at * S)) for at, value in seen)
    return [(at, event) for at, event in answers if event is not None]


def power(delay: int = 10, deadband: float = 5.0) -> Limit:
    return Limit("high", 450.0, deadband, delay * S, 60 * S)


def test_a_value_raises_only_after_it_was_over_for_the_delay() -> None:
    assert run(power(), (0, 450.0), (5, 460.0), (9, 451.0), (10, 450.0)) == [(10, Event.RAISE)]


def test_one_value_below_begins_the_delay_anew() -> None:
    assert run(power(), (0, 460.0), (9, 449.9), (11, 460.0), (20, 460.0), (21, 460.0)) == [(21, Event.RAISE)]


def test_it_clears_below_the_deadband_and_not_in_it() -> None:
    assert run(power(0), (0, 450.0), (1, 445.0), (2, 444.9), (3, 449.9)) == [(0, Event.RAISE), (2, Event.CLEAR)]


def test_a_low_limit_is_the_mirror_of_a_high_one() -> None:
    low = Limit("low", 2.0, 0.5, 3 * S, 60 * S)
    assert run(low, (0, 2.1), (1, 2.0), (4, 1.0), (5, 2.5), (6, 2.6)) == [(4, Event.RAISE), (6, Event.CLEAR)]


def test_a_short_hole_does_not_stop_the_delay_and_a_long_one_does() -> None:
    assert run(power(30), (0, 460.0), (10, None), (35, 460.0)) == [(35, Event.RAISE)]
    assert run(power(30), (0, 460.0), (10, None), (3600, 460.0), (3629, 460.0)) == []


def test_a_reading_from_before_the_last_one_decides_nothing() -> None:
    assert run(power(0), (100, 400.0), (50, 460.0), (101, 460.0), (60, 100.0)) == [(101, Event.RAISE)]


def test_an_alarm_that_held_before_a_restart_goes_on() -> None:
    limit = Limit("high", 450.0, 5.0, 10 * S, 60 * S, active=True)
    assert run(limit, (0, 460.0), (20, 460.0), (21, 400.0)) == [(21, Event.CLEAR)]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_unknown_neither_raises_nor_clears(value: float | None) -> None:
    assert run(power(0), (0, value)) == []
    assert run(power(0), (0, 460.0), (1, value), (2, value)) == [(0, Event.RAISE)]


VALUES = st.one_of(st.none(), st.floats(allow_nan=True), st.sampled_from([0.0, 44.0, 45.0, 46.0, 50.0, 51.0]))
SEEN = st.lists(st.tuples(VALUES, st.integers(0, 100)), max_size=40)


@given(SEEN, st.sampled_from(["high", "low"]), st.integers(0, 60), st.floats(0, 10))
def test_raise_and_clear_alternate_and_each_has_its_cause(
    seen: list[tuple[float | None, int]], side: Literal["high", "low"], delay: int, deadband: float
) -> None:
    limit = Limit(side, 50.0, deadband, delay * S, 90 * S)
    at, expected = 0, Event.RAISE
    for value, step in seen:
        at += step * S
        event = limit.see(value, at)
        if event is None:
            continue
        assert event is expected
        assert value is not None
        over = value >= 50.0 if side == "high" else value <= 50.0
        assert over == (event is Event.RAISE)
        expected = Event.CLEAR if event is Event.RAISE else Event.RAISE


@given(SEEN, st.integers(0, 60))
def test_taking_the_unknown_out_changes_nothing(seen: list[tuple[float | None, int]], delay: int) -> None:
    moments, at = [], 0
    for value, step in seen:
        at += step
        moments.append((at, value))
    known = [(at, value) for at, value in moments if value is not None and math.isfinite(value)]
    assert run(power(delay), *moments) == run(power(delay), *known)
