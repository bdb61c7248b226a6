"""The speed of the drivers as ratios, each to a limit that is taken in the same run on the same machine."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.bench.report import Row

LINE_GOAL, MODBUS_GOAL, OPCUA_GOAL = 1.05, 1.5, 1.0
QUICK_S = 0.1  # of each figure on a line
QUICK_MODBUS_S = 0.5
QUICK_VALUES, QUICK_OPCUA_S = 200, 1.0
QUICK_BAUDS = (19200,)


def rows(quick: bool) -> Iterator[Row]:
    """Every figure, as soon as it is taken; quick ones are noisy."""
    yield from _line(quick)
    yield from _modbus(quick)
    yield from _opcua(quick)


def _line(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.line import BAUDS, SECONDS, measure

    for baud in QUICK_BAUDS if quick else BAUDS:
        for f in measure([baud], QUICK_S if quick else SECONDS):
            figures = {"measured_ms": f.measured_s * 1000, "least_ms": f.least_s * 1000, "count": f.count}
            yield Row("line", f"{f.case} {f.baud}", f.ratio, LINE_GOAL, figures)


def _modbus(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.modbus import measure

    cost = measure(QUICK_MODBUS_S) if quick else measure()
    for f in cost.figures:
        figures = {"ours_us": f.ours_us, "raw_us": f.raw_us, "bytes_us": f.bytes_us}
        yield Row("modbus", f"tcp-{f.registers}", f.ratio, MODBUS_GOAL, figures)


def _opcua(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.opcua import measure

    cost = measure(QUICK_VALUES, QUICK_OPCUA_S) if quick else measure()
    figures = {"ours_us": cost.ours_us, "library_us": cost.library_us, "values": cost.values}
    if cost.node_us is not None:
        figures["node_us"] = cost.node_us
    yield Row("opcua", "changes", cost.ratio, OPCUA_GOAL, figures, "no_node" if cost.ratio is None else "")
