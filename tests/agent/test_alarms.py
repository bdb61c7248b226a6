"""Alarms from readings to the list: raised with the readings that cause them, kept, seen by somebody."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from drivers.reading import Quality
from edge_agent.alarm.alarm import AlarmState
from edge_agent.alarm.board import ask_acknowledge, asked, history, open_alarms, wish
from edge_agent.alarm.event import Event
from edge_agent.alarm.watchman import Watchman
from edge_agent.alarm.words import action, sentence, value_words
from edge_agent.batch import Batch
from edge_agent.inbox import Request
from edge_agent.ledger import LedgerEvent
from edge_agent.poll import LinkState
from edge_agent.requests import drain, submit
from edge_agent.site import Site
from edge_agent.store.database import NEWEST, SCHEMA
from edge_agent.store.lock import make_data_folder
from edge_agent.store.reader import Reader
from edge_agent.store.store import Store
from edge_agent.texts import Texts
from tests.agent.alarm_plant import NOW, PLANT, WANG, Plant, S
from tests.plants import plant


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Plant]:
    world = Plant(tmp_path)
    yield world
    world.recorder._thread.shutdown()
    world.store.close()


async def test_a_limit_is_compared_on_the_primary_side_and_the_alarm_says_both(made: Plant) -> None:
    await made.see("m1.power", 4.4, 4.55, 4.6, 4.55)
    alarm = made.open["m1.power.high"]
    assert (alarm.state, alarm.priority, alarm.limit) == (AlarmState.UNACKNOWLEDGED, "urgent", 450.0)
    assert alarm.value == pytest.approx(455.0)
    assert alarm.raised == made.now
    texts = Texts("zh")
    assert (sentence(alarm, made.site, texts), action(alarm, made.site, texts)) == ("需量越限", "先停空压机")
    assert value_words(alarm, made.site) == "455.0 kW / 450.0"


async def test_a_ratio_corrected_while_the_agent_runs_counts_from_the_next_reading(made: Plant) -> None:
    await made.see("m1.power", 3.0, 3.0, 3.0)
    assert made.open == {}
    made.inbox.put([Request("ledger", [NOW, "m1", "ratio", {"ct": 200.0, "pt": 1.0}], WANG, made.now)])
    await made.recorder.serve()
    await made.see("m1.power", 3.0, 3.0, 3.0)
    assert made.open["m1.power.high"].value == pytest.approx(600.0)


async def test_an_unknown_value_leaves_every_alarm_as_it_is(made: Plant) -> None:
    await made.see("m1.power", None, None, None, None)
    assert made.open == {}
    await made.see("m1.power", 4.6, 4.6, 4.6, None, None)
    assert made.states() == {"m1.power.high": "unacknowledged"}


async def test_a_lost_link_is_an_alarm_with_its_reason_until_the_device_answers(made: Plant) -> None:
    made.lose("m2")
    await made.recorder.flush()
    alarm = made.open["m2.link"]
    assert (alarm.kind, alarm.tag, alarm.priority, alarm.reason) == ("link", "m2", "high", "no_reply")
    assert sentence(alarm, made.site, Texts("zh")) == "m2 通讯中断：没有应答"
    assert value_words(alarm, made.site) == "--"
    made.read("m2.link", float(LinkState.ASLEEP))
    await made.recorder.flush()
    assert made.states() == {"m2.link": "returned"}


async def test_a_register_that_fell_stays_as_returned_and_a_rollover_is_none(made: Plant) -> None:
    await made.see("m1.energy_import", 999_990.0, 5.0)
    assert made.open == {}
    await made.see("m1.energy_import", 5.2, None, 0.1)
    alarm = made.open["m1.energy_import.fell"]
    assert alarm.state is AlarmState.RETURNED
    assert (alarm.value, alarm.limit) == pytest.approx((10.0, 520.0))
    await made.recorder.flush()
    assert made.events() == [("m1.energy_import.fell", "raise"), ("m1.energy_import.fell", "clear")]


async def test_a_register_of_before_the_restart_is_remembered(made: Plant) -> None:
    await made.see("m2.energy_import", 100.0, None)
    await made.restart()
    await made.see("m2.energy_import", 99.0)
    assert made.states() == {"m2.energy_import.fell": "returned"}


async def test_a_restart_keeps_what_holds_and_what_was_acknowledged(made: Plant) -> None:
    made.lose("m2")
    await made.see("m1.power", 4.6, 4.6, 4.6)
    ask_acknowledge(made.site, ["m2.link"], WANG, "看到了", made.now)
    await made.recorder.serve()
    await made.restart()
    before = {"m1.power.high": "unacknowledged", "m2.link": "acknowledged"}
    assert made.states() == before
    made.read("m2.link", float(LinkState.DOWN), why="no_reply")  # every run says its links once
    await made.see("m1.power", 4.6, 4.48)
    assert made.states() == before
    await made.restart()
    made.read("m2.link", float(LinkState.UP))
    await made.see("m1.power", 4.4)
    assert made.states() == {"m1.power.high": "returned"}
    assert made.open["m1.power.high"].cleared == made.now


async def test_an_alarm_taken_out_of_the_plant_is_cleared_as_removed(made: Plant) -> None:
    made.lose("m2")
    await made.see("m2.power", 5.0)
    await made.see("m1.power", 4.6, 4.6, 4.6)
    await made.restart(
        PLANT.replace("  m2: {host: 127.0.0.1, profile: eastron-sdm630}\n", "").replace("  m2.power: {high: 3}\n", "")
    )
    await made.recorder.flush()
    assert made.states() == {"m1.power.high": "unacknowledged", "m2.link": "returned", "m2.power.high": "returned"}
    reasons = {e.alarm: e.reason for e in history(made.site, 0, 2**62) if e.event is Event.CLEAR}
    assert reasons == {"m2.link": "removed", "m2.power.high": "removed"}
    assert sentence(made.open["m2.power.high"], made.site, Texts("en")) == "m2.power is above its limit"


async def test_a_failed_commit_keeps_the_readings_and_their_alarm_together(
    made: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = made.store.write

    def full(_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(made.store, "write", full)
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            await made.see("m1.power", 4.6)
    assert (made.events(), Reader(made.site.data).last()) == ([], {})
    monkeypatch.setattr(made.store, "write", write)
    await made.recorder.flush()
    assert made.events() == [("m1.power.high", "raise")]
    assert made.open["m1.power.high"].raised == Reader(made.site.data).last()["m1.power"].at
    await made.recorder.flush()
    assert len(made.events()) == 1


async def test_a_disk_that_refuses_the_alarm_takes_no_reading_either(
    made: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(made.store.alarms, "append", full)
        with pytest.raises(sqlite3.OperationalError):
            await made.see("m1.power", 4.6, 4.6, 4.6)
        assert Reader(made.site.data).last() == {}
    await made.recorder.flush()
    assert made.states() == {"m1.power.high": "unacknowledged"}


@pytest.mark.parametrize("where", ["look", "append", "start"])
async def test_a_fault_in_the_alarms_never_keeps_a_reading_from_the_disk(
    where: str, made: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("bug")

    if where == "append":
        monkeypatch.setattr(made.store.alarms, "append", broken)
    else:
        monkeypatch.setattr(Watchman, "look" if where == "look" else "learn", broken)
    if where == "start":
        await made.restart()
    await made.see("m1.power", 4.6, 4.6, 4.6, 4.6)
    assert Reader(made.site.data).last()["m1.power"].at == made.now
    assert [r.levelno for r in caplog.records if r.name == "leafgate.alarm"][:1] == [logging.ERROR]


async def test_acknowledging_records_who_and_waits_in_the_inbox_until_the_agent_has_done_it(made: Plant) -> None:
    await made.see("m1.power", 4.6, 4.6, 4.6)
    ask_acknowledge(made.site, ["m1.power.high"], WANG, "已停机", made.now)
    assert asked(made.site) == {"m1.power.high"}
    assert made.states() == {"m1.power.high": "unacknowledged"}
    await made.recorder.serve()
    assert asked(made.site) == set()
    alarm = made.open["m1.power.high"]
    assert (alarm.state, alarm.acknowledged_by) == (AlarmState.ACKNOWLEDGED, "值班员")
    said = history(made.site, 0, 2**62)[0]
    assert (said.event, said.by, said.note) == (Event.ACKNOWLEDGE, WANG, "已停机")


async def test_an_alarm_that_is_normal_or_unknown_is_not_acknowledged_and_the_result_says_so(made: Plant) -> None:
    await made.see("m1.power", 4.6, 4.6, 4.6)
    raised = made.open["m1.power.high"].raised
    wanted = ({"m1.power.high": raised, "nosuch": raised}, {"m1.power.high": raised}, {"nosuch": raised})
    requests = [wish(seen, WANG, "", made.now) for seen in wanted]
    ids = made.inbox.put(requests)
    assert drain(made.store, made.site, made.inbox) == 3
    assert made.inbox.results(ids) == [1, 0, 0]
    assert [event for _, event in made.events()] == ["raise", "acknowledge"]


async def test_an_acknowledgement_takes_effect_once_even_when_the_inbox_was_not_told(
    made: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made.see("m1.power", 4.6, 4.6, 4.6)
    ask_acknowledge(made.site, ["m1.power.high"], WANG, "", made.now)
    with monkeypatch.context() as patch:
        patch.setattr(made.inbox, "done", lambda *_: (_ for _ in ()).throw(OSError("power")))
        with pytest.raises(OSError, match="power"):
            drain(made.store, made.site, made.inbox)
    await made.see("m1.power", 4.0, 4.6, 4.6, 4.6)
    assert made.states() == {"m1.power.high": "unacknowledged"}  # raised anew, and nobody has seen this one
    assert drain(made.store, made.site, made.inbox) == 1
    assert made.states() == {"m1.power.high": "unacknowledged"}


TOLD = {"id": "watch.c1", "kind": "watch", "tag": "c1", "priority": "medium", "at": NOW, "reason": "met:unknown"}


async def test_another_process_raises_and_clears_an_alarm_of_its_own(made: Plant) -> None:
    for event, state in (("raise", "unacknowledged"), ("raise", "unacknowledged"), ("clear", "returned")):
        made.inbox.put([Request("alarm", {**TOLD, "event": event}, WANG, NOW)])
        await made.recorder.serve()
        assert made.states() == {"watch.c1": state}
    assert [event for _, event in made.events()] == ["raise", "clear"]
    words = sentence(made.open["watch.c1"], made.site, Texts("zh"))
    assert words == "认证要求 c1 的结论变差：符合 变为 未知"


@pytest.mark.parametrize(
    "payload",
    [
        {**TOLD, "event": "raise", "kind": "high"},
        {**TOLD, "event": "acknowledge"},
        {**TOLD, "event": "raise", "priority": "huge"},
        {**TOLD, "event": "raise", "id": {"a": 1}},
        {"event": "raise"},
        None,
    ],
)
async def test_a_wrong_request_about_alarms_is_refused_and_the_next_one_goes_on(payload: object, made: Plant) -> None:
    ids = made.inbox.put([Request("alarm", payload, WANG, NOW), Request("acknowledge", payload, WANG, NOW)])
    ids += made.inbox.put([Request("alarm", {**TOLD, "event": "raise"}, WANG, NOW)])
    assert drain(made.store, made.site, made.inbox) == 3
    *refused, last = made.inbox.results(ids)
    assert all("error" in result for result in refused)
    assert last == 1


async def test_the_list_has_the_highest_priority_first_and_within_it_the_newest(made: Plant) -> None:
    made.lose("m2")
    await made.see("m2.power", 5.0)
    made.lose("m1")
    await made.see("m1.power", 0.001, 0.001, 0.001)
    assert [a.id for a in open_alarms(made.site, made.now)] == ["m1.power.low", "m1.link", "m2.link", "m2.power.high"]


async def test_looking_at_what_is_asked_does_not_wake_the_agent(made: Plant) -> None:
    made.inbox.put([Request("alarm", {**TOLD, "event": "raise"}, WANG, NOW)])
    drain(made.store, made.site, made.inbox)
    assert made.inbox.pending() == []
    empty = made.inbox._empty
    for _ in range(2):
        assert asked(made.site) == set()
        assert made.inbox._state() == empty


def test_a_site_without_database_has_no_alarms(tmp_path: Path) -> None:
    site = plant(tmp_path, PLANT)
    assert (open_alarms(site, NOW), history(site, 0, NOW), asked(site)) == ([], [], set())
    assert not site.data.exists()


def version_one(site: Site) -> None:
    """A plant.db as the first version made it, with a reading."""
    make_data_folder(site.data)
    script = (SCHEMA / "001.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(site.data / "plant.db")) as db:
        db.executescript(f"BEGIN;\n{script}\nPRAGMA user_version = 1;\nCOMMIT;\nPRAGMA journal_mode = WAL;")
        db.execute("INSERT INTO tag VALUES (1, 'm1.power')")
        db.execute("INSERT INTO sample VALUES (1, 5, 5, 2.5, 0, NULL)")
        db.commit()


def test_a_database_of_version_1_is_read_as_it_is_and_upgraded_by_the_next_writer(tmp_path: Path) -> None:
    site = plant(tmp_path, PLANT)
    version_one(site)
    assert (open_alarms(site, NOW), history(site, 0, NOW)) == ([], [])
    assert submit(site, [Request("alarm", {**TOLD, "event": "raise"}, WANG, NOW)], "test") == 1
    assert [a.id for a in open_alarms(site, NOW)] == ["watch.c1"]
    assert Reader(site.data).last()["m1.power"].value == 2.5
    with closing(sqlite3.connect(site.data / "plant.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_upgrade_that_fails_leaves_the_old_version_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = plant(tmp_path, PLANT)
    version_one(site)
    broken = tmp_path / "schema"
    broken.mkdir()
    for path in SCHEMA.glob("*.sql"):
        (broken / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (broken / "002.sql").write_text("CREATE TABLE alarm_event (id INTEGER) STRICT; CREATE TABLE tag (x);")
    monkeypatch.setattr("edge_agent.store.database.SCHEMA", broken)
    with pytest.raises(BaseException, match="tag"):
        Store(site.data)
    with closing(sqlite3.connect(site.data / "plant.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT name FROM sqlite_schema WHERE name = 'alarm_event'").fetchone() is None


async def test_an_alarm_raised_by_a_device_whose_clock_runs_ahead_is_not_in_the_future(made: Plant) -> None:
    batch = Batch()
    batch.add("m2.power", made.now + 60 * S, made.now, 5.0, Quality.GOOD, None)
    batch.add("m2.power", made.now + 7200 * S, made.now, 1.0, Quality.GOOD, None)  # a wrong date
    made.batches.put_nowait(batch)
    await made.recorder.flush()
    alarm = made.open["m2.power.high"]
    assert (alarm.raised, alarm.state) == (made.now, AlarmState.UNACKNOWLEDGED)


async def test_the_ratio_of_the_readings_time_counts(made: Plant) -> None:
    with made.store.transaction():
        made.store.write_ledger([LedgerEvent(NOW + 100 * S, "m1", "ratio", {"ct": 500.0, "pt": 1.0}, WANG, NOW)])
    made.recorder._guard.learn()
    await made.see("m1.power", *[1.0] * 19)
    assert made.open == {}
    await made.see("m1.power", *[1.0] * 4)
    assert made.open["m1.power.high"].value == pytest.approx(500.0)
