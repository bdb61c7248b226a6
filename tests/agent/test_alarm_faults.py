"""Alarms on bad days: what was raised anew, a writer that is busy, faults of our own, links that flicker, clocks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.reading import Quality
from edge_agent.alarm import guard
from edge_agent.alarm.board import ask_acknowledge, asked, history
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.watchman import Watchman
from edge_agent.batch import Batch
from edge_agent.exit import Exit, Stop
from edge_agent.inbox import Request
from edge_agent.poll import LinkState
from edge_agent.store.reader import Reader
from tests.agent.alarm_plant import PLANT, WANG, Plant, S
from tests.plants import plant

HIGH = "m1.power.high"
FAULTS = "agent.alarm_faults"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Without a pause after a fault."""
    monkeypatch.setattr(guard, "PAUSE_S", 0.0)
    world = Plant(tmp_path)
    yield world
    world.recorder._thread.shutdown()
    world.store.close()


async def test_an_alarm_raised_anew_is_not_acknowledged_by_a_wish_for_the_one_before(made: Plant) -> None:
    await made.see("m1.power", 4.6, 4.6, 4.6)
    ask_acknowledge(made.site, [HIGH], WANG, "", made.now)
    [waiting] = made.inbox.pending()
    await made.see("m1.power", 4.0, 4.6, 4.6, 4.6)
    await made.recorder.serve()
    assert made.states() == {HIGH: "unacknowledged"}
    assert made.inbox.results([waiting.id]) == [0]
    ask_acknowledge(made.site, [HIGH], WANG, "", made.now)
    await made.recorder.serve()
    assert made.states() == {HIGH: "acknowledged"}


async def test_an_alarm_that_cleared_meanwhile_is_acknowledged_all_the_same(made: Plant) -> None:
    await made.see("m1.power", 4.6, 4.6, 4.6)
    ask_acknowledge(made.site, [HIGH], WANG, "", made.now)
    await made.see("m1.power", 4.0)
    await made.recorder.serve()
    assert made.states() == {}


async def test_a_wish_of_an_older_version_with_plain_names_is_carried_out(made: Plant) -> None:
    await made.see("m1.power", 4.6, 4.6, 4.6)
    made.inbox.put([Request("acknowledge", [[HIGH], "看到了"], WANG, made.now)])
    assert asked(made.site) == {HIGH}
    await made.recorder.serve()
    assert made.states() == {HIGH: "acknowledged"}


async def test_wishes_about_alarms_come_before_a_long_import_and_keep_their_order(made: Plant) -> None:
    told = {"id": "watch.c1", "kind": "watch", "tag": "c1", "priority": "low", "event": "raise", "at": 1}
    kinds = [("past", []), ("past", []), ("alarm", told), ("acknowledge", [["watch.c1"], ""])]
    made.inbox.put([Request(kind, payload, WANG, made.now) for kind, payload in kinds])
    assert [r.kind for r in made.inbox.pending()] == ["alarm", "acknowledge", "past", "past"]
    await made.recorder.serve()
    await made.recorder.serve()
    assert made.states() == {"watch.c1": "acknowledged"}


async def test_a_watchman_that_could_not_be_made_is_made_later(
    made: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: object) -> None:
        raise Stop(Exit.SITE, "error.unreadable_database", file="plant.db", why="locked")

    with monkeypatch.context() as patch:
        patch.setattr(Watchman, "learn", locked)
        await made.restart()
        await made.see("m1.power", 4.6)
    assert made.health[FAULTS] == 2
    assert [r.levelno for r in caplog.records if r.name == "leafgate.alarm"] == [logging.ERROR]
    await made.see("m1.power", 4.6)
    await made.see("m1.power", 4.6, 4.6, 4.6)
    assert made.states() == {HIGH: "unacknowledged"}
    assert Reader(made.site.data).last()[FAULTS].value == 2.0


