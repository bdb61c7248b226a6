"""Unknown travels through every sum and quotient, and the known part stays in sight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.figure import Figure, exactly, quotient, total, unknown
from edge_agent.reason import reason

numbers = st.floats(0.1, 1e6)
WHY = reason("no_reading", tag="m1.energy_import")


def test_a_sum_with_an_unknown_part_is_unknown_and_shows_the_known_part() -> None:
    figure = total([exactly(5.0, "kWh"), unknown("kWh", WHY, known=2.0)], "kWh")
    assert (figure.exact, figure.known, figure.reasons) == (None, 7.0, (WHY,))
    assert figure.as_json() is None


def test_a_sum_of_nothing_is_unknown_and_not_zero() -> None:
    assert not total([], "kWh").is_known


def test_a_quotient_by_zero_or_by_a_range_over_zero_is_unknown() -> None:
    assert not quotient(exactly(1.0, "t"), exactly(0.0, "piece"), "t/piece").is_known
    assert not quotient(exactly(1.0, "t"), Figure(-1.0, 1.0, "piece"), "t/piece").is_known


@given(a=numbers, b=numbers, c=numbers, d=numbers)
def test_an_interval_holds_every_result_between_its_ends(a: float, b: float, c: float, d: float) -> None:
    top, bottom = Figure(min(a, b), max(a, b), "t"), Figure(min(c, d), max(c, d), "p")
    result = quotient(top, bottom, "t/p")
    assert result.low is not None
    assert result.high is not None
    for t in (a, b, (a + b) / 2):
        for p in (c, d, (c + d) / 2):
            assert result.low <= t / p * (1 + 1e-9)
            assert t / p <= result.high * (1 + 1e-9)


@given(value=numbers, low=st.floats(0, 10), width=st.floats(0, 5))
def test_a_negative_factor_turns_the_ends_round(value: float, low: float, width: float) -> None:
    figure = exactly(value, "kWh").times(-(low + width), -low, "kWh")
    assert figure.low == pytest.approx(-value * (low + width))
    assert figure.high == pytest.approx(-value * low)
