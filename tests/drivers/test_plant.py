"""The simulated plant agrees with itself: registers with power, levels with each other, under any script."""

from __future__ import annotations

import math
from datetime import datetime
from datetime import time as clock_time
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.profile import Profile
from drivers.reading import Kind
from drivers.sim.address import Address
from drivers.sim.faults import Fault, Faults, Order
from drivers.sim.fragment import filled
from drivers.sim.measured import Measured
from drivers.sim.measures import CT, Measures
from drivers.sim.plant import ABLE, ADDRESSES, HOST, PROFILES, UNITS, WATER_ADDRESS, shipped
from drivers.sim.world import (
    KWH_PER_PIECE,
    NODE_US,
    PRESS_STANDBY_KW,
    UNMETERED_SHARE,
    US,
    ZONE,
    World,
    shift_to,
)

DAY_US = 86_400 * US
ORIGIN = int(datetime(2025, 1, 1, tzinfo=ZONE).timestamp()) * US
HANDOVER = int(datetime(2025, 2, 12, 14, 15, tzinfo=ZONE).timestamp()) * US
BELOW_GRID = ("m2", "m3", "m4", "m5")
KWH = {"inv1": 0.001, "press": 1.0}
VALUE_FAULTS = (Fault.FROZEN, Fault.SWAPPED, Fault.ROLLOVER)

profile = cache(shipped)
worlds = st.builds(
    lambda hour, speed: World(ORIGIN, HANDOVER, shift_to(HANDOVER, clock_time(hour)), speed=speed),
    st.integers(0, 23),
    st.sampled_from([1.0, 1.0, 60.0]),
)
moments = st.integers(HANDOVER - 3 * DAY_US, HANDOVER + 3 * DAY_US)


def shown(world: World, device: str, now: int, faults: Faults | None = None) -> dict[str, float]:
    """What a device shows, as energy and power of the primary side in kWh and kW."""
    kind: Profile = profile(PROFILES[device])
    values = Measured(device, kind, Measures(world).of(device)).at(now, faults or Faults())
    return {name: value * CT.get(device, 1.0) for name, value in values.items()}


def day_by_power(world: World, device: str, item: str, start: int) -> float:
    """The integral of a device's power over a day of the plant, exact between its nodes."""
    end = start + round(DAY_US / world.speed)
    step = round(NODE_US / world.speed)
    offset = round((world.origin - world.own(start)) % NODE_US / world.speed)
    edges = sorted({start, *range(start + offset, end, step), end})
    power = {t: shown(world, device, t)[item] for t in edges}
    hours = {b: (b - a) / US / 3600 * world.speed for a, b in pairwise(edges)}
    return math.fsum((power[a] + power[b]) / 2 * hours[b] for a, b in pairwise(edges))


CASES = [("m2", "energy_import", "power"), ("m3", "energy_import", "power"), ("press", "energy_1", "power_1"),
         ("inv1", "energy_export", "power"), ("hp1", "energy_import", "power")]  # fmt: skip


@pytest.mark.parametrize(("device", "register", "power"), CASES)
@given(worlds, st.integers(1, 2 * 86_400))
@settings(max_examples=15, deadline=None)
def test_the_energy_of_a_day_is_the_integral_of_its_power(
    device: str, register: str, power: str, world: World, begun: int
) -> None:
    start = HANDOVER + begun * US
    end = start + round(DAY_US / world.speed)
    counted = shown(world, device, end)[register] - shown(world, device, start)[register]
    # The sun does not set at a node: a day of PV has two corners between its nodes.
    assert counted == pytest.approx(day_by_power(world, device, power, start), rel=1e-5, abs=0.2)


