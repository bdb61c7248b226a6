"""The CJ/T 188 driver against the simulator in memory: every fault ends as the right quality and reason."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from drivers.build import driver_for
from drivers.cjt188.codec import METERED
from drivers.cjt188.driver import SILENT_ASKS, Cjt188Driver
from drivers.dlt645.driver import Dlt645Driver
from drivers.error import LinkError
from drivers.profile import Profile
from drivers.reading import Quality
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Fault
from drivers.sim.meter188 import Meter188
from drivers.sim.plant import Plant, shipped
from tests.drivers.bench188 import (
    ADDRESS,
    GAS,
    HEAT,
    HOUR,
    MAIN,
    MONTHS,
    SEEN,
    WATER,
    Bench,
    counted,
    gas,
    heat,
    values,
)
from tests.drivers.conftest import LATE_S, NOON, bus_of, meter, noon


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_one_question_fills_every_item(bench: Bench) -> None:
    driver = bench.driver()
    readings = await driver.read()
    assert values(readings) == {"w1.volume": 1234.56, "w1.settled_volume": 1000.0, "w1.status": 0.0}
    assert [r.tag for r in readings] == [t.name for t in driver.device.tags()]
    assert all(r.quality == Quality.GOOD and r.reason is None and r.at == r.seen == NOON for r in readings)
    assert len(bench.asked) == 1
    assert await driver.probe() == ADDRESS


async def test_the_build_knows_the_protocol(bench: Bench) -> None:
    assert isinstance(driver_for(bench.driver().device, bench.bus, noon), Cjt188Driver)


async def test_litres_become_cubic_metres(bench: Bench) -> None:
    bench.change(units={"volume": "L"}, values=lambda at: counted(at) | {"volume": 170.47})
    assert values(await bench.driver().read())["w1.volume"] == pytest.approx(170.47)


async def test_a_gas_meter_with_the_same_number_is_another_meter(bench: Bench) -> None:
    assert values(await bench.driver("g1").read()) == {"g1.volume": 77.25, "g1.settled_volume": 70.0, "g1.status": 4.0}
    assert bench.asked[-1].meter_type == 0x30
    assert values(await bench.driver().read())["w1.volume"] == 1234.56


@pytest.mark.parametrize("order", [METERED, METERED[::-1]])
async def test_the_order_that_was_answered_is_kept(bench: Bench, order: bytes) -> None:
    """A meter that knows only one order is silent to the other, which costs one cycle, once."""
    bench.change(order=order)
    driver = bench.driver()
    if order != METERED:
        with pytest.raises(LinkError) as caught:
            await driver.read()
        assert caught.value.reason == "no_reply"
    for _ in range(2):
        assert values(await driver.read())["w1.volume"] == 1234.56
    bench.faults.set("w1", Fault.SILENT)
    for _ in range(2):
        with pytest.raises(LinkError):
            await driver.read()
    assert [f.data[:2] for f in bench.asked[-4:]] == [order] * 4


@pytest.mark.parametrize(("before", "after"), [(METERED, METERED[::-1]), (METERED[::-1], METERED)])
async def test_a_meter_of_the_other_order_in_the_place_of_a_silent_one_is_read(
    bench: Bench, before: bytes, after: bytes
) -> None:
    """The order that was kept is asked first again, for the meter may be the same one."""
    bench.change(order=before)
    driver = bench.driver(timeout=0.02)
    with contextlib.suppress(LinkError):
        await driver.read()
    assert values(await driver.read())["w1.volume"] == 1234.56
    bench.change(order=after)
    bench.asked.clear()
    for _ in range(SILENT_ASKS + 1):
        with pytest.raises(LinkError):
            await driver.read()
    assert values(await driver.read())["w1.volume"] == 1234.56
    assert [f.data[:2] for f in bench.asked] == [before] * (SILENT_ASKS + 1) + [after]


async def test_a_silence_now_and_then_changes_no_order(bench: Bench) -> None:
    driver = bench.driver(timeout=0.02)
    for _ in range(SILENT_ASKS):
        await driver.read()
        bench.faults.set("w1", Fault.SILENT)
        for _ in range(SILENT_ASKS - 1):
            with pytest.raises(LinkError):
                await driver.read()
        bench.faults.clear("w1")
    await driver.read()
    assert {f.data[:2] for f in bench.asked} == {METERED}


async def test_until_an_order_is_answered_both_are_asked_in_turn(bench: Bench) -> None:
    bench.faults.set("w1", Fault.SILENT)
    driver = bench.driver(timeout=0.02)
    for _ in range(3):
        with pytest.raises(LinkError):
            await driver.read()
    assert [f.data[:2] for f in bench.asked] == [METERED, METERED[::-1], METERED]


async def test_a_probe_tries_both_orders(bench: Bench) -> None:
    bench.change(order=METERED[::-1])
    assert await bench.driver().probe() == ADDRESS
    assert len(bench.asked) == 2


async def test_every_question_has_its_own_serial_number(bench: Bench) -> None:
    driver = bench.driver()
    for _ in range(258):
        await driver.read()
    serials = [f.data[2] for f in bench.asked]
    assert serials == [n % 256 for n in range(1, 259)]


async def test_a_silent_meter_costs_one_timeout_and_the_others_nothing(bench: Bench) -> None:
    bench.faults.set("w1", Fault.SILENT)
    with pytest.raises(LinkError) as caught:
        await bench.driver().read()
    assert caught.value.reason == "no_reply"
    assert len(bench.asked) == 1
    assert values(await bench.driver("w2").read())["w2.volume"] == 5.0


@pytest.mark.parametrize("name", MAIN)
async def test_a_damaged_reply_is_noise_and_never_a_number(bench: Bench, name: str) -> None:
    bench.faults.set(name, Fault.CHECKSUM)
    readings = await bench.driver(name, timeout=0.02).read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "noise")}
    assert len(bench.asked) == 1


@pytest.mark.parametrize("name", MAIN)
@pytest.mark.parametrize("fault", [Fault.NOISY, Fault.ECHO, Fault.CLOCK_OFF])
async def test_noise_echo_and_a_wrong_clock_cost_no_value(bench: Bench, fault: Fault, name: str) -> None:
    good = values(await bench.driver(name).read())
    bench.faults.set(name, fault)
    assert values(await bench.driver(name).read()) == good


@pytest.mark.parametrize("name", MAIN)
async def test_a_refusal_is_a_device_error(bench: Bench, name: str) -> None:
    bench.faults.set(name, Fault.ERROR)
    readings = await bench.driver(name).read()
    assert {(r.value, r.quality, r.reason) for r in readings} == {(None, Quality.BAD, "device_error")}


@pytest.mark.parametrize(("name", "an_hour_ago"), [("w1", 1233.56), ("g1", 76.25), ("h1", 17892.0), ("j1", 17892.0)])
async def test_a_frozen_meter_repeats_the_values_of_the_moment(bench: Bench, name: str, an_hour_ago: float) -> None:
    bench.faults.set(name, Fault.FROZEN, NOON - HOUR)
    assert values(await bench.driver(name).read())[f"{name}.{MAIN[name]}"] == pytest.approx(an_hour_ago)


async def test_a_rollover_runs_through_the_modulus(bench: Bench) -> None:
    bench.faults.set("w1", Fault.ROLLOVER, NOON)
    assert values(await bench.driver().read())["w1.volume"] == pytest.approx(999_999.95)
    bench.line.clock = lambda: NOON + HOUR
    assert values(await bench.driver().read())["w1.volume"] == pytest.approx(0.95)


async def test_the_heat_of_a_meter_rolls_over_in_its_own_unit(bench: Bench) -> None:
    bench.faults.set("h1", Fault.ROLLOVER, NOON)
    assert values(await bench.driver("h1").read())["h1.heat_energy"] == pytest.approx(999_999.95 * 3.6)
    bench.line.clock = lambda: NOON + HOUR
    assert values(await bench.driver("h1").read())["h1.heat_energy"] == pytest.approx(29.95 * 3.6)


@pytest.mark.parametrize(("name", "two_hours"), [("w1", 2.0), ("g1", 2.0), ("h1", 216.0), ("j1", 216.0)])
async def test_a_swapped_meter_begins_at_zero(bench: Bench, name: str, two_hours: float) -> None:
    bench.faults.set(name, Fault.SWAPPED, NOON - 2 * HOUR)
    found = values(await bench.driver(name).read())
    assert found[f"{name}.{MAIN[name]}"] == pytest.approx(two_hours, abs=0.011)


@pytest.mark.parametrize(("name", "an_hour_on"), [("w1", 1235.56), ("h1", 18108.0)])
async def test_a_late_reply_is_never_taken_for_the_next_one(bench: Bench, name: str, an_hour_on: float) -> None:
    driver = bench.driver(name)
    bench.faults.set(name, Fault.LATE)
    with pytest.raises(LinkError):
        await driver.read()
    bench.faults.clear(name)
    bench.line.clock = lambda: NOON + HOUR
    assert values(await driver.read())[f"{name}.{MAIN[name]}"] == pytest.approx(an_hour_on)
    await asyncio.sleep(LATE_S)


async def test_one_question_fills_every_item_of_a_heat_meter(bench: Bench) -> None:
    driver = bench.driver("h1")
    readings = await driver.read()
    assert values(readings) == pytest.approx(SEEN)
    assert [r.tag for r in readings] == [t.name for t in driver.device.tags()]
    assert all(r.quality == Quality.GOOD for r in readings)
    assert [f.meter_type for f in bench.asked] == [0x20]


async def test_a_meter_that_sends_units_first_and_counts_in_megawatt_hours(bench: Bench) -> None:
    found = values(await bench.driver("j1").read())
    assert found["j1.heat_energy"] == pytest.approx(18000.0)
    assert (found["j1.volume"], found["j1.supply_temperature"]) == (321.5, 61.25)


async def test_a_reply_in_another_makers_layout_is_no_value(bench: Bench) -> None:
    """The lengths are equal; only the layout that the profile names decides, so nothing is read wrongly."""
    found = {r.tag: r for r in await bench.driver("j1", profile=HEAT).read()}
    amounts = [found[f"j1.{name}"] for name in ("heat_energy", "settled_heat", "heat_power", "flow", "volume")]
    assert {(r.value, r.quality) for r in amounts} == {(None, Quality.BAD)}
    assert {r.reason for r in amounts} <= {"wrong_unit", "not_bcd"}


@pytest.mark.parametrize(("code", "profile"), [("11", WATER), ("13", WATER), ("21", HEAT)])
async def test_a_profile_names_the_type_that_it_asks_for(bench: Bench, code: str, profile: Profile) -> None:
    of_type = msgspec.structs.replace(profile, meter_type=code)
    bench.meters[0] = Meter188("w1", ADDRESS, of_type, heat if code == "21" else counted)
    await bench.driver("w1", profile=of_type).read()
    assert [f.meter_type for f in bench.asked] == [int(code, 16)]


@pytest.mark.parametrize("name", ["cjt188-water", "cjt188-gas", "cjt188-heat", "cjt188-heat-jy", "cjt188-cooling"])
async def test_every_shipped_profile_reads_the_meter_that_fills_it(bench: Bench, name: str) -> None:
    profile = shipped(name)
    bench.meters[:] = [Meter188("w1", ADDRESS, profile, lambda at: dict.fromkeys(profile.items, 4.0))]
    readings = await bench.driver("w1", profile=profile).read()
    assert [r.quality for r in readings] == [Quality.GOOD] * len(profile.items)


async def test_a_question_to_any_type_is_answered_by_the_type_that_is_there(bench: Bench) -> None:
    bench.meters[:] = [Meter188("w1", ADDRESS, GAS, gas)]
    anybody = msgspec.structs.replace(GAS, meter_type="AA")
    assert values(await bench.driver("w1", profile=anybody).read())["w1.volume"] == 77.25
    assert bench.asked[-1].meter_type == 0xAA


def with_months(at: int) -> dict[str, float]:
    return counted(at) | {"last_month": 900.0, "a_year_ago": 100.0}


async def test_month_ends_are_asked_in_turn_after_they_are_known(bench: Bench) -> None:
    bench.change(profile=MONTHS, values=with_months)
    driver = bench.driver("w1", profile=MONTHS)
    found = values(await driver.read())
    assert (found["w1.last_month"], found["w1.a_year_ago"], found["w1.volume"]) == (900.0, 100.0, 1234.56)
    bench.asked.clear()
    for _ in range(2):
        await driver.read()
    asked = [f.data[:2].hex() for f in bench.asked]
    assert asked[::2] == ["901f", "901f"]
    assert sorted(asked[1::2]) == ["d120", "d12b"]


async def test_a_meter_that_keeps_silent_about_month_ends_is_read_all_the_same(bench: Bench) -> None:
    driver = bench.driver("w1", timeout=0.03, profile=MONTHS)
    found = {r.tag: r for r in await driver.read()}
    assert found["w1.volume"].value == 1234.56
    assert (found["w1.last_month"].quality, found["w1.last_month"].reason) == (Quality.BAD, "no_reply")


async def test_meters_of_both_protocols_share_a_line(bench: Bench, plant: Plant) -> None:
    class Both:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            return plant.line.feed(data) + bench.line.feed(data)

    bench.bus = bus_of(MemoryLink(Both()))
    electricity = Dlt645Driver(meter(), bench.bus, noon)
    for _ in range(3):
        assert all(r.quality == Quality.GOOD for r in await electricity.read())
        assert all(r.quality == Quality.GOOD for r in await bench.driver().read())
