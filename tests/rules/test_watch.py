"""The watch: it remembers how findings stood, alarms when one gets worse, and clears when it is back."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import assistant.commands.watch as command
from assistant.evidence import Register
from assistant.finding import State
from assistant.people import set_grade
from assistant.records import RECORDS_DB, Records
from assistant.signs import signs
from assistant.watch import FINDINGS, RANK, Change, look
from edge_agent.alarm.board import open_alarms
from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.inbox import Inbox, Request
from edge_agent.requests import submit
from edge_agent.session import Session
from edge_agent.site import Site
from edge_agent.status import status
from edge_agent.store.lock import WATCH_LOCK, make_data_folder, running, writing
from edge_agent.texts import Texts
from tests.conftest import ROOT
from tests.plants import BARE, TEN_MONTHS, Row, plant
from tests.rules.worlds import BY, HOUR, NOW, PAPERS, RECORDED, file_papers, import_rows, plant_to_assess

DAY = 24 * HOUR
ZH = Texts("zh")
ENERGY = "gbt36132-2025.4.2-c2"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Plant Y, all musts met; its energy certificate ends on 25 November 2026."""
    made = plant_to_assess(tmp_path)
    certificate(file_papers(made, PAPERS.keys() - {"system_certificate_energy"}), date(2026, 11, 25))
    return made


def certificate(register: Register, valid_to: date, now: int = RECORDED) -> None:
    path = register.site.folder / f"{valid_to}.pdf"
    path.write_text(f"{valid_to}", encoding="utf-8")
    register.add(path, "system_certificate_energy", by="李工", now=now, valid_to=valid_to)


def watched(site: Site, now: int) -> list[Change]:
    """One round of the watch, carried out by a writer."""
    _, changes = look(site, ZH, now)
    submit(site, [], "test")
    return changes


def alarms(site: Site) -> dict[str, tuple[str, str]]:
    """Alarm id to its priority and state."""
    return {a.id: (a.priority, a.state.value) for a in open_alarms(site, NOW)}


def test_the_first_look_only_remembers(site: Site) -> None:
    assert not any(change.is_news or change.alarms for change in watched(site, NOW))
    assert len(Records(site.data).as_of(FINDINGS)) == 23
    assert watched(site, NOW + HOUR) == []
    assert alarms(site) == {}


def test_evidence_that_expires_between_two_looks_raises_an_alarm_and_a_new_one_clears_it(site: Site) -> None:
    watched(site, NOW)
    [change] = watched(site, NOW + 6 * DAY)
    assert (change.criterion, change.before, change.after) == (ENERGY, "met", "unknown")
    assert alarms(site) == {f"watch.{ENERGY}": ("medium", "unacknowledged")}
    kept = Records(site.data).history(FINDINGS)[-1].body
    assert (kept["from"], kept["to"], kept["base"]) == ("met", "unknown", "met")
    assert kept["reasons"][0]["text"] or kept["reasons"] == []
    assert watched(site, NOW + 7 * DAY) == []
    certificate(Register(site), date(2028, 1, 1), NOW + 7 * DAY)
    [back] = watched(site, NOW + 7 * DAY + HOUR)
    assert (back.before, back.after, back.base) == ("unknown", "met", None)
    assert alarms(site) == {f"watch.{ENERGY}": ("medium", "returned")}


def test_a_meter_gone_stale_raises_an_alarm_and_its_readings_clear_it(site: Site) -> None:
    watched(site, NOW)
    changes = {c.criterion.partition(".")[2]: (c.before, c.after) for c in watched(site, NOW + 14 * DAY)}
    assert changes["C1-01"] == ("met", "unknown")
    assert changes["C1-03"] == ("partly", "unknown")
    assert alarms(site)["watch.gbt36132-2025.C1-01"] == ("medium", "unacknowledged")
    rows: list[Row] = [(tag, "", "2026-12-01", 1000.0 + step * 11, "") for tag, step in TEN_MONTHS.items()]
    later = NOW + 15 * DAY
    import_rows(site, [*rows, ("manual.pieces", "2026-11-01", "2026-12-01", 120_000.0, "")], later)
    watched(site, later + HOUR)
    states = {name: state for name, (_, state) in alarms(site).items()}
    assert states["watch.gbt36132-2025.C1-01"] == states["watch.gbt36132-2025.C1-03"] == "returned"
    assert states[f"watch.{ENERGY}"] == "unacknowledged"


def test_a_must_that_became_unmet_is_of_high_priority_and_a_new_alarm(site: Site) -> None:
    watched(site, NOW)
    watched(site, NOW + 6 * DAY)
    submit(site, [Request("acknowledge", [[f"watch.{ENERGY}"], ""], BY, NOW)], "test")
    assert alarms(site) == {f"watch.{ENERGY}": ("medium", "acknowledged")}
    set_grade(Records(site.data), ENERGY, 0.0, False, "没有认证", BY, NOW + 6 * DAY)
    [change] = watched(site, NOW + 6 * DAY + HOUR)
    assert (change.before, change.after, change.base) == ("unknown", "unmet", "met")
    assert alarms(site) == {f"watch.{ENERGY}": ("high", "unacknowledged")}


def test_half_of_the_way_back_does_not_clear(site: Site) -> None:
    watched(site, NOW)
    set_grade(Records(site.data), ENERGY, 0.0, False, "没有认证", BY, NOW)
    watched(site, NOW + HOUR)
    set_grade(Records(site.data), ENERGY, None, False, "收回", BY, NOW + 6 * DAY)
    [change] = watched(site, NOW + 6 * DAY + HOUR)
    assert (change.before, change.after, change.alarms) == ("unmet", "unknown", ())
    assert alarms(site) == {f"watch.{ENERGY}": ("high", "unacknowledged")}


