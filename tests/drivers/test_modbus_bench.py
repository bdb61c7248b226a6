"""The bench of Modbus reads measures both clients and finds them near each other."""

from __future__ import annotations

from edge_agent.bench.modbus import measure


def test_the_bench_measures_both_clients() -> None:
    cost = measure(0.1)
    assert [f.registers for f in cost.figures] == [10, 124]
    assert all(f.raw_us > 0 for f in cost.figures)
    assert cost.ratio == cost.figures[0].ratio
    assert all(
        0.5 < f.ratio <= f.readings_ratio * 1.5 < 60 for f in cost.figures
    )  # whatever the machine does beside it
