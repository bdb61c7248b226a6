"""How models are read: pieces, scale factors that change between them, repeating blocks, counted groups, turns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import Device
from drivers.modbus.pdu import MOST_REGISTERS
from drivers.profile import Item, Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from drivers.sim.plant import shipped
from drivers.sim.sunspec_chain import filled
from drivers.sunspec.chain import Model
from drivers.sunspec.coding import is_number
from drivers.sunspec.definition import definition, described
from drivers.sunspec.driver import SunSpecDriver
from drivers.sunspec.places import places
from drivers.sunspec.plan import Question, plan, spans
from tests.drivers.conftest import noon, stream_bus
from tests.drivers.held import Held, chain, model

MODULES = 9
LONG = 8 + 20 * MODULES  # registers behind the head of model 160: two replies
FACTORS = {"DCA_SF": -1, "DCV_SF": 0, "DCW_SF": 1, "DCWH_SF": 0}


def mppt(**raws: float) -> bytes:
    return filled(160, LONG, {"N": MODULES, **FACTORS, **raws})


def modules(**raws: float) -> dict[str, float]:
    """`DCA_3=5` as the raw number of a module's point."""
    return {f"module[{name.split('_')[1]}].{name.split('_')[0]}": raw for name, raw in raws.items()}


def driver_of(device: Held, **items: Item) -> SunSpecDriver:
    profile = Profile(shipped("sunspec").title, "sunspec", "test/test", items)
    return SunSpecDriver(Device("inv", profile, timeout=0.05), stream_bus(lambda: MemoryLink(device)), noon)


async def values(driver: SunSpecDriver) -> dict[str, Any]:
    return {r.tag.removeprefix("inv."): r.value if r.reason is None else r.reason for r in await driver.read()}


CURRENT = Item("current", point="DCA", module=9, models=[160])
POWER = Item("power", unit="W", point="W", models=[103])


@pytest.mark.parametrize("model_id", described())
def test_a_value_and_its_factor_come_in_one_reply_wherever_one_can_hold_them(model_id: int) -> None:
    layout = definition(model_id)
    assert layout is not None
    device = Model(model_id, 40002, layout.group.words + 1000)
    there = {at: place for at, place in places(layout, device.length, {}).items() if is_number(place.point.type)}
    items = {path: Item("count", point=path, models=[model_id]) for path in there}
    how = plan(Question(device, tuple(items), False), items, {})
    assert how.places == there
    for place in there.values():
        hull = [place.offset, place.end - 1, place.offset if place.factor is None else place.factor]
        if max(hull) - min(hull) < MOST_REGISTERS:
            assert any(s.start <= 40002 + min(hull) and 40002 + max(hull) < s.start + s.count for s in how.spans)
        else:
            assert (place.factor, (place.factor or 0) + 1) in how.fixed


@given(
    st.integers(0, 60000),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(1, MOST_REGISTERS)), min_size=1, max_size=30),
)
def test_every_value_is_whole_in_one_read_and_no_read_is_too_long(start: int, sizes: list[tuple[int, int]]) -> None:
    ranges = [(first, first + size) for first, size in sizes]
    reads = spans(Model(160, start, 5000), ranges)
    assert all(1 <= read.count <= MOST_REGISTERS for read in reads)
    for first, end in ranges:
        assert any(r.start <= start + first and start + end <= r.start + r.count for r in reads)


async def test_each_repetition_of_a_block_is_read_with_the_factors_of_the_fixed_part() -> None:
    raws = modules(DCA_1=51, DCA_2=52, DCW_1=400, DCW_2=420, DCWH_2=70_000, Tmp_2=-5)
    device = Held({40000: chain(filled(160, 8 + 2 * 20, {"N": 2, **FACTORS, **raws}))})
    items = {f"a{n}": Item("current", point="DCA", module=n, models=[160]) for n in (1, 2, 3)}
    items["w2"] = Item("dc_power", point="DCW", module=2, models=[160])
    items["e2"] = Item("energy_export", point="DCWH", module=2, models=[160])
    items["t2"] = Item("temperature", point="Tmp", module=2, models=[160])
    driver = driver_of(device, **items)
    assert await values(driver) == {"a1": 5.1, "a2": 5.2, "a3": "no_value", "w2": 4.2, "e2": 70.0, "t2": -5.0}
    device.asked.clear()
    await driver.read()
    assert len(device.asked) == 1


async def test_a_long_model_is_read_in_pieces_with_its_factors_checked_behind_them() -> None:
    device = Held({40000: chain(mppt(**modules(DCA_9=77)))})
    driver = driver_of(device, a=CURRENT)
    assert await values(driver) == {"a": 7.7}
    device.asked.clear()
    assert await values(driver) == {"a": 7.7}
    first, second, again = device.asked
    assert first == again
    assert second[0] + second[1] <= 40002 + 2 + LONG


@pytest.mark.parametrize(("flips", "found"), [(1, 0.78), (2, 0.78), (9, "factor_changed")])
async def test_a_factor_that_changes_between_pieces_has_the_values_read_again(flips: int, found: Any) -> None:
    """The second piece brings 78 with a factor of -2 in place of 77 with one of -1."""
    device = Held({40000: chain(mppt(**modules(DCA_9=77)))})
    driver = driver_of(device, a=CURRENT)
    await driver.read()
    left = [flips]

    def flip(start: int, count: int) -> bool:
        if start > 40100 and left[0]:
            left[0] -= 1
            other = left[0] % 2 if flips > 2 else 0
            device.blocks[40000] = chain(mppt(DCA_SF=-2 - other, **modules(DCA_9=78)))
        return False

    device.silent_at = flip
    assert await values(driver) == {"a": found}


