"""However the date is set, every reading is in the archive at its moment or apart, once, and in its turn."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from random import Random
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.codec.columns import Columns
from edge_agent.store.reader import Reader
from edge_agent.store.sealed import seal
from edge_agent.store.stamps import apart, draw
from edge_agent.store.stamps.untimed import UntimedReader
from tests.store.powercut import recorded_python
from tests.store.wrong_clock import DAY, HOUR, START, TAG, Gateway, S, made_once

steps = st.sampled_from([1, 3, 50, 120, 2000, 8 * 3600, 86_400, 400 * 86_400]).flatmap(
    lambda s: st.sampled_from([s * S, -s * S])
)


class AnyClock(RuleBasedStateMachine):
    """One gateway; whatever happens to its date, and then a time server comes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.gateway = Gateway(Path(self.folder.name))

    def teardown(self) -> None:
        try:
            self.gateway.time_server()
            self.gateway.run(200)  # a step back by a minute is absorbed in two
            self.gateway.tidy()
            trouble = self.gateway.wrong()
            assert trouble == "", trouble
        finally:
            self.gateway.kill()
            self.folder.cleanup()

    @rule(seconds=st.sampled_from([5, 60]))
    def run(self, seconds: int) -> None:
        self.gateway.run(seconds)

    @rule()
    def run_long(self) -> None:
        self.gateway.run(4 * 3600, 600)

    @rule(by=steps)
    def set(self, by: int) -> None:
        self.gateway.set(by)
        self.gateway.run(10)

    @rule()
    def begin_1970(self) -> None:
        self.gateway.set(-self.gateway.time - self.gateway.error + 100 * S)
        self.gateway.run(10)

    @rule(off=st.sampled_from([30 * S, HOUR, 90 * DAY]), date=st.sampled_from([None, None, 5 * S, START]))
    def reboot(self, off: int, date: int | None) -> None:
        self.gateway.reboot(off, date)

    @rule(count=st.sampled_from([0, 1, 2]))
    def file_amid(self, count: int) -> None:
        self.tidy(count)
        self.gateway.file(37 * DAY)

    @rule()
    def kill(self) -> None:
        self.gateway.kill()

    @rule()
    def time_server_comes(self) -> None:
        self.gateway.time_server()
        self.gateway.run(10)

    @rule()
    def time_server_goes(self) -> None:
        self.gateway.synchronised = False

    @rule(count=st.sampled_from([1, 4, 1000]))
    def tidy(self, count: int) -> None:
        few = patch.multiple(apart, STEP_ROWS=3, STEP_COMMITS=2)
        with few, patch.object(draw, "STEP_ROWS", 3), patch.object(seal, "STEP_ROWS", 1000):
            self.gateway.tidy(count)


AnyClock.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyClock = AnyClock.TestCase


def test_a_gateway_that_begins_in_1970_stores_apart_and_then_in_its_place(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.error = 5 * S - gateway.time
    gateway.run(60)
    assert gateway.archive() == []
    [spell] = UntimedReader(tmp_path).spells()
    assert (spell.readings, spell.before) == (12, None)
    gateway.time_server()
    gateway.run(10)
    gateway.tidy()
    archive = gateway.archive()
    assert [s.value for s in archive] == list(map(float, gateway.true))
    assert max(abs(s.seen - gateway.true[n]) for n, s in enumerate(archive)) <= 1
    assert [s.reason for s in archive] == ["restamped"] * 13 + [None] * (len(archive) - 13)
    assert UntimedReader(tmp_path).spells() == []
    gateway.kill()


def test_a_clock_eight_hours_ahead_is_set_right_and_nothing_stays_in_the_future(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.error = 8 * HOUR
    gateway.run(3 * 3600, 60)
    gateway.tidy()
    gateway.time_server()
    gateway.run(600, 60)
    gateway.tidy()
    assert gateway.wrong() == ""
    assert gateway.apart() == []
    archive = gateway.archive()
    assert max(abs(s.seen - gateway.true[n]) for n, s in enumerate(archive)) <= S
    assert Reader(tmp_path).last()[TAG] == archive[-1]
    gateway.kill()


def test_a_boot_without_a_sure_clock_stays_apart_between_two_moments(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.run(60)
    gateway.reboot(HOUR, 5 * S)
    gateway.run(60)
    gateway.reboot(HOUR, START + DAY)
    gateway.run(10)
    gateway.tidy()
    [spell] = UntimedReader(tmp_path).spells()
    lost = gateway.apart()
    assert [s.value for s in lost] == list(range(12, 24))
    assert spell.readings == 12
    assert gateway.true[11] <= (spell.after or 0) <= gateway.true[12]
    assert gateway.true[23] <= (spell.before or 0) <= gateway.time + gateway.error
    gateway.kill()


def test_what_earlier_boots_stored_in_the_future_is_set_apart_once_a_time_server_says_so(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.set(400 * DAY)
    gateway.run(60)
    gateway.reboot(HOUR)
    gateway.time_server()
    gateway.run(60)
    gateway.tidy()
    assert [s.value for s in gateway.archive()] == list(range(12, 24))
    [spell] = UntimedReader(tmp_path).spells()
    assert (spell.readings, spell.after) == (12, None)
    gateway.kill()


def test_an_alarm_of_an_unsure_time_gets_its_time_with_the_readings(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.error = 5 * S - gateway.time
    gateway.run(10)
    store, clock = gateway.running()
    at = clock()
    with store.transaction():
        store.alarms.append(AlarmEvent("m.p.high", "high", "m.p", at, Event.RAISE, "high", recorded=at))
    raised = gateway.time
    gateway.time_server()
    gateway.run(10)
    [event] = AlarmReader(tmp_path).standing()["m.p.high"]
    assert abs(event.at - raised) <= 1
    assert event.recorded == event.at
    gateway.kill()


def test_a_moment_from_another_clock_stays_when_ours_is_restamped() -> None:
    rows = Columns([5 * HOUR, 9 * HOUR], [9 * HOUR, 9 * HOUR], [1.0, 2.0], [0, 0], [None, "clock_off"])
    after = apart.moved(rows, 8 * HOUR, DAY)
    assert (after.at, after.seen) == ([5 * HOUR, DAY + 9 * HOUR], [DAY + 9 * HOUR] * 2)
    assert after.reasons == [None, "restamped"]


PROGRAM = """
import sys
from pathlib import Path
from tests.store.wrong_clock import life
life(Path(sys.argv[1]))
"""


def test_power_cuts_while_readings_are_placed_lose_and_double_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    journal = recorded_python(PROGRAM, tmp_path / "run")
    placing = [*journal.during("placing 1", "placed 1"), *journal.during("placing 2", "placed 2")]
    cuts = sorted(Random(6).sample(placing, 40) + Random(7).sample(range(len(journal) + 1), 10))
    found = {}
    for seed, at in enumerate(cuts):
        folder = tmp_path / str(seed)
        folder.mkdir()
        journal.after_cut(at, seed, folder)
        found[at] = made_once(folder, journal.acknowledged(at))
        shutil.rmtree(folder)
    assert {at: trouble for at, trouble in found.items() if trouble} == {}
