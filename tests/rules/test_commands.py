"""The commands of the rules: exit codes, what they print, and every problem of a site at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from tests.plants import BARE, plant
from tests.rules.worlds import BENCHMARKS


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Run a command on a bare site; answers exit code, stdout and stderr."""
    plant(tmp_path / "site", BARE)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(["-C", str(tmp_path / "site"), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def paper(tmp_path: Path) -> str:
    path = tmp_path / "cert.pdf"
    path.write_bytes(b"x")
    return str(path)


def body(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_gap_answers_its_verdict_as_exit_code(run: Any) -> None:
    code, out, _ = run("gap", "--json")
    assert (code, body(out)["schema"], body(out)["verdict"]) == (5, "leafgate.gap/1", "cannot_tell")
    assert run("grade", "4.2-c2", "0", "--why", "没有体系")[0] == 0
    assert run("gap", "--json")[0] == 4
    assert run("gap", "--at", "2026-13-01")[0] == 2


def test_evidence_is_filed_listed_confirmed_and_rejected(run: Any, paper: str) -> None:
    words = ("evidence", "add", paper, "--kind", "system_certificate_energy")
    assert run(*words)[0] == 2
    code, _, err = run(*words, "--valid-to", "2099-01-01", "--proposed", "--by", "张三")
    assert code == 0
    assert "leafgate evidence confirm E1" in err
    assert run("evidence", "confirm", "e1", "--by", "王五")[0] == 0
    listed = body(run("evidence", "list", "--json")[1])["evidence"]
    assert [(e["id"], e["state"], e["by"]) for e in listed] == [("E1", "valid", "王五")]
    assert "E1" in run("evidence", "list")[1]
    assert run("evidence", "reject", "E1", "--why", " ")[0] == 2
    assert run("evidence", "reject", "E1", "--why", "过期")[0] == 0
    assert run("evidence", "confirm", "E9")[0] == 2


@pytest.mark.parametrize(
    ("covers", "first", "after"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-02-28", "2026-02-28", "2026-03-01"),
        ("2023-11..2026-11", "2023-11-01", "2026-11-01"),
    ],
)
def test_what_a_document_covers_may_be_said_in_several_ways(
    run: Any, paper: str, covers: str, first: str, after: str
) -> None:
    assert run("evidence", "add", paper, "--kind", "record", "--covers", covers)[0] == 0
    assert body(run("evidence", "list", "--json")[1])["evidence"][0]["covers"] == {"from": first, "to": after}


@pytest.mark.parametrize("covers", ["2026..2026", "2027..2026", "26", "2026-13", "..", "2026-02-30", "一月"])
def test_a_span_that_is_none_is_refused(run: Any, paper: str, covers: str) -> None:
    assert run("evidence", "add", paper, "--kind", "record", "--covers", covers)[0] == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("C1-09", "0.5", "--why", "半数"), 0),
        (("c1-09", "none", "--why", "看错"), 0),
        (("C1-01", "na", "--why", "没有"), 0),
        (("C1-01", "0.5", "--why", "猜"), 2),
        (("C1-09", "1.1", "--why", "x"), 2),
        (("C1-09", "nan", "--why", "x"), 2),
        (("C1-09", "0.5", "--why", ""), 2),
        (("C1-99", "0.5", "--why", "x"), 2),
    ],
)
def test_a_grade_is_a_share_na_or_none(run: Any, words: tuple[str, ...], code: int) -> None:
    assert run("grade", *words)[0] == code


def test_an_owner_appears_in_the_findings(run: Any) -> None:
    assert run("owner", "4.2-a", "赵工")[0] == 0
    assert body(run("gap", "--json")[1])["findings"][0]["owner"] == "赵工"
    assert run("owner", "4.2-z", "赵工")[0] == 2


def test_frameworks_are_listed(run: Any) -> None:
    found = body(run("frameworks", "list", "--json")[1])["frameworks"]
    assert [(f["id"], f["applies"], f["points"]) for f in found] == [("gbt36132-2025", True, 100.0)]
    assert "GB" not in run("frameworks", "list")[2]


def test_check_finds_every_problem_at_once_and_a_right_site_has_none(run: Any, tmp_path: Path) -> None:
    assert run("check")[0] == 0
    wrong = BENCHMARKS.replace("C1-01", "C1-15").replace("base: 5, lead: 4", "base: 4, lead: 5")
    text = BARE + wrong + "pass_marks: {gbt36132-2024: {value: 60, source: x}}\nalarms: {m.x: {high: 1}}\n"
    (tmp_path / "site" / "plant.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "site" / "frameworks").mkdir()
    (tmp_path / "site" / "frameworks" / "own.yaml").write_text("id: own\nedtion: x\n", encoding="utf-8")
    code, out, _ = run("check", "--json")
    assert code == 3
    assert not body(out)["ok"]
    found = {p["code"] for p in body(out)["problems"]}
    assert found >= {"no_benchmark", "benchmark_direction", "no_framework", "no_tag", "unknown_key", "missing_key"}
    assert body(out)["warnings"] == []
    assert "gbt36132-2025.C1-05" in run("check")[1] or "gbt36132-2025.C1-01" in run("check")[1]


def test_without_a_site_every_command_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("gap",), ("check",), ("evidence", "list"), ("owner", "a", "b"), ("frameworks", "list")):
        assert main(["-C", str(tmp_path / "none"), *words]) == 3
        assert "leafgate init" in capsys.readouterr().err
