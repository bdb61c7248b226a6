"""Every command that tells facts works on nothing, on an empty site, and on a read-only one."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.cli import TABLE, main
from edge_agent.exit import Exit
from edge_agent.manual import reference
from edge_agent.site import PLANT_FILE
from tests.conftest import ROOT, missing
from tests.plants import BARE, ONE_METER, plant, plant_y

FACTS = [
    ["status"],
    ["alarms"],
    ["energy"],
    ["meter", "list"],
    ["gap"],
    ["ask", "绿色工厂认证我们还缺什么？"],
    ["kb", "list"],
    ["kb", "search", "可再生能源利用率"],
    ["evidence", "list"],
    ["frameworks", "list"],
    ["check"],
    ["doctor"],
]
VERDICTS = {Exit.DONE, Exit.NOT_READY, Exit.CANNOT_TELL}
named = pytest.mark.parametrize("command", FACTS, ids=lambda c: " ".join(c[:2]))


@named
def test_an_empty_folder_is_said_with_the_command_that_helps(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", str(tmp_path), *command]) == Exit.SITE
    said = capsys.readouterr()
    assert "leafgate init" in said.out + said.err
    assert os.listdir(tmp_path) == []


@named
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_site_without_database_is_answered_in_words_and_in_json(
    command: list[str], language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, BARE)
    assert main(["-C", str(tmp_path), "--lang", language, *command]) in VERDICTS
    capsys.readouterr()
    assert main([*command, "--json", "-C", str(tmp_path), "--lang", language]) in VERDICTS
    out = capsys.readouterr().out
    document = json.loads(out)
    assert out.count("\n") == 1
    assert document["schema"].startswith(f"leafgate.{command[0]}")
    assert not (tmp_path / "data" / "plant.db").exists()


@named
def test_a_wrong_site_file_names_every_fault_and_leaves_with_3(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / PLANT_FILE).write_text("site: {id: a b, title: A, timezone: Asia/Shangai}\nmeter: {}\n")
    assert main(["-C", str(tmp_path), *command]) == Exit.SITE
    said = capsys.readouterr()
    assert "plant.yaml:2" in said.out + said.err
    assert "meters" in said.out + said.err


@named
def test_a_newer_database_is_refused_with_a_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = plant_y(tmp_path)
    with closing(sqlite3.connect(site.data / "plant.db")) as db:
        db.execute("PRAGMA user_version = 999")
    code = main(["-C", str(tmp_path), *command])
    assert "Traceback" not in capsys.readouterr().err
    assert code in VERDICTS | {Exit.SITE, Exit.UNHEALTHY}


def without_privileges(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run leafgate so that file modes bind, which they do not for root."""
    command = [sys.executable, "-m", "edge_agent.cli", *arguments]
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            missing("peers", "setpriv is not installed")
        bounds = ["--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
        command = ["setpriv", *bounds, *command]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)


@named
def test_a_read_only_database_is_read(command: list[str], tmp_path: Path) -> None:
    site = plant_y(tmp_path)
    paths = [tmp_path, *tmp_path.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        done = without_privileges(["-C", str(tmp_path), *command, "--json"])
        assert json.loads(done.stdout)["schema"].startswith(f"leafgate.{command[0]}"), done.stderr
        assert done.returncode in VERDICTS | ({Exit.UNHEALTHY} if command == ["doctor"] else set()), done.stderr
        refused = without_privileges(["-C", str(tmp_path), "import", str(site.folder / "rows.csv")])
        assert refused.returncode not in (Exit.DONE, Exit.FAULT), refused.stderr
        assert refused.stderr.count("\n") == 1
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_second_site_elsewhere_works_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, ONE_METER)
    assert main(["-C", str(tmp_path), "check"]) == Exit.DONE
    assert main(["-C", str(tmp_path), "status", "--json"]) == Exit.DONE
    out = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert out["as_of"].endswith(("+01:00", "+02:00"))
    assert {tag["name"] for tag in out["tags"]} >= {"Zähler.energy_import", "Zähler.power"}
    assert all(tag["value"] is None for tag in out["tags"])


def test_init_writes_a_site_that_checks_and_refuses_to_overwrite_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "我的 工厂"
    assert main(["init", str(folder), "--timezone", "Asia/Urumqi"]) == Exit.DONE
    assert len(capsys.readouterr().out.strip().splitlines()) == 3
    assert main(["-C", str(folder), "check"]) == Exit.DONE
    assert main(["init", str(folder)]) == Exit.USAGE
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_command_reference_is_current() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), "run: make docs"


def test_every_command_of_the_table_exists_and_has_a_help_line_in_both_languages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, entry in TABLE.items():
        assert entry.zh
        assert entry.en
        for language in ("zh", "en"):
            assert main([name, "--lang", language, "--help"]) == Exit.DONE
            said = capsys.readouterr().out
            assert not any(line.strip().startswith(("option.", f"{name}.")) for line in said.splitlines()), said


def test_wrong_usage_leaves_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, BARE)
    for arguments in (
        ["nosuch"],
        ["energy", "--period", "gestern"],
        ["export", "--tag", "m9.x"],
        ["status", "--nosuch"],
        ["status", "m9"],
    ):
        assert main(["-C", str(tmp_path), *arguments]) == Exit.USAGE
        assert "Traceback" not in capsys.readouterr().err


def test_check_names_faults_of_form_and_of_sense_at_once_and_none_that_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """site: {id: a, title: A, timezone: Asia/Shangai}
buses: {l1: {serial: /dev/null, baud: fast}}
devices:
  m1: {bus: l1, profile: dlt645-2007-3p, address: 000000000161}
  m2: {bus: l1, profile: dlt645-2007-3ph, address: 000000000162, pol: 3s}
  m3: {bus: l1, profile: dlt645-2007-3ph, address: 000000000162}
meters:
  g: {tag: m2.energy_imprt, carrier: electricity, flow: grid_import}
  h: {tag: m1.energy_import, carrier: electricity, level: 2, parent: g}
pass_marks: {gbt36132-2018: {value: 60, source: ""}}
"""
    (tmp_path / PLANT_FILE).write_text(text)
    assert main(["-C", str(tmp_path), "check", "--json"]) == Exit.SITE
    found = [(p["line"], p["code"]) for p in json.loads(capsys.readouterr().out)["problems"]]
    assert found == [
        (1, "no_zone"),
        (2, "not_whole"),
        (4, "no_profile"),
        (5, "unknown_key"),
        (6, "same_place"),
        (8, "no_tag"),
        (10, "no_source"),
        (10, "no_framework"),
    ]


def test_status_can_be_narrowed_to_devices_and_to_what_cannot_be_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, TWO_METERS)
    assert main(["-C", str(tmp_path), "status", "m2", "--json"]) == Exit.DONE
    body = json.loads(capsys.readouterr().out)
    assert {t["name"].partition(".")[0] for t in body["tags"]} == {"m2"}
    assert [link["name"] for link in body["links"]] == ["m2"]
    assert main(["-C", str(tmp_path), "status", "--bad", "--json"]) == Exit.DONE
    assert all(t["quality"] != "good" for t in json.loads(capsys.readouterr().out)["tags"])


TWO_METERS = """site: {id: a, title: A, timezone: Asia/Shanghai}
buses: {l1: {serial: /dev/null}}
devices:
  m1: {bus: l1, profile: dlt645-2007-1ph, address: 000000000161}
  m2: {bus: l1, profile: dlt645-2007-1ph, address: 000000000162}
"""