async def test_after_a_fault_there_is_a_pause_before_the_next_try(made: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PAUSE_S", 3600.0)
    monkeypatch.setattr(Watchman, "look", lambda *_: 1 // 0)
    await made.see("m1.power", 4.6)
    assert not made.recorder._guard.overdue
    await made.see("m1.power", 4.6, 4.6)
    assert made.health[FAULTS] == 1


async def test_a_fault_half_way_through_a_batch_does_not_swallow_the_alarm(
    made: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[AlarmEvent]:
        raise ZeroDivisionError("bug")

    await made.see("m1.power", 4.6, 4.6)
    batch = Batch()
    made.now += 5 * S
    batch.add("m1.power", made.now, made.now, 4.6, Quality.GOOD, None)  # raises the alarm
    batch.add("m1.energy_import", made.now, made.now, 1.0, Quality.GOOD, None)
    with monkeypatch.context() as patch:
        patch.setattr(Watchman, "_fell", broken)
        made.batches.put_nowait(batch)
        await made.recorder.flush()
    assert made.states() == {}
    await made.see("m1.power", 4.6, 4.6, 4.6)
    assert made.states() == {HIGH: "unacknowledged"}
    await made.see("m1.power", 4.0)
    assert made.states() == {HIGH: "returned"}


async def test_an_alarm_that_could_not_be_entered_is_raised_again(made: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(made.store.alarms, "append", lambda _: 1 // 0)
        await made.see("m1.power", 4.6, 4.6, 4.6)
    assert made.states() == {}
    await made.see("m1.power", 4.6, 4.6, 4.6)
    assert made.states() == {HIGH: "unacknowledged"}


async def test_every_different_fault_is_logged_loudly_once(
    made: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "leafgate.alarm")
    for text in ("first", "first", "second", "first"):

        def broken(*_: object, text: str = text) -> None:
            raise RuntimeError(text)

        monkeypatch.setattr(Watchman, "look", broken)
        await made.see("m1.power", 4.6)
    levels = [r.levelname for r in caplog.records if r.name == "leafgate.alarm"]
    assert levels == ["ERROR", "DEBUG", "ERROR", "DEBUG"]
    assert made.health[FAULTS] == 4


async def test_a_link_that_was_lost_or_came_back_unseen_is_known_to_the_next_watchman(
    made: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.lose("m1")
    await made.recorder.flush()
    with monkeypatch.context() as patch:
        patch.setattr(Watchman, "look", lambda *_: 1 // 0)
        made.read("m1.link", float(LinkState.UP))
        made.read("m2.link", float(LinkState.DOWN), why="no_reply")
        await made.recorder.flush()
    await made.see("m1.power", 3.0, every_s=40.0)
    assert made.states() == {"m1.link": "returned", "m2.link": "unacknowledged"}
    assert made.open["m2.link"].reason == "no_reply"


async def test_a_lost_reply_is_no_alarm_and_a_lost_device_is_one(made: Plant) -> None:
    made.lose("m2", 30.0)
    made.read("m2.link", float(LinkState.UP))
    made.lose("m2", 37.0)  # polled every 15 s: two polls and a half
    await made.recorder.flush()
    assert made.events() == []
    await made.see("m2.power", None, every_s=1.0)
    assert made.events() == [("m2.link", "raise")]
    made.read("m2.link", float(LinkState.UP))
    await made.recorder.flush()
    assert made.states() == {"m2.link": "returned"}


async def test_a_device_asked_often_is_lost_after_half_a_minute(made: Plant) -> None:
    await made.restart(PLANT.replace("profile: eastron-sdm630", "profile: eastron-sdm630, poll: 1s"))
    made.lose("m2", 29.0)
    await made.recorder.flush()
    assert made.events() == []
    await made.see("m2.power", None, every_s=1.0)
    assert made.events() == [("m2.link", "raise")]


async def test_the_readings_of_another_device_bring_the_alarm_of_a_lost_one(made: Plant) -> None:
    made.read("m2.link", float(LinkState.DOWN), why="no_reply")
    await made.see("m1.power", 3.0, 3.0, every_s=20.0)
    assert made.states() == {"m2.link": "unacknowledged"}
    assert made.open["m2.link"].raised == made.now


async def test_a_link_lost_at_the_end_of_the_last_run_is_not_an_alarm_of_this_one(made: Plant) -> None:
    made.read("m2.link", float(LinkState.DOWN), why="no_reply")
    await made.recorder.flush()
    await made.restart()
    await made.see("m1.power", 3.0, every_s=3600.0)
    assert made.events() == []


async def test_after_a_clock_that_was_hours_ahead_limits_links_and_registers_begin_anew(made: Plant) -> None:
    made.now += 86_400 * S
    made.read("m2.link", float(LinkState.DOWN), why="no_reply")
    made.read("m1.energy_import", 10.0)
    await made.see("m1.power", 4.6, 4.6)
    made.now -= 86_400 * S
    await made.see("m1.power", 4.6, 4.6)
    assert made.events() == []
    await made.see("m1.power", 4.6)
    await made.see("m1.energy_import", 5.0)
    assert made.events() == [(HIGH, "raise"), ("m1.energy_import.fell", "raise"), ("m1.energy_import.fell", "clear")]
    await made.see("m1.power", 4.0, every_s=40.0)
    assert made.states() == {HIGH: "returned", "m1.energy_import.fell": "returned", "m2.link": "unacknowledged"}


def test_only_the_newest_events_are_read_where_that_is_asked(tmp_path: Path) -> None:
    world = Plant(tmp_path, PLANT)
    with world.store.transaction():
        for at in range(5):
            world.store.alarms.append(AlarmEvent("a", "watch", "c", at, Event.RAISE, "low"))
    site = plant(tmp_path, PLANT)
    assert [e.at for e in history(site, 0, 9, 2)] == [4, 3]
    assert len(history(site, 0, 9)) == 5
    world.recorder._thread.shutdown()
    world.store.close()