def test_a_look_cut_off_before_it_was_remembered_is_made_good_by_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(site, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(Records, "put", lambda *_: (_ for _ in ()).throw(OSError("power")))
        with pytest.raises(OSError, match="power"):
            look(site, ZH, NOW + 6 * DAY)
    assert len(watched(site, NOW + 6 * DAY)) == 1
    assert alarms(site) == {f"watch.{ENERGY}": ("medium", "unacknowledged")}
    assert len(Inbox(site.data).waiting("alarm")) == 0


def test_a_criterion_that_the_framework_no_longer_has_takes_its_alarm_along(site: Site) -> None:
    watched(site, NOW)
    body: dict[str, Any] = {"criterion": "old.c1", "from": "met", "to": "unmet", "reasons": [], "base": "met"}
    Records(site.data).put(FINDINGS, "old.c1", body, BY, NOW)
    [change] = watched(site, NOW + HOUR)
    assert (change.criterion, change.after, change.alarms) == ("old.c1", None, ("clear",))
    assert watched(site, NOW + 2 * HOUR) == []


def test_every_state_has_a_rank_and_nothing_is_worse_than_unmet() -> None:
    assert RANK.keys() == set(State)
    assert min(RANK, key=lambda s: RANK[s]) is State.UNMET


def test_what_is_filed_confirmed_or_configured_is_a_sign_and_looking_is_none(site: Site) -> None:
    before = signs(site.folder)
    look(site, ZH, NOW)
    remembered = signs(site.folder)
    assert remembered != before
    assert signs(site.folder) == remembered
    import_rows(site, [("manual.pieces", "2026-11-01", "2026-12-01", 5, "")], NOW + 20 * DAY)
    filed = signs(site.folder)
    assert filed != remembered
    import_rows(site, [("manual.gas", "", "2026-11-10", 400_000, "")], NOW + 20 * DAY)
    assert signs(site.folder) != filed


def run(site: Site, *words: str) -> int:
    return main(["-C", str(site.folder), "watch", *words])


def test_once_tells_in_json_what_changed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for now, count in ((NOW, 0), (NOW + 6 * DAY, 1)):
        monkeypatch.setattr(Session, "now", lambda self, now=now: now)
        assert run(site, "--once", "--json") == Exit.DONE
        body = json.loads(capsys.readouterr().out)
        assert (body["schema"], body["framework"]) == ("leafgate.watch/1", "gbt36132-2025")
        assert len(body["changes"]) == count
    assert body["changes"][0]["alarms"] == ["raise"]
    assert body["changes"][0]["to"] == "unknown"


def test_without_a_database_once_says_so_and_assesses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = plant(tmp_path, BARE)
    assert run(site, "--once", "--json") == Exit.DONE
    said = capsys.readouterr()
    assert json.loads(said.out)["changes"] == []
    assert "leafgate run" in said.err
    assert not (site.data / RECORDS_DB).exists()


def test_wrong_usage_and_a_second_watch_are_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "--json") == Exit.USAGE
    assert run(site, "--every", "soon") == Exit.USAGE
    assert run(site, "--every", "1s") == Exit.USAGE
    with writing(site.data, "watch", lock=WATCH_LOCK):
        assert running(site.data) is None
        assert run(site, "--once") == Exit.BUSY
    assert "Traceback" not in capsys.readouterr().err


async def test_trouble_is_said_once_and_the_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "LOOK_S", 0.01)
    monkeypatch.setattr(command, "RETRY_S", 0.0)
    site = plant(tmp_path, BARE)
    make_data_folder(site.data)
    (site.data / "plant.db").write_bytes(b"no database" * 1000)
    said = ""

    async def until(words: str) -> None:
        nonlocal said
        async with asyncio.timeout(20):
            while words not in said:
                await asyncio.sleep(0.05)
                said += capsys.readouterr().err

    with writing(site.data, "watch", lock=WATCH_LOCK):
        round_ = command._Round(Session(site.folder), 0.05)
        task = asyncio.create_task(round_.serve())
        await until("已损坏")
        await asyncio.sleep(0.2)
        (site.data / "plant.db").unlink()
        await until("还没有数据库")
        with closing(sqlite3.connect(site.data / "plant.db")) as db:
            db.execute("PRAGMA user_version = 0")
        submit(site, [], "test")
        await until("又能评估了")
        assert len(Records(site.data).as_of(FINDINGS)) == 23
        round_._stopped.set()
        await task
    assert said.count("已损坏") == said.count("还没有数据库") == said.count("又能评估了") == 1


def test_a_running_watch_is_shown_and_ends_cleanly_on_sigterm(site: Site) -> None:
    words = [sys.executable, "-m", "edge_agent.cli", "-C", str(site.folder), "watch"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stderr is not None
        assert "15" in other.stderr.readline()
        shown = status(site, NOW)["watch"]
        assert shown["state"] == "running"
        assert shown["last"] is not None
        other.send_signal(signal.SIGTERM)
        assert other.wait(20) == Exit.DONE
        assert "Traceback" not in other.stderr.read()
    assert status(site, NOW)["watch"] == {"state": "stopped", "last": None}


def test_the_watch_loads_no_screen_and_no_model() -> None:
    code = "import assistant.watch, assistant.signs, assistant.commands.watch, sys; print('MODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert tops & {"textual", "chromadb", "langchain", "langchain_core", "numpy", "asyncua", "tui"} == set()
