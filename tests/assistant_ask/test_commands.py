"""kb and ask from the command line: documents in, documents out, batches, bad files."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.site import PLANT_FILE
from tests.conftest import ROOT, missing
from tests.kb.corpora import RULE
from tests.plants import BARE


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A bare site with one rule beside it, not yet in its corpus."""
    (tmp_path / "site").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "site" / PLANT_FILE).write_text(BARE, encoding="utf-8")
    (tmp_path / "rules" / "rule.txt").write_text(RULE, encoding="utf-8")
    return tmp_path / "site"


def documents(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_folder_is_added_listed_and_searched(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(site.parent / "rules")
    assert main(["-C", str(site), "kb", "add", folder, "--json"]) == Exit.DONE
    assert documents(capsys)[0]["files"] == [{"file": "rule.txt", "state": "new"}]
    assert main(["-C", str(site), "kb", "add", folder, "--json"]) == Exit.DONE
    assert documents(capsys)[0]["files"] == [{"file": "rule.txt", "state": "unchanged"}]
    assert main(["-C", str(site), "kb", "list", "--json"]) == Exit.DONE
    assert [d["document"] for d in documents(capsys)[0]["documents"]] == ["某市绿色工厂管理办法"]
    assert main(["-C", str(site), "kb", "search", "可再生能源利用率", "-k", "2", "--json", "--explain"]) == Exit.DONE
    (found,) = documents(capsys)
    assert found["schema"] == "leafgate.kb.search/1"
    first = found["results"][0]
    assert set(first) >= {"rank", "document", "file", "locator", "heading", "text", "score", "explain"}
    assert "15%" in first["text"]
    assert len(found["results"]) <= 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_speaks_to_people(language: str, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["kb", "list"],
        ["kb", "search", "绿色"],
        ["kb", "add", str(site.parent / "rules")],
        ["kb", "list"],
        ["kb", "search", "可再生能源利用率", "--explain"],
        ["ask", "申报材料每年什么时候提交？"],
        ["ask", "食堂菜单"],
    ):
        assert main(["-C", str(site), "--lang", language, *arguments]) == Exit.DONE
    assert "9 月 20 日" in capsys.readouterr().out


def test_a_bad_file_is_named_and_the_others_go_on(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = site.parent / "rules"
    (rules / "bad.txt").write_bytes(b"\xff\x00\xff")
    (rules / "head.md").write_text("---\nvalid_to: soon\n---\ntext\n", encoding="utf-8")
    (rules / "picture.png").write_bytes(b"png")
    assert main(["-C", str(site), "kb", "add", str(rules), str(rules / "none.txt")]) == Exit.USAGE
    said = capsys.readouterr()
    assert "rule.txt" in said.out
    assert {line.split(":")[0] for line in said.err.splitlines()} == {"bad.txt", "head.md", "none.txt"}
    assert main(["-C", str(site), "kb", "list", "--json"]) == Exit.DONE
    assert [d["file"] for d in documents(capsys)[0]["documents"]] == ["rule.txt"]


@pytest.mark.parametrize(("command", "key"), [(["kb", "search"], "query"), (["ask"], "question")])
def test_a_batch_answers_in_order_and_goes_on_after_a_bad_line(
    command: list[str], key: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-C", str(site), "kb", "add", str(site.parent / "rules")])
    lines = [
        json.dumps({"id": "a", key: "可再生能源利用率不低于多少？"}, ensure_ascii=False),
        "{not json",
        json.dumps({"id": 7}),
        "",
        json.dumps([1, 2]),
        json.dumps({"id": "z", key: "食堂菜单", "conversation": "c1"}),
    ]
    (site / "batch.jsonl").write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    assert main(["-C", str(site), *command, "--batch", str(site / "batch.jsonl")]) == Exit.DONE
    found = documents(capsys)
    assert [d["id"] for d in found] == ["a", None, 7, None, "z"]
    assert ["error" in d for d in found] == [False, True, True, True, False]
    assert found[1]["line"] == 2
    assert found[4]["conversation"] == "c1"
    assert "15%" in json.dumps(found[0], ensure_ascii=False)


def test_ask_says_what_design_promises(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-C", str(site), "kb", "add", str(site.parent / "rules")])
    capsys.readouterr()
    assert main(["-C", str(site), "ask", "申报材料每年什么时候提交？", "--json"]) == Exit.DONE
    (found,) = documents(capsys)
    assert found["schema"] == "leafgate.ask/1"
    assert (found["engine"], found["refused"], found["facts"]) == ("rules", False, [])
    assert set(found["citations"][0]) >= {"n", "document", "file", "locator", "quote"}
    assert found["elapsed_ms"] >= 0


@pytest.mark.parametrize("arguments", [["kb", "search"], ["ask"], ["ask", "a", "--batch", "b"], ["kb", "add"]])
def test_a_question_or_a_batch_is_needed(arguments: list[str], site: Path) -> None:
    assert main(["-C", str(site), *arguments]) == Exit.USAGE


@pytest.mark.parametrize("arguments", [["kb", "list"], ["kb", "search", "x"], ["kb", "add", "."], ["ask", "x"]])
def test_a_folder_without_plant_yaml_is_left_alone(arguments: list[str], tmp_path: Path) -> None:
    assert main(["-C", str(tmp_path), *arguments]) == Exit.SITE
    assert os.listdir(tmp_path) == []


def test_a_damaged_or_newer_index_is_one_sentence(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "data").mkdir()
    database = site / "data" / "kb.db"
    database.write_bytes(b"no database" * 100)
    assert main(["-C", str(site), "kb", "search", "x"]) == Exit.SITE
    database.unlink()
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA user_version = 99")
    for arguments in (["kb", "search", "x"], ["ask", "绿色工厂"], ["kb", "add", str(site.parent / "rules")]):
        assert main(["-C", str(site), *arguments]) == Exit.SITE
    assert all("kb.db" in line for line in capsys.readouterr().err.splitlines())


def test_a_site_that_cannot_be_written_is_searched_and_refuses_to_add(site: Path) -> None:
    main(["-C", str(site), "kb", "add", str(site.parent / "rules")])
    paths = [site, *site.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        found = unprivileged("-C", str(site), "ask", "申报材料每年什么时候提交？", "--json")
        assert json.loads(found.stdout)["citations"], found.stderr
        (site.parent / "rules" / "new.txt").write_text("新的文件。", encoding="utf-8")
        refused = unprivileged("-C", str(site), "kb", "add", str(site.parent / "rules"))
        assert refused.returncode == Exit.SITE
        assert refused.stderr.count("\n") == 1
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def unprivileged(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run leafgate so that file modes bind, which they do not for root."""
    command = [sys.executable, "-m", "edge_agent.cli", *arguments]
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            missing("peers", "setpriv is not installed")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all", *command]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
