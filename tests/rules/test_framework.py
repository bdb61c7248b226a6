"""Frameworks are data: every shipped file loads, and a broken one says where and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.indicators import TABLE
from configs.problem import ConfigError, Problem
from kb.framework import FOLDER, load_rulebook
from tests.rules.worlds import FRAMEWORK, RULEBOOK

SHIPPED = (FOLDER / "gbt36132-2025.yaml").read_text(encoding="utf-8")


def problems_of(tmp_path: Path, text: str) -> list[Problem]:
    (tmp_path / "frameworks").mkdir()
    (tmp_path / "frameworks" / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_rulebook(tmp_path, TABLE)
    return list(caught.value.problems)


def test_every_shipped_framework_is_right_and_its_indicators_exist() -> None:
    rulebook = load_rulebook(None, TABLE)
    ids = [c.id for c in rulebook.criteria()]
    assert len(ids) == len(set(ids))
    assert all(c.source and c.confidence for c in rulebook.criteria())


def test_the_2025_edition_has_its_musts_and_a_hundred_points() -> None:
    kinds = [c.kind for c in FRAMEWORK.criteria]
    assert (kinds.count("must"), kinds.count("scored")) == (7, 16)
    assert sum(c.points or 0 for c in FRAMEWORK.criteria) == 100
    assert [c.id.partition(".")[2] for c in FRAMEWORK.criteria if c.kind == "scored" and c.points is None] == [
        "4.3.5-coef",
        "4.3.5-far",
    ]
    measured = sum(c.points or 0 for c in FRAMEWORK.criteria if c.is_measured)
    assert measured == 78


def test_only_the_platform_states_its_own_base_and_lead() -> None:
    stated = {c.id: c.scoring for c in FRAMEWORK.criteria if c.scoring and c.scoring.lead is not None}
    assert set(stated) == {"gbt36132-2025.C1-04"}
    assert FRAMEWORK.pass_mark is None


@pytest.mark.parametrize(
    ("wrong", "right", "code", "nearest"),
    [
        ("evidence: [clean_recrd]", "evidence: [clean_record]", "no_kind", "clean_record"),
        ("{name: energy_intensty}", "{name: energy_intensity}", "no_indicator", "energy_intensity"),
        ("id: gbt36132-2024.4.2-a", "id: gbt36132-2025.4.2-a", "criterion_id", "gbt36132-2025.2-a"),
        ("evidence: [violation]", "evidence: [organisation]", "no_kind", ""),
        ("    clase: 4.2 a)", "    clause: 4.2 a)", "unknown_key", "clause"),
    ],
)
def test_a_broken_framework_names_file_line_and_the_nearest_name(
    tmp_path: Path, wrong: str, right: str, code: str, nearest: str
) -> None:
    line = SHIPPED[: SHIPPED.index(right)].count("\n") + 1
    found = [p for p in problems_of(tmp_path, SHIPPED.replace(right, wrong, 1)) if p.code == code]
    assert [(p.file, p.line) for p in found] == [("frameworks/own.yaml", line)]
    if nearest and code != "criterion_id":
        assert found[0].fields["nearest"] == nearest


def test_a_site_overrides_a_framework_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "frameworks").mkdir()
    text = SHIPPED.replace("pass_mark: null", "pass_mark: 60")
    (tmp_path / "frameworks" / "ours.yaml").write_text(text, encoding="utf-8")
    rulebook = load_rulebook(tmp_path, TABLE)
    assert list(rulebook.frameworks) == list(RULEBOOK.frameworks)
    assert rulebook.frameworks["gbt36132-2025"].pass_mark == 60


def test_a_kind_of_the_site_adds_to_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "frameworks").mkdir()
    own = "drill_record: {title: {zh: 演练记录, en: Drill}, requires: [issued], default_months: 12}\n"
    (tmp_path / "frameworks" / "evidence_kinds.yaml").write_text(own, encoding="utf-8")
    assert load_rulebook(tmp_path).kinds.keys() == {*RULEBOOK.kinds, "drill_record"}
