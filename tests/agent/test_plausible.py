"""Registers that stand still: noticed where the power says that they should move, and nowhere else."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.text import Text
from drivers.columns import Columns
from drivers.driver import Device
from drivers.profile import Item, Profile, Protocol
from drivers.reading import Quality, Reading
from edge_agent.batch import Batch
from edge_agent.follow import follow
from edge_agent.plausible import Plausible
from edge_agent.poll import Poll, cycle

S = 1_000_000
IMPORT, EXPORT, POWER = "m.energy_import", "m.energy_export", "m.power"
DI = Item("energy_import", di="00010000", decimals=2)
BACK = Item("energy_export", di="00020000", decimals=2)
KW = Item("power", di="02030000")


def device(protocol: Protocol = "dlt645-2007", poll: float = 15.0, **items: Item) -> Device:
    named = items or {"energy_import": DI, "energy_export": BACK, "power": KW}
    return Device("m", Profile(Text("表", "meter"), protocol, "test", named), poll=poll)


def reading(tag: str, value: float | None, at_s: float, quality: Quality | None = None) -> Reading:
    fallback = Quality.GOOD if value is not None else Quality.BAD
    return Reading(tag, value, fallback if quality is None else quality, None, int(at_s * S), int(at_s * S))


def seen(judge: Plausible, *rows: tuple[float, float | None, float | None]) -> list[float]:
    """The seconds at which the counter was doubted, from rows of (second, register, power)."""
    doubted = []
    for at, register, power in rows:
        given = [reading(IMPORT, register, at), reading(EXPORT, 0.0, at), reading(POWER, power, at)]
        answer = judge.judged(given)
        assert [(r.tag, r.value, r.at) for r in answer] == [(r.tag, r.value, r.at) for r in given]
        assert answer[2] == given[2]
        if answer[0].quality == Quality.UNCERTAIN:
            assert answer[0].reason == answer[1].reason == "frozen"
            doubted.append(at)
    return doubted


def steadily(power: float, seconds: int, every: int = 15, begin: int = 0) -> Iterable[tuple[float, float, float]]:
    return [(begin + at, 100.0, power) for at in range(0, seconds + 1, every)]


def test_a_device_that_is_frozen_as_a_whole_is_doubted_after_a_tenth_of_a_kilowatt_hour_and_its_margin() -> None:
    """3 kW owe 0.12 kWh after 144 s."""
    assert seen(Plausible(device()), *steadily(3.0, 240)) == [150, 165, 180, 195, 210, 225, 240]


def test_power_in_the_other_direction_counts_too() -> None:
    assert seen(Plausible(device()), *steadily(-3.0, 150)) == [150]


def test_it_is_believed_again_with_the_first_move_of_any_of_its_counters() -> None:
    judge = Plausible(device())
    assert seen(judge, *steadily(3.0, 150)) == [150]
    moved = judge.judged([reading(IMPORT, 100.0, 165), reading(EXPORT, 0.01, 165), reading(POWER, 3.0, 165)])
    assert {r.quality for r in moved} == {Quality.GOOD}


def test_a_frozen_register_is_still_doubted_after_a_reading_that_failed() -> None:
    judge = Plausible(device())
    assert seen(judge, *steadily(3.0, 150), (165, None, None), (180, 100.0, 3.0)) == [150, 180]


def test_a_plant_that_stands_still_is_not_doubted() -> None:
    assert seen(Plausible(device()), *steadily(0.0, 40_000)) == []


def test_an_inverter_asleep_is_not_doubted() -> None:
    sun = device(
        "sunspec", 5.0, power=Item("power", unit="W", point="W"), energy_export=Item("energy_export", point="WH")
    )
    judge = Plausible(sun)
    for at in range(0, 50_000, 5):
        asleep = Reading(POWER, None, Quality.ABSENT, "asleep", at * S, at * S)
        assert judge.judged([asleep, reading(EXPORT, 5.0, at)])[1].quality == Quality.GOOD


def test_a_peak_that_one_reading_caught_does_not_count_for_the_whole_pause() -> None:
    rows = [(at, 100.0, 40.0 if at % 60 == 0 else 0.0) for at in range(0, 6000, 15)]
    assert seen(Plausible(device()), *rows) == []


def test_power_is_not_bridged_over_a_hole() -> None:
    rows = [(at, 100.0, 3.0) for at in range(0, 36_000, 3600)]
    assert seen(Plausible(device()), *rows) == []


def test_a_counter_that_cannot_be_read_may_have_moved() -> None:
    judge = Plausible(device())
    for at in range(0, 600, 15):
        given = [reading(IMPORT, None, at), reading(EXPORT, 0.0, at), reading(POWER, 3.0, at)]
        assert judge.judged(given)[1].quality == Quality.GOOD


def test_power_against_the_only_direction_that_is_counted_moves_nothing() -> None:
    judge = Plausible(device(energy_import=DI, power=KW))
    for at in range(0, 600, 15):
        assert judge.judged([reading(IMPORT, 5.0, at), reading(POWER, -3.0, at)])[0].quality == Quality.GOOD
    lacking = Plausible(device())
    for at in range(0, 600, 15):
        absent = reading(EXPORT, None, at, Quality.ABSENT)
        given = [reading(IMPORT, 5.0, at), absent, reading(POWER, -3.0, at)]
        assert lacking.judged(given)[0].quality == Quality.GOOD


def test_a_device_without_power_or_without_counters_is_left_alone() -> None:
    for lonely in (device(power=KW), device(energy_import=DI)):
        given = [reading(IMPORT, 1.0, 0), reading(POWER, 3.0, 0)]
        assert Plausible(lonely).judged(given) == given


@pytest.mark.parametrize(
    ("protocol", "item", "register", "allowed"),
    [
        ("dlt645-2007", Item("energy_import", di="00010000", decimals=2), 5.0, 0.12),
        ("dlt645-2007", Item("energy_import", di="00010000", decimals=1), 5.0, 0.36),
        ("modbus", Item("energy_import", register=0, type="float32"), 5.0, 0.12),
        ("modbus", Item("energy_import", register=0, type="float32"), 2_100_000.0, 0.9),
        ("modbus", Item("energy_import", unit="Wh", register=0, type="float32"), 2_100_000.0, 0.4608),
        ("modbus", Item("energy_import", register=0, type="uint32"), 5.0, 3.6),
        ("modbus", Item("energy_import", unit="Wh", register=0, type="uint32", scale=10), 5.0, 0.12),
        ("opcua", Item("energy_import", node="ns=2;i=7"), 5.0, 3.6),
    ],
)
def test_what_may_be_owed_follows_the_step_of_the_register(
    protocol: Protocol, item: Item, register: float, allowed: float
) -> None:
    judge = Plausible(device(protocol, energy_import=item, power=KW))
    for second in range(0, 20_000, 10):
        given = [reading(IMPORT, register, second), reading(POWER, 3.0, second)]
        if judge.judged(given)[0].quality == Quality.UNCERTAIN:
            assert 3.0 * second / 3600 == pytest.approx(allowed, abs=0.0101)
            return
    pytest.fail("never doubted")


def test_a_register_of_unknown_step_is_known_by_its_first_move() -> None:
    """A server that publishes its energy each quarter of an hour is not doubted; one in Wh soon is."""
    for step, first in ((25.0, None), (0.05, 150)):
        judge = Plausible(device("opcua", energy_import=Item("energy_import", node="i=7"), power=KW))
        judge.judged([reading(IMPORT, 0.0, 0), reading(POWER, 3.0, 0)])
        found = None
        for second in range(15, 20_000, 15):
            answer = judge.judged([reading(IMPORT, step, second), reading(POWER, 3.0, second)])
            if answer[0].quality == Quality.UNCERTAIN:
                found = second - 15
                break
        assert (found is None) == (first is None), step


def test_changes_one_by_one_are_judged_like_whole_readings() -> None:
    """A subscribed device affirms its power; its registers are told when it connects."""
    judge = Plausible(device())
    judge.judged([reading(IMPORT, 5.0, 0), reading(EXPORT, 0.0, 0), reading(POWER, 3.0, 0)])
    for at in range(15, 166, 15):
        judge.judged([reading(POWER, 3.0, at)])
    assert judge.judged([reading(IMPORT, 5.0, 170)])[0].quality == Quality.UNCERTAIN
    assert judge.judged([reading(IMPORT, 5.01, 175)])[0].quality == Quality.GOOD


def night(watts: Callable[[int], float], hours: float, every: int) -> list[tuple[float, float, float]]:
    """A meter behind CT 800: its own side sees an 800th; register to 0.01 kWh, power to 0.1 W."""
    energy, rows = 0.0, []
    for at in range(0, int(hours * 3600), every):
        power = watts(at) / 800
        rows.append((float(at), int(energy * 100 + 1e-9) / 100, round(power / 1000, 4)))
        energy += power / 1000 * every / 3600
    return rows


def test_a_meter_whose_register_steps_every_few_minutes_at_night_is_never_doubted() -> None:
    rows = night(lambda at: 120_000 + 30_000 * (at // 900 % 2), 10, 15)
    assert any(a[1] < b[1] for a, b in pairwise(rows))
    assert seen(Plausible(device()), *rows) == []
    assert seen(Plausible(device()), *night(lambda at: 8_000.0, 30, 60)) == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 2_000_000), min_size=1, max_size=8),
    st.sampled_from([2, 15, 30]),
    st.lists(st.integers(0, 300), max_size=30),
)
def test_a_meter_that_counts_is_never_doubted(watts: list[float], every: int, lost: list[int]) -> None:
    rows = night(lambda at: watts[at // 600 % len(watts)], 2, every)
    holes: list[tuple[float, float | None, float | None]] = list(rows)
    for place in lost:
        if place < len(holes):
            holes[place] = (holes[place][0], None, None)
    assert seen(Plausible(device(poll=every)), *holes) == []


class Stuck:
    """A driver of a frozen meter, one reading a quarter of a minute."""

    unfinished = False

    def __init__(self) -> None:
        self.device, self.reads = device(), 0

    async def connect(self) -> None: ...

    async def probe(self) -> str:
        return "m"

    async def read(self, until: float = math.inf) -> list[Reading]:
        self.reads += 15
        return [reading(IMPORT, 5.0, self.reads), reading(EXPORT, 0.0, self.reads), reading(POWER, 3.0, self.reads)]

    async def close(self) -> None: ...


def test_the_poll_keeps_the_value_and_says_why_it_is_doubted() -> None:
    async def polled() -> list[tuple[float | None, int, str | None]]:
        poll = Poll(Stuck(), 15.0)
        batches = [await cycle(poll, lambda: 0) for _ in range(12)]
        return [(b.values[0], b.qualities[0], b.reasons[0]) for b in batches]

    found = asyncio.run(polled())
    assert found[0] == (5.0, Quality.GOOD, None)
    assert found[-1] == (5.0, Quality.UNCERTAIN, "frozen")


class Telling(Stuck):
    """The same meter, telling by itself."""

    blocked = 0

    async def missed(self, since: Mapping[str, int]) -> AsyncIterator[Columns]:
        yield Columns()

    async def changes(self) -> Columns:
        return Batch.of(await self.read())


async def test_a_device_that_tells_what_changed_is_judged_the_same() -> None:
    batches: asyncio.Queue[Batch] = asyncio.Queue(12)
    task = asyncio.create_task(follow(Poll(Telling(), 15.0), batches, lambda: 0, Counter()))
    async with asyncio.timeout(5.0):
        found = [await batches.get() for _ in range(12)]
    task.cancel()
    assert (found[0].qualities[0], found[-1].qualities[0]) == (Quality.GOOD, Quality.UNCERTAIN)
    assert found[-1].reasons[0] == "frozen"
