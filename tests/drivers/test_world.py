"""Plant A adds up: at every moment, over every span, and across the hand-over."""

from __future__ import annotations

import io
import time
from datetime import datetime
from datetime import time as clock_time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sim.calendar import chance
from drivers.sim.measured import cut
from drivers.sim.measures import CT
from drivers.sim.past import write_past
from drivers.sim.plant import Plant
from drivers.sim.world import NODE_US, US, ZONE, Flows, World, last_minute, origin_of, shift_to


def at(year: int, month: int = 1, day: int = 1, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=ZONE).timestamp()) * US


ORIGIN = at(2025)
HANDOVER = at(2025, 2, 12, 14, 15)
PLAIN = World(ORIGIN)
SHIFTED = World(ORIGIN, HANDOVER, shift_to(HANDOVER, clock_time(9, 30)))
moments = st.integers(ORIGIN, at(2025, 3))


@given(st.sampled_from([PLAIN, SHIFTED]), moments)
def test_the_balance_closes_in_power_and_in_energy(world: World, now: int) -> None:
    for flows in (world.power(now), world.energy(now)):
        assert flows.grid_import - flows.grid_export + flows.pv == pytest.approx(flows.load, rel=1e-9, abs=1e-6)
        assert min(getattr(flows, name) for name in Flows.__slots__) >= 0


@given(moments, st.integers(1, 3 * 3600))
def test_energy_is_the_integral_of_power(start: int, seconds: int) -> None:
    """Against Simpson's rule on slices that end at every node."""
    end = start + seconds * US
    edges = sorted({start, end, *range(start // NODE_US * NODE_US + NODE_US, end, NODE_US)})
    for name in ("pv", "load", "press", "gas"):
        summed = 0.0
        for a, b in pairwise(edges):
            parts = [getattr(PLAIN.power(t), name) for t in (a, (a + b) // 2, b)]
            summed += (parts[0] + 4 * parts[1] + parts[2]) / 6 * (b - a) / US / 3600
        counted = getattr(PLAIN.energy(end), name) - getattr(PLAIN.energy(start), name)
        assert counted == pytest.approx(summed, rel=1e-6, abs=1e-6)


@given(st.sampled_from([PLAIN, SHIFTED]), moments, st.integers(0, 7200))
def test_registers_only_grow(world: World, start: int, seconds: int) -> None:
    before, after = world.energy(start), world.energy(start + seconds * US)
    assert all(getattr(after, n) >= getattr(before, n) for n in Flows.__slots__)


@given(st.integers(0, 58), st.integers(-180, 180))
def test_no_sun_at_night(day: int, minutes: int) -> None:
    midnight = ORIGIN + day * 86400 * US
    assert PLAIN.power(max(midnight + minutes * 60 * US, ORIGIN)).pv == 0.0


def test_registers_are_continuous_at_the_hand_over_and_the_plant_shows_the_wanted_hour() -> None:
    assert SHIFTED.energy(HANDOVER) == PLAIN.energy(HANDOVER)
    just_after = SHIFTED.energy(HANDOVER + US)
    assert just_after.load - SHIFTED.energy(HANDOVER).load < 3000 / 3600
    assert SHIFTED.power(HANDOVER + US) == PLAIN.power(at(2025, 2, 12, 9, 30) + US)


def test_the_same_moment_is_always_the_same() -> None:
    world = World(ORIGIN)
    world.energy(at(2025, 2))
    assert world.power(at(2025, 1, 9, 11, 7)) == PLAIN.power(at(2025, 1, 9, 11, 7))


def test_the_calendar_shows_in_the_load() -> None:
    def press(*moment: int) -> float:
        return PLAIN.power(at(2025, *moment)).press

    assert press(1, 8, 10) > 1000  # Wednesday, first shift
    assert press(1, 8, 20) > 1000  # second shift
    assert press(1, 8, 3) < 50
    assert press(1, 11, 10) > 1000  # Saturday, one shift
    assert press(1, 11, 20) < 50
    assert press(1, 12, 10) < 50  # Sunday
    assert press(1, 30, 10) < 50  # spring festival


def test_a_year_has_the_size_it_is_meant_to_have() -> None:
    world = World(ORIGIN)
    year = world.energy(at(2026))
    assert year.grid_import == pytest.approx(10_400_000, rel=0.02)
    assert year.pv == pytest.approx(1_730_000, rel=0.03)
    assert year.grid_export == pytest.approx(180_000, rel=0.05)
    assert year.gas == pytest.approx(264_000, rel=0.02)
    assert world.pieces(ORIGIN, at(2026)) == pytest.approx(1_440_000, rel=0.02)
    two_years = {"m1": 2 * year.grid_import / CT["m1"], "m2": 2 * year.press / CT["m2"]}
    assert max(two_years.values()) < 999_999


def test_the_past_meets_the_live_meters_and_is_written_quickly() -> None:
    """Two years; the last row of each register is what the meter shows at the hand-over."""
    handover = last_minute(at(2026, 12, 30, 17, 5))
    assert origin_of(handover) == ORIGIN
    world = World(ORIGIN, handover)
    file = io.StringIO()
    begun = time.process_time()
    rows = write_past(world, file, ORIGIN, handover)
    took = time.process_time() - begun
    lines = file.getvalue().splitlines()
    assert len(lines) == rows + 1 > 280_000
    last = {line.split(",")[0]: line.split(",") for line in lines}
    assert last["m1.energy_import"][1:3] == ["", "2026-12-30T17:05:00+08:00"]
    assert last["manual.pieces"][1:3] == ["2026-11-01T00:00:00+08:00", "2026-12-01T00:00:00+08:00"]
    plant = Plant(world, lambda: handover)
    shown = cut(plant.measures.grid(handover)["energy_import"], 2)
    assert float(last["m1.energy_import"][3]) == shown
    assert float(last["inv1.energy_export"][3]) == cut(plant.measures.inverter(handover)["energy_export"] / 1000, 2)
    months = [int(line.split(",")[3]) for line in lines if line.startswith("manual.pieces")]
    assert len(months) == 23
    assert sum(months) == world.pieces(ORIGIN, at(2026, 12))
    begun = time.process_time()
    for index in range(rows):
        chance(index, 1)
    assert took < 20 * (time.process_time() - begun)  # about 5 hashes a row
