"""Blocks first, single items where the meter wants that, long answers in parts, and no value under a wrong name."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dlt645.codec import BROADCAST, ERROR, REPLY, Frame, encode
from drivers.dlt645.driver import MOST_FOLLOWING, Dlt645Driver
from drivers.dlt645.plan import plan
from drivers.error import LinkError
from drivers.profile import Item
from drivers.reading import Quality, Reading
from drivers.sim.faults import Fault
from drivers.wire import Wire
from tests.drivers.meters645 import ADDRESS, Heard, by_item, profile_of, true_values, world

PHASES = ("power", "power_a", "power_b", "power_c", "voltage_a", "voltage_b", "voltage_c")
CURRENTS = ("current_a", "current_b", "current_c")
SIXTEEN = (*PHASES, *CURRENTS, "energy_import", "energy_export", *(f"energy_import_t{n}" for n in (1, 2, 3, 4)))
TURNAROUND_S = 0.04  # the meter's delay and the silence after it, 20 ms each; shared/protocols.md 2.1


@pytest.mark.parametrize("edition", ["2007", "1997"])
@pytest.mark.parametrize("told", [{}, {"blocks": False}, {"most": 12}, {"filler": 0}, {"wake_up": b""}, {"tariffs": 9}])
async def test_every_item_is_read_right_whatever_the_meter_is_like(edition: str, told: dict[str, object]) -> None:
    profile = profile_of(edition)
    driver, _, _ = world(profile, **told)  # type: ignore[arg-type]
    true = true_values(profile)
    readings = by_item(await driver.read())
    assert set(readings) == set(profile.items)
    for name, reading in readings.items():
        decimals = profile.items[name].decimals
        assert reading.quality == (Quality.GOOD if name in true else Quality.ABSENT), name
        if name in true:
            assert reading.value == pytest.approx(true[name], abs=1.1 * 10**-decimals), name


@pytest.mark.parametrize("baud", [1200, 2400, 9600])
async def test_sixteen_items_in_blocks_cost_the_line_at_most_half(baud: int) -> None:
    """Calculated from the bytes of a whole cycle, with the least delays that a meter and a line need."""
    cost = {}
    for blocks in (True, False):
        driver, heard, _ = world(profile_of("2007", *SIXTEEN), blocks=blocks)
        await driver.read()
        if not blocks:  # the first cycle finds out that it knows none
            heard.asked.clear()
            heard.bytes = 0
            driver._rounds._unasked.update(driver._rounds._low)
            await driver.read()
        cost[blocks] = heard.bytes * Wire(baud).byte_s + len(heard.asked) * TURNAROUND_S
        assert len(heard.asked) == (6 if blocks else 16)
    assert cost[True] <= 0.5 * cost[False]


async def test_refused_blocks_are_remembered() -> None:
    driver, heard, _ = world(profile_of("2007", *PHASES), blocks=False)
    assert all(r.quality == Quality.GOOD for r in await driver.read())
    assert heard.identifiers[:2] == ["0203FF00", "02030000"]
    heard.asked.clear()
    assert all(r.quality == Quality.GOOD for r in await driver.read())
    assert not any("FF" in di for di in heard.identifiers)
    assert len(heard.asked) == len(PHASES)


async def test_a_meter_that_refuses_everything_for_a_while_is_asked_for_blocks_again() -> None:
    driver, heard, faults = world(profile_of("2007", *PHASES))
    faults.set("m", Fault.ERROR)
    assert {(r.value, r.reason) for r in await driver.read()} == {(None, "device_error")}
    faults.clear("m")
    heard.asked.clear()
    assert all(r.quality == Quality.GOOD for r in await driver.read())
    assert heard.identifiers == ["0203FF00", "0201FF00"]


async def in_parts(driver: Dlt645Driver) -> list[Reading]:
    """A cycle that time cuts after every question."""
    found = await driver.read(-math.inf)
    while driver.unfinished:
        found += await driver.read(-math.inf)
    return found


def refuse(heard: Heard, di: str) -> None:
    """Have the meter answer one identifier with an error that is not a lack of data."""
    answer = heard.feed

    def feed(data: bytes) -> list[tuple[float, bytes]]:
        sent = answer(data)
        if heard.identifiers[-1] != di:
            return sent
        return [(0.0, encode(Frame(ADDRESS, heard.asked[-1].control | REPLY | ERROR, b"\x01")))]

    heard.feed = feed  # type: ignore[method-assign]


async def test_what_a_cut_cycle_learnt_is_kept_though_its_last_item_is_refused() -> None:
    driver, heard, _ = world(profile_of("2007", *PHASES, "demand_import"), blocks=False)
    refuse(heard, "01010000")
    singles = len(PHASES) + 1
    for questions in (2 + singles, singles, singles):
        heard.asked.clear()
        assert (await in_parts(driver))[-1].reason == "device_error"
        assert len(heard.asked) == questions


async def test_a_cut_cycle_that_met_only_refusals_taught_nothing() -> None:
    driver, heard, faults = world(profile_of("2007", *PHASES))
    faults.set("m", Fault.ERROR)
    assert {r.reason for r in await in_parts(driver)} == {"device_error"}
    faults.clear("m")
    heard.asked.clear()
    assert all(r.quality == Quality.GOOD for r in await in_parts(driver))
    assert heard.identifiers == ["0203FF00", "0201FF00"]


@pytest.mark.parametrize(("filler", "quality"), [(0xFF, Quality.ABSENT), (0x00, Quality.GOOD), (0xAA, Quality.BAD)])
async def test_a_missing_phase_never_shifts_its_neighbours(filler: int, quality: Quality) -> None:
    profile = profile_of("2007", *PHASES)
    driver, _, _ = world(profile, lacking=("voltage_b", "power_a"), filler=filler)
    readings, true = by_item(await driver.read()), true_values(profile)
    for name in ("power", "power_b", "power_c", "voltage_a", "voltage_c"):
        assert readings[name].value == pytest.approx(true[name], abs=0.1)
    for name in ("voltage_b", "power_a"):
        assert readings[name].quality == quality
        assert readings[name].value in (None, 0.0)
    if quality == Quality.BAD:
        assert readings["voltage_b"].reason == "not_bcd"


async def test_tariffs_that_the_meter_does_not_have_are_absent() -> None:
    names = tuple(f"energy_import_t{n}" for n in (1, 2, 3, 4))
    driver, _, _ = world(profile_of("2007", *names), lacking=names[2:], tariffs=2)
    readings = by_item(await driver.read())
    assert [readings[n].quality for n in names] == [Quality.GOOD, Quality.GOOD, Quality.ABSENT, Quality.ABSENT]
    assert {readings[n].reason for n in names[2:]} == {"no_data"}


class Answers:
    """A meter that says the same whatever it is asked."""

    def __init__(self, *frames: Frame) -> None:
        self.frames = [encode(frame) for frame in frames]

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, self.frames.pop(0))] if self.frames else []


def block(control: int, payload: str) -> Frame:
    return Frame(ADDRESS, control, bytes.fromhex("00ff0102" + payload))


def volts(*frames: Frame) -> list[tuple[float | None, str | None]]:
    driver, heard, _ = world(profile_of("2007", "voltage_a", "voltage_b", "voltage_c"))
    heard.feed = Answers(*frames).feed  # type: ignore[method-assign]
    return [(r.value, r.reason) for r in asyncio.run(driver.read())]


def test_a_block_of_an_odd_length_gives_no_value_at_all() -> None:
    """Which phase a shorter block leaves out cannot be known; the single items follow."""
    single = Frame(ADDRESS, 0x91, bytes.fromhex("00010102" + "0123"))
    found = volts(block(0x91, "01232323"), single)
    assert found == [(230.1, None), (None, "no_reply"), (None, "no_reply")]


def test_the_parts_of_a_long_answer_are_joined() -> None:
    parts = block(0xB1, "0123"), block(0xB2, "1223" + "01"), block(0x92, "2323" + "02")
    assert volts(*parts) == [(230.1, None), (231.2, None), (232.3, None)]


def test_a_part_with_another_number_is_not_the_one_that_was_asked_for() -> None:
    with pytest.raises(LinkError, match="no_reply"):
        volts(block(0xB1, "0123"), block(0x92, "12232323" + "02"))


def test_an_answer_without_end_is_no_answer() -> None:
    endless = [block(0xB2, "00" + f"{n:02x}") for n in range(1, MOST_FOLLOWING + 2)]
    assert volts(block(0xB1, "00"), *endless) == [(None, "wrong_length")] * 3


def test_a_refusal_in_the_middle_of_an_answer_gives_no_value() -> None:
    refusal = Frame(ADDRESS, 0xD2, b"\x02")
    singles = [Frame(ADDRESS, 0xD1, b"\x02")] * 3
    assert volts(block(0xB1, "0123"), refusal, *singles) == [(None, "no_data")] * 3


@pytest.mark.parametrize(
    ("edition", "address"),
    [("2007", "A" * 12), ("2007", "AAAAAAAA6934"), ("1997", "A" * 12), ("1997", "AAAAAA176934"), ("1997", BROADCAST)],
)
async def test_any_and_abbreviated_addresses_reach_the_meter(edition: str, address: str) -> None:
    driver, _, _ = world(profile_of(edition), address=address)
    assert await driver.probe() == ADDRESS
    assert any(r.quality == Quality.GOOD for r in await driver.read())


WHOLE = profile_of("2007").items


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(WHOLE)), min_size=1))
def test_the_questions_fetch_every_item_exactly_once(names: set[str]) -> None:
    items = {name: item for name, item in WHOLE.items() if name in names}
    fetched = [name for question in plan(items) for name in question.names]
    assert sorted(fetched) == sorted(names)


def test_a_block_is_asked_only_where_it_is_shorter() -> None:
    items = profile_of("2007", "energy_import", "energy_import_t1", "voltage_a").items
    assert not any(question.is_block for question in plan(items))
    odd = {**profile_of("2007", *CURRENTS).items, "current_b": Item("current", di="02020200", bytes=2, decimals=1)}
    assert [q.is_block for q in plan(odd)] == [True, False]
    assert plan(odd)[0].places == (("current_a", 0), ("current_c", 2))


async def test_value_and_moment_of_a_demand_cost_one_question() -> None:
    driver, heard, _ = world(profile_of("2007", "demand_export", "demand_export_time"))
    readings = by_item(await driver.read())
    assert len(heard.asked) == 1
    assert readings["demand_export"].value == pytest.approx(14.8147)
    assert readings["demand_export_time"].value == 2601051430.0


async def test_low_items_are_asked_in_turn_and_high_ones_always() -> None:
    profile = profile_of("2007")
    driver, heard, _ = world(profile)
    await driver.read()
    seen: set[str] = set()
    for _ in range(sum(q.low for q in plan(profile.items))):
        heard.asked.clear()
        names = set(by_item(await driver.read()))
        assert {n for n, item in profile.items.items() if item.priority == "high"} <= names
        assert len(heard.asked) == 6
        seen |= names
    assert seen == set(profile.items)
