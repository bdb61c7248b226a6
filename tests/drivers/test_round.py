"""Which questions a cycle asks: high ones always, low ones in turn, and no failure starves the others."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.error import LinkError
from drivers.reading import Quality, Reading
from drivers.round import LACKING_CYCLES, LONGEST_REST, Found, Rounds
from tests.virtual import run

WELL, SILENT, NOISE = "", "no_reply", "noise"


@dataclass(frozen=True, slots=True)
class Question:
    names: tuple[str, ...]
    low: bool = False


class Meter:
    """Answers as its script says; every question takes a second."""

    def __init__(self, high: int, low: int = 0) -> None:
        questions = [Question((f"h{i}",)) for i in range(high)] + [Question((f"l{i}",), True) for i in range(low)]
        self.rounds = Rounds(questions, lambda q, why: self._said(q, why), lambda q: self._said(q, "no_data"))
        self.asked: list[str] = []
        self.faults: dict[str, str] = {}

    async def cycle(self, until: float = math.inf) -> Found:
        return await self.rounds.cycle(self.ask, until)

    async def ask(self, question: Question) -> Found:
        (name,) = question.names
        self.asked.append(name)
        await asyncio.sleep(1.0)
        if self.faults.get(name):
            raise LinkError(self.faults[name])
        return self._said(question, WELL)

    def _said(self, question: Question, why: str) -> Found:
        good = Reading("t", 1.0, Quality.GOOD, None, 0, 0)
        bad = Reading("t", None, Quality.BAD, why, 0, 0)
        return dict.fromkeys(question.names, bad if why else good)


def test_high_points_are_asked_in_every_cycle_and_low_ones_in_turn() -> None:
    async def story() -> None:
        meter = Meter(2, 3)
        assert set(await meter.cycle()) == {"h0", "h1", "l0", "l1", "l2"}  # at first everything
        turns = [set(await meter.cycle()) - {"h0", "h1"} for _ in range(6)]
        assert turns == [{"l0"}, {"l1"}, {"l2"}] * 2

    run(story())


def test_a_cycle_that_time_cuts_goes_on_where_it_stopped() -> None:
    async def story() -> None:
        meter = Meter(5)
        now = asyncio.get_running_loop().time
        first = await meter.cycle(now() + 1.5)
        assert (list(first), meter.rounds.unfinished) == (["h0", "h1"], True)
        rest = await meter.cycle()
        assert (list(rest), meter.rounds.unfinished) == (["h2", "h3", "h4"], False)

    run(story())


def test_at_least_one_question_is_asked_however_late_it_is() -> None:
    async def story() -> None:
        meter = Meter(3)
        for expected in ("h0", "h1", "h2", "h0"):
            assert list(await meter.cycle(-1.0)) == [expected]

    run(story())


def test_a_meter_that_is_silent_costs_one_question() -> None:
    async def story() -> None:
        meter = Meter(4)
        meter.faults = dict.fromkeys(("h0", "h1", "h2", "h3"), SILENT)
        for _ in range(4):
            with pytest.raises(LinkError, match="no_reply"):
                await meter.cycle()
        assert meter.asked == ["h0", "h1", "h2", "h3"]  # each time the next one

    run(story())


def test_silence_after_an_answer_leaves_the_rest_without_value() -> None:
    async def story() -> None:
        meter = Meter(4)
        meter.faults = {"h2": SILENT}
        found = await meter.cycle()
        assert [found[name].reason for name in ("h0", "h1", "h2", "h3")] == [None, None, "no_reply", "no_reply"]
        assert meter.asked == ["h0", "h1", "h2"]
        await meter.cycle()
        assert meter.asked[3:] == ["h0", "h1", "h3", "h2"]  # the suspect comes last

    run(story())


def test_a_cut_cycle_that_was_answered_before_is_no_lost_meter() -> None:
    async def story() -> None:
        meter = Meter(3)
        await meter.cycle(-1.0)
        meter.faults = dict.fromkeys(("h1", "h2"), SILENT)
        found = await meter.cycle()
        assert {name: reading.reason for name, reading in found.items()} == {"h1": "no_reply", "h2": "no_reply"}

    run(story())


def test_damage_ends_a_cycle_the_second_time() -> None:
    async def story() -> None:
        meter = Meter(5)
        meter.faults = {"h1": NOISE, "h2": NOISE}
        found = await meter.cycle()
        assert meter.asked == ["h0", "h1", "h2"]
        assert [found[name].reason for name in ("h3", "h4")] == ["noise", "noise"]

    run(story())


def test_a_refused_block_is_asked_as_its_parts_at_once_and_ever_after() -> None:
    async def story() -> None:
        meter = Meter(3)
        parts = [Question(("p0",)), Question(("p1",))]

        async def ask(question: Question) -> Found:
            if question.names == ("h1",):
                meter.asked.append("h1")
                meter.rounds.replace(question, parts)
                return {}
            return await meter.ask(question)

        assert list(await meter.rounds.cycle(ask)) == ["h0", "p0", "p1", "h2"]
        assert list(await meter.rounds.cycle(ask)) == ["h0", "p0", "p1", "h2"]
        assert meter.asked.count("h1") == 1

    run(story())


def test_what_a_meter_lacks_is_left_out_and_asked_again_much_later() -> None:
    async def story() -> None:
        meter = Meter(2)
        await meter.cycle()
        meter.rounds.rest(Question(("h1",)))
        found = [(await meter.cycle())["h1"].reason for _ in range(LACKING_CYCLES)]
        assert found == ["no_data"] * (LACKING_CYCLES - 1) + [None]

    run(story())


def test_a_meter_that_lacks_everything_is_asked_something_all_the_same() -> None:
    """Otherwise a meter that died would pass for one that is there."""

    async def story() -> None:
        meter = Meter(2, 2)
        await meter.cycle()
        for name in ("h0", "h1"):
            meter.rounds.rest(Question((name,)))
        for name in ("l0", "l1"):
            meter.rounds.rest(Question((name,), True))
        meter.asked = []
        for turn in range(4):
            await meter.cycle()
            assert len(meter.asked) == turn + 1

    run(story())


def test_a_question_that_stays_unanswered_is_asked_more_and_more_rarely() -> None:
    async def story() -> None:
        meter = Meter(3)
        meter.faults = {"h1": SILENT}
        said = [(await meter.cycle())["h1"].reason for _ in range(400)]
        assert set(said) == {"no_reply"}  # it is left out, and that is said
        assert meter.asked.count("h1") < 16
        assert meter.asked.count("h0") == 400
        meter.faults = {}
        back = [(await meter.cycle())["h1"].reason for _ in range(LONGEST_REST + 1)]
        assert back[-1] is None

    run(story())


def test_of_a_low_item_that_was_not_asked_nothing_is_said_and_its_turn_stays() -> None:
    async def story() -> None:
        meter = Meter(2, 2)
        await meter.cycle()
        meter.faults, meter.asked = {"h1": SILENT}, []
        found = await meter.cycle()
        assert set(found) == {"h0", "h1"} or "l0" in meter.asked
        turns = []
        for turn in range(40):
            meter.faults, meter.asked = {"h1": SILENT} if turn % 2 else {}, []
            await meter.cycle()
            turns += [name for name in meter.asked if name.startswith("l")]
        assert (turns.count("l0"), turns.count("l1")) == (10, 10)

    run(story())


def test_the_low_parts_of_a_refused_block_stay_low() -> None:
    async def story() -> None:
        meter = Meter(2)
        parts = [Question(("p0",)), Question(("p1",), True), Question(("p2",), True)]

        async def ask(question: Question) -> Found:
            if question.names == ("h1",):
                meter.rounds.replace(question, parts)
                return {}
            return await meter.ask(question)

        await meter.rounds.cycle(ask)
        seen = [set(await meter.rounds.cycle(ask)) for _ in range(4)]
        assert seen == [{"h0", "p0", "p1"}, {"h0", "p0", "p2"}] * 2

    run(story())


items = st.sampled_from(["h0", "h1", "h2", "l0", "l1"])
faults = st.dictionaries(items, st.sampled_from([SILENT, NOISE]), max_size=2)
budgets = st.sampled_from([-1.0, 0.5, 2.5, math.inf])


@given(st.lists(st.tuples(faults, budgets), max_size=12), st.sets(items, max_size=3))
def test_no_fault_starves_an_item_that_could_be_read(past: list[tuple[dict[str, str], float]], dead: set[str]) -> None:
    """After any past, a dozen whole cycles ask every question, although up to three are never answered."""

    async def tell() -> None:
        meter = Meter(3, 2)
        for faulty, budget in past:
            meter.faults = faulty
            with contextlib.suppress(LinkError):
                await meter.cycle(asyncio.get_running_loop().time() + budget)
        meter.faults, meter.asked = dict.fromkeys(dead, SILENT), []
        for _ in range(12):
            with contextlib.suppress(LinkError):
                await meter.cycle()
                assert not meter.rounds.unfinished
        counts = Counter(meter.asked)
        assert all(counts[name] >= 8 for name in {"h0", "h1", "h2"} - dead)
        assert all(counts[name] >= 1 for name in ("h0", "h1", "h2", "l0", "l1"))

    run(tell())
