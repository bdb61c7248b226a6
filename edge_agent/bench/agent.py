"""The figures of a whole agent, each beside its goal: CPU at rest and at work, memory, the way to the first reading."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.bench.report import Row

IDLE_GOAL, WORK_GOAL = 0.01, 0.1  # of a core
OPCUA_MB, METERS_MB = 70.0, 40.0
FIRST_GOAL = 1.5  # times the imports
IDLE_S, WORK_S, MEMORY_S = 65.0, 30.0, 20.0  # a minute has the one reading of a device that is read once a minute
SLAVES, ITEMS = 50, 20  # a thousand readings a second
FEW_SLAVES, METERS = 10, 10
VALUES = 1000
QUICK_S, QUICK_WARM_UP_S = 1.2, 0.1
QUICK_SLAVES, QUICK_VALUES = 3, 20


def rows(quick: bool) -> Iterator[Row]:
    """Every figure, as soon as it is taken; quick ones are of few devices and say little."""
    yield from _first(quick)
    yield from _memory(quick)
    yield from _work(quick)
    yield from _idle(quick)


def _idle(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.field import idle

    for name, seen in idle(QUICK_S, QUICK_WARM_UP_S) if quick else idle(IDLE_S):
        figures = {"rss_mb": seen.rss_mb, "written_per_s": seen.written_bytes, "seconds": seen.seconds}
        yield Row("idle", name, seen.share, IDLE_GOAL, figures)


def _work(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.field import modbus

    slaves = QUICK_SLAVES if quick else SLAVES
    seen = modbus(slaves, ITEMS, QUICK_S, 0, QUICK_WARM_UP_S) if quick else modbus(slaves, ITEMS, WORK_S)
    figures = {"sample_us": seen.sample_us or 0.0, "rss_mb": seen.rss_mb, "written_per_s": seen.written_bytes}
    yield Row("work", f"modbus {slaves * ITEMS}/s", seen.share, WORK_GOAL, {**figures, "seconds": seen.seconds})


def _memory(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.field import WARM_UP_S, modbus, opcua

    seconds, warm_up = (QUICK_S, QUICK_WARM_UP_S) if quick else (MEMORY_S, WARM_UP_S)
    values, slaves, meters = (QUICK_VALUES, 1, 1) if quick else (VALUES, FEW_SLAVES, METERS)
    for name, goal, seen in (
        (f"opcua {values}", OPCUA_MB, opcua(values, seconds, warm_up)),
        (f"dlt645 {meters} modbus {slaves}", METERS_MB, modbus(slaves, ITEMS, seconds, meters, warm_up)),
    ):
        yield Row("memory", name, seen.rss_mb, goal, {"peak_mb": seen.peak_mb, "cpu_share": seen.share})


def _first(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.first import TURNS, measure

    for found in measure(1 if quick else TURNS):
        cpu = {"cpu_s": found.cpu_s, "imports_s": found.imports_cpu_s}
        yield Row("first", f"{found.site} cpu", found.cpu_ratio, FIRST_GOAL, cpu)
        wall = {"wall_s": found.wall_s, "imports_s": found.imports_wall_s}
        yield Row("first", f"{found.site} wall", found.wall_ratio, FIRST_GOAL, wall)