def curves(points: int, **raws: float) -> bytes:
    """Three curves, in a model that has room for more."""
    return filled(705, 200, {"NCrv": 3, "NPt": points, "V_SF": -1, **raws})


async def test_counted_groups_stand_where_their_counts_say_also_when_these_change() -> None:
    """The counts are read with every value; where they change the places are found anew in the same cycle."""
    device = Held({40000: chain(curves(3, **{"Crv[2].ActPt": 44}))})
    driver = driver_of(device, x=Item("count", point="Crv.ActPt", module=2, models=[705]))
    assert await values(driver) == {"x": 44.0}
    device.blocks[40000] = chain(curves(4, **{"Crv[2].ActPt": 45}))
    assert await values(driver) == {"x": 45.0}


async def test_of_several_models_of_one_kind_the_module_says_which() -> None:
    """As behind inverters with more than one meter, each with a common model of its own."""
    meters = [filled(203, 105, {"W": 100 * n, "W_SF": 0}) for n in (1, 2)]
    device = Held({40000: chain(model(1), model(103), model(1), meters[0], model(1), meters[1])})
    items = {f"w{n}": Item("power", point="W", models=[203], module=n) for n in range(4)}
    found = await values(driver_of(device, **items))
    assert found == {"w0": 0.1, "w1": 0.1, "w2": 0.2, "w3": "no_model"}


async def test_low_points_come_in_turn_and_high_ones_in_every_cycle() -> None:
    plate = filled(120, 26, {"WRtg": 5, "WRtg_SF": 3})
    device = Held({40000: chain(model(103, W=7, W_SF=3, A=1, St=4), plate, mppt(**modules(DCA_1=3)))})
    rated = Item("power", point="WRtg", models=[120], priority="low")
    module = Item("current", point="DCA", module=1, models=[160], priority="low")
    driver = driver_of(device, p=POWER, rated=rated, a=module)
    assert await values(driver) == {"p": 7.0, "rated": 5.0, "a": 0.3}
    turns = [sorted(await values(driver)) for _ in range(4)]
    assert sorted(map(tuple, turns)) == [("a", "p"), ("a", "p"), ("p", "rated"), ("p", "rated")]


async def test_a_cycle_that_time_cuts_goes_on_where_it_stopped() -> None:
    plate = filled(120, 26, {"WRtg": 5, "WRtg_SF": 3})
    device = Held({40000: chain(model(103, W=7, W_SF=3, A=1, St=4), plate)})
    driver = driver_of(device, p=POWER, rated=Item("power", point="WRtg", models=[120]))
    first = await driver.read(until=0.0)
    assert ([r.tag for r in first], driver.unfinished) == (["inv.p"], True)
    second = await driver.read(until=0.0)
    assert ([r.tag for r in second], driver.unfinished) == (["inv.rated"], False)


async def test_inputs_of_an_inverter_that_sleeps_are_asleep_and_a_meter_never_is() -> None:
    night = model(101, St=2, WH=5, WH_SF=0)
    meter = filled(203, 105, {"W_SF": 0, "TotWhImp": 9, "TotWh_SF": 0})
    device = Held({40000: chain(night, mppt(), meter)})
    items = {
        "p": replace_models(POWER, 101),
        "a": CURRENT,
        "e": Item("energy_export", point="DCWH", module=1, models=[160]),
        "m": Item("power", point="W", models=[203]),
    }
    assert await values(driver_of(device, **items)) == {"p": "asleep", "a": "asleep", "e": "no_value", "m": "no_value"}


def replace_models(item: Item, *models: int) -> Item:
    return Item(item.quantity, unit=item.unit, point=item.point, models=list(models))


@pytest.mark.parametrize(
    ("raws", "power", "state"),
    [
        ({"St": 1, "InvSt": 3, "W": 12}, 0.012, 3.0),
        ({"St": 0, "InvSt": 1}, "asleep", 1.0),
        ({"St": 0, "InvSt": 0, "W": 0}, "asleep", 0.0),
        ({"St": 1, "InvSt": 6}, "no_value", 6.0),
        ({}, "asleep", "asleep"),
    ],
)
async def test_a_der_says_in_its_own_words_that_it_sleeps(raws: dict[str, float], power: Any, state: Any) -> None:
    device = Held({40000: chain(filled(701, 153, {"W_SF": 0, "TotWh_SF": 0, "TotWhInj": 7000, **raws}))})
    items = {
        "p": Item("power", point="W", models=[701]),
        "e": Item("energy_export", point="TotWhInj", models=[701]),
        "s": Item("device_state", point="InvSt", models=[701]),
    }
    assert await values(driver_of(device, **items)) == {"p": power, "e": 7.0, "s": state}


async def test_the_whole_measurement_of_a_der_costs_one_question() -> None:
    """Its scale factors stand behind its values, and both fit into one reply."""
    device = Held({40000: chain(filled(701, 153, {"W": 1, "W_SF": 0, "A": 1, "A_SF": 0, "InvSt": 3}))})
    items = {n: i for n, i in shipped("sunspec-der").items.items() if i.models == [701]}
    driver = driver_of(device, **items)
    await driver.read()
    device.asked.clear()
    await driver.read()
    assert device.asked == [(40002, 123)]


async def test_a_silent_model_leaves_the_others_their_values() -> None:
    device = Held({40000: chain(model(103, W=7, W_SF=3, A=1, St=4), mppt(**modules(DCA_9=3)))})
    driver = driver_of(device, p=POWER, a=CURRENT)
    await driver.read()
    device.silent_at = lambda start, count: start > 40050
    found = {r.tag: (r.quality, r.reason) for r in await driver.read()}
    assert found == {"inv.p": (Quality.GOOD, None), "inv.a": (Quality.BAD, "no_reply")}
