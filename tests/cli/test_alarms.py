"""leafgate alarms: the list, the history, and saying that one has seen it, with and without an agent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.inbox import Request
from edge_agent.ledger import me
from edge_agent.requests import submit, wall_clock
from edge_agent.site import Site
from edge_agent.store.lock import writing
from tests.conftest import ROOT
from tests.plants import BARE, plant

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return plant(tmp_path, BARE)


@pytest.fixture
def run(site: Site, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_(*words: str) -> tuple[int, str, str]:
        code = main(["-C", str(site.folder), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_


def happen(site: Site, event: str, name: str = "watch.c1") -> None:
    """An alarm raised or cleared as the watch does it."""
    said = {"id": name, "kind": "watch", "tag": "c1", "priority": "high", "event": event, "at": wall_clock()}
    submit(site, [Request("alarm", {**said, "reason": "met:unmet"}, me("watch"), wall_clock())], "test")


def body(out: str) -> Any:
    return json.loads(out)


def test_a_site_without_alarms_lists_none(run: Run, site: Site) -> None:
    code, out, _ = run("alarms", "--json")
    assert (code, body(out)["alarms"], body(out)["events"]) == (Exit.DONE, [], None)
    assert body(out)["schema"] == "leafgate.alarms/1"
    assert "leafgate run" in run("alarms")[2]
    assert not site.data.exists()


def test_an_open_alarm_is_listed_in_words_and_in_json(run: Run, site: Site) -> None:
    happen(site, "raise")
    code, out, err = run("alarms")
    assert code == Exit.DONE
    assert "[!]" in out
    assert "认证要求 c1 的结论变差" in out
    assert "1" in err
    [alarm] = body(run("alarms", "--json")[1])["alarms"]
    assert (alarm["id"], alarm["state"], alarm["priority"]) == ("watch.c1", "unacknowledged", "high")
    assert (alarm["value"], alarm["unit"], alarm["asked"]) == (None, None, False)
    assert "got worse" in body(run("alarms", "--json", "--lang", "en")[1])["alarms"][0]["text"]


def test_acknowledging_names_the_person_and_a_second_time_changes_nothing(run: Run, site: Site) -> None:
    happen(site, "raise")
    code, out, err = run("alarms", "ack", "watch.c1", "--by", "值班员", "--note", "已看")
    assert (code, out) == (Exit.DONE, "")
    assert "值班员" in err
    listed = body(run("alarms", "--all", "--json")[1])
    assert listed["alarms"][0]["state"] == "acknowledged"
    assert listed["alarms"][0]["acknowledged_by"] == "值班员"
    assert [(e["event"], e["by"], e["note"]) for e in listed["events"]] == [
        ("acknowledge", "值班员", "已看"),
        ("raise", None, None),
    ]
    code, _, err = run("alarms", "ack", "watch.c1")
    assert code == Exit.DONE
    assert "watch.c1" in err
    assert len(body(run("alarms", "--all", "--json")[1])["events"]) == 2
    assert "值班员" in run("alarms", "--all")[1]


def test_the_history_is_cut_at_the_newest_events_and_says_so(run: Run, site: Site) -> None:
    for event in ("raise", "clear", "raise"):
        happen(site, event)
    code, out, err = run("alarms", "--all", "--most", "2", "--json")
    assert (code, [e["event"] for e in body(out)["events"]]) == (Exit.DONE, ["raise", "clear"])
    assert "--most" in err
    _, out, err = run("alarms", "--all", "--most", "3", "--json")
    assert (len(body(out)["events"]), "--most" in err) == (3, False)
    assert run("alarms", "--all", "--most", "0")[0] == Exit.USAGE


def test_no_more_events_are_read_than_it_takes_to_know_that_there_are_more(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def none(_: Site, start: int, end: int, most: int) -> list[object]:
        asked.append(most)
        return []

    monkeypatch.setattr("edge_agent.alarm.board.history", none)
    for words in ([], ["--all"], ["--all", "--most", "7"]):
        assert run("alarms", "--json", *words)[0] == Exit.DONE
    assert asked == [1001, 8]


def test_what_was_raised_anew_since_it_was_read_is_left_and_the_command_says_so(
    run: Run, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(site, "raise")

    def late(site: Site, requests: list[Request], command: str) -> int:
        happen(site, "clear")
        happen(site, "raise")
        return submit(site, requests, command)

    monkeypatch.setattr("edge_agent.requests.submit", late)
    code, _, err = run("alarms", "ack", "watch.c1", "--lang", "en")
    assert code == Exit.DONE
    assert "raised anew" in err
    assert body(run("alarms", "--json")[1])["alarms"][0]["state"] == "unacknowledged"


def test_an_alarm_that_never_was_is_wrong_usage_with_the_nearest_name(run: Run, site: Site) -> None:
    happen(site, "raise")
    code, _, err = run("alarms", "ack", "watch.c2")
    assert code == Exit.USAGE
    assert "watch.c1" in err
    assert run("alarms", "ack")[0] == Exit.USAGE
    assert body(run("alarms", "--json")[1])["alarms"][0]["state"] == "unacknowledged"


def test_a_returned_alarm_is_gone_once_it_is_acknowledged(run: Run, site: Site) -> None:
    happen(site, "raise")
    happen(site, "clear")
    assert body(run("alarms", "--json")[1])["alarms"][0]["state"] == "returned"
    assert run("alarms", "ack", "watch.c1")[0] == Exit.DONE
    assert body(run("alarms", "--json")[1])["alarms"] == []


def test_while_another_writer_is_there_the_wish_waits_and_is_shown_as_asked(run: Run, site: Site) -> None:
    happen(site, "raise")
    with writing(site.data, "run"):
        command = [sys.executable, "-m", "edge_agent.cli", "-C", str(site.folder), "alarms", "ack", "watch.c1"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as other:
            for _ in range(600):
                [alarm] = body(run("alarms", "--json")[1])["alarms"]
                if alarm["asked"]:
                    break
                time.sleep(0.02)
            assert (alarm["asked"], alarm["state"]) == (True, "unacknowledged")
            assert "已申请" in run("alarms")[1]
            other.kill()
    happen(site, "raise")  # the next writer finds the wish and carries it out
    [alarm] = body(run("alarms", "--json")[1])["alarms"]
    assert (alarm["asked"], alarm["state"]) == (False, "acknowledged")


def test_check_says_when_a_limit_stands_on_what_people_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filed = "manual: {gas: {quantity: gas_volume, kind: counter}}\nalarms: {manual.gas: {high: 5}}\n"
    plant(tmp_path, BARE + filed)
    assert main(["-C", str(tmp_path), "check", "--json"]) == Exit.DONE
    [warning] = body(capsys.readouterr().out)["warnings"]
    assert (warning["code"], warning["tag"]) == ("alarm_not_live", "manual.gas")