@given(worlds, moments)
@settings(deadline=None)  # the first look at a world sums its past
def test_the_levels_balance_with_the_residual_that_is_meant(world: World, now: int) -> None:
    grid, sun, hall, presses = (shown(world, name, now) for name in ("m1", "inv1", "m2", "press"))
    generated = {"energy": sun["energy_export"] / 1000, "power": sun["power"] / 1000}
    for kind, load in (
        ("energy", grid["energy_import"] - grid["energy_export"] + generated["energy"]),
        ("power", grid["power"] + generated["power"]),
    ):
        name = "energy_import" if kind == "energy" else "power"
        in_watts = {n: 1000.0 if kind == "power" and n in ("m4", "m5") else 1.0 for n in BELOW_GRID}
        metered = sum(shown(world, n, now)[name] / in_watts[n] for n in BELOW_GRID)
        assert load - metered == pytest.approx(UNMETERED_SHARE * load, rel=1e-6, abs=1e-3)
        below = sum(presses[f"{kind}_{i}"] for i in (1, 2))
        assert hall[name] - below == pytest.approx(0.03 * hall[name], rel=1e-6, abs=1e-3)


@given(worlds, st.sampled_from([d for d in PROFILES if set(ABLE[d]) & set(VALUE_FAULTS)]), st.data())
@settings(deadline=None)
def test_a_fault_of_values_touches_its_own_device_only_and_leaves_no_trace(
    world: World, device: str, data: st.DataObject
) -> None:
    fault = data.draw(st.sampled_from([f for f in VALUE_FAULTS if f in ABLE[device]]))
    since = HANDOVER + data.draw(st.integers(0, 7200)) * US
    until = since + data.draw(st.integers(1, 7200)) * US
    faults = Faults(Order(device, fault, since, until))
    during = data.draw(st.integers(since, until - 1))
    for name in PROFILES:
        assert shown(world, name, since - 1, faults) == shown(world, name, since - 1)
        assert shown(world, name, until, faults) == shown(world, name, until)
        if name != device:
            assert shown(world, name, during, faults) == shown(world, name, during)
    counters = [n for n, i in profile(PROFILES[device]).items.items() if i.kind_or_default == Kind.COUNTER]
    value, true = shown(world, device, during, faults), shown(world, device, during)
    for name in counters:
        if fault == Fault.FROZEN:
            assert value[name] == shown(world, device, since)[name]
        elif fault == Fault.SWAPPED:
            assert value[name] <= true[name]
            assert shown(world, device, since, faults)[name] == 0


@given(worlds, moments)
@settings(deadline=None)
def test_the_presses_make_the_pieces_that_are_filed(world: World, now: int) -> None:
    press = shown(world, "press", now)
    assert world.made(now) - 2 < press["strokes_1"] + press["strokes_2"] <= world.made(now)
    hour = (press["rate_1"] + press["rate_2"]) * 60.0
    drawn = world.power(now).press - PRESS_STANDBY_KW
    assert hour == 0.0 or hour == pytest.approx(drawn / KWH_PER_PIECE)


def test_the_demonstrations_site_describes_the_plant_that_is_simulated() -> None:
    where = Address(Path("line1"), HOST, 1, 2, "opc.tcp://127.0.0.1:3/x", "u", "p")
    devices = yaml.load(filled(where, "zh"), yaml.BaseLoader)["devices"]
    assert {name: device["profile"] for name, device in devices.items()} == PROFILES
    assert {name: float(device["ct"]) for name, device in devices.items() if "ct" in device} == CT
    addresses = {name: device["address"] for name, device in devices.items() if "address" in device}
    assert addresses == {**ADDRESSES, "w1": WATER_ADDRESS}
    assert {name: int(devices[name]["unit"]) for name in UNITS} == UNITS


def test_the_inverter_sleeps_at_night_and_the_heat_pump_gives_more_than_it_takes() -> None:
    midnight = HANDOVER - (14 * 3600 + 15 * 60) * US
    world = World(ORIGIN, HANDOVER)
    assert shown(world, "inv1", midnight)["power"] == 0.0
    warm = shown(world, "hp1", HANDOVER)
    assert warm["heat_power"] == pytest.approx(warm["cop"] * warm["power"])
    assert warm["cop"] > 1.8
    assert warm["water_out"] > warm["water_in"] > warm["outdoor_temperature"]
