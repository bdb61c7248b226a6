"""The register: what a document must carry, what becomes of it, and how it stands by the day alone."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assistant.evidence import Register
from assistant.paper import Standing, add_months, last_day, standing
from edge_agent.exit import Stop
from edge_agent.site import Site
from kb.framework import EvidenceKind
from tests.plants import BARE, plant
from tests.rules.worlds import BY, NOW, RECORDED, RULEBOOK, entry

DAY = date(2028, 3, 1)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return plant(tmp_path / "site", BARE)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "证书.pdf"
    path.write_bytes(b"certificate")
    return path


def test_a_file_is_kept_under_its_hash_and_only_its_group_may_read_it(site: Site, paper: Path) -> None:
    filed = Register(site).add(paper, "system_certificate_energy", valid_to=DAY, now=NOW)
    kept = site.folder / "evidence" / filed.entry.said.file
    assert kept.read_bytes() == b"certificate"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert [p.name for p in (site.folder / "evidence").iterdir()] == [filed.entry.said.file]
    assert filed.entry.said.criteria == ["gbt36132-2025.4.2-c2"]
    assert (filed.entry.id, filed.entry.said.state, filed.new) == ("E1", "confirmed", True)


def test_the_same_file_twice_is_one_document_and_a_correction_is_a_new_version(site: Site, paper: Path) -> None:
    register = Register(site)
    first = register.add(paper, "system_certificate_energy", valid_to=DAY, by="张", now=RECORDED)
    again = register.add(paper, "system_certificate_energy", valid_to=DAY, by="李", now=NOW)
    assert (again.new, again.entry.id, again.entry.version.by.name) == (False, "E1", "张")
    later = register.add(paper, "system_certificate_energy", valid_to=date(2029, 3, 1), by="李", now=NOW)
    assert (later.new, later.entry.id, later.entry.version.supersedes) == (True, "E1", first.entry.version.number)
    assert [e.said.valid_to for e in register.entries(RECORDED)] == [DAY]
    other = register.add(paper, "photo", issued=date(2026, 1, 1), now=NOW)
    assert other.entry.id == "E2"


def test_a_proposal_never_touches_what_a_person_decided(site: Site, paper: Path) -> None:
    register = Register(site)
    proposed = register.add(paper, "system_certificate_energy", valid_to=DAY, proposed=True, now=NOW)
    assert register.standing(proposed.entry, DAY) is Standing.PROPOSED
    register.decide(proposed.entry, "rejected", BY, NOW + 1, "章不对")
    again = register.add(paper, "system_certificate_energy", valid_to=DAY, proposed=True, now=NOW + 2)
    assert (again.new, again.entry.said.state, again.entry.said.why) == (False, "rejected", "章不对")
    register.decide(register.find("e1"), "confirmed", BY, NOW + 3)
    assert register.standing(register.find("E1"), DAY) is Standing.EXPIRING
    assert [v.body["state"] for v in register.records.history("evidence")] == ["proposed", "rejected", "confirmed"]


@pytest.mark.parametrize(
    ("kind", "fields", "key", "field"),
    [
        ("system_certificate_energy", {}, "evidence.needs", "--valid-to"),
        ("platform_acceptance", {}, "evidence.needs", "--issued, --functions"),
        ("clean_record", {}, "evidence.needs", "--covers"),
        ("system_certificate_enrgy", {}, "evidence.no_kind", "system_certificate_energy"),
        ("metered", {}, "evidence.no_kind", "record"),
        ("clean_record", {"covers": (date(2023, 1, 1), date(2027, 1, 1))}, "evidence.covers_ahead", "2026-12-31"),
        ("photo", {"issued": date(2027, 1, 1)}, "evidence.issued_ahead", "2027-01-01"),
        ("award", {"issued": date(2026, 1, 2), "valid_to": date(2026, 1, 1)}, "evidence.ends_first", "2026-01-01"),
        ("photo", {"issued": date(2026, 1, 1), "criteria": ["C1-99"]}, "evidence.no_criterion", "C1-99"),
        (
            "platform_acceptance",
            {"issued": date(2026, 1, 1), "functions": ["qery"]},
            "evidence.no_function",
            "query",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    site: Site, paper: Path, kind: str, fields: dict[str, Any], key: str, field: str
) -> None:
    with pytest.raises(Stop) as caught:
        Register(site).add(paper, kind, now=NOW, **fields)
    assert caught.value.key == key
    assert field in " ".join(str(v) for v in caught.value.fields.values()) or kind == "metered"
    assert Register(site).entries() == []


def test_a_kind_that_several_criteria_ask_for_needs_the_criterion(tmp_path: Path, paper: Path) -> None:
    site = plant(tmp_path / "site", BARE)
    text = (Path(__file__).parents[2] / "kb/frameworks/gbt36132-2025.yaml").read_text(encoding="utf-8")
    (site.folder / "frameworks").mkdir()
    doubled = text.replace("evidence: [design_report]", "evidence: [footprint_report]")
    (site.folder / "frameworks" / "own.yaml").write_text(doubled, encoding="utf-8")
    with pytest.raises(Stop) as caught:
        Register(site).add(paper, "footprint_report", issued=date(2026, 1, 1), now=NOW)
    assert caught.value.fields["allowed"] == "gbt36132-2025.C1-12, gbt36132-2025.C1-13"
    filed = Register(site).add(paper, "footprint_report", issued=date(2026, 1, 1), criteria=["c1-13"], now=NOW)
    assert filed.entry.said.criteria == ["gbt36132-2025.C1-13"]


def test_an_unreadable_file_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    for path in (tmp_path / "none.pdf", tmp_path):
        with pytest.raises(Stop):
            Register(site).add(path, "photo", issued=date(2026, 1, 1), now=NOW)
    assert list((site.folder / "evidence").iterdir()) == []


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [("2024-01-31", 1, "2024-02-29"), ("2026-03-31", -1, "2026-02-28"), ("2026-11-21", -36, "2023-11-21")],
)
def test_months_keep_the_day_or_end_with_the_month(start: str, months: int, end: str) -> None:
    assert add_months(date.fromisoformat(start), months) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("2025-12-31", Standing.NOT_YET),
        ("2026-01-01", Standing.VALID),
        ("2026-10-31", Standing.VALID),
        ("2026-11-01", Standing.EXPIRING),
        ("2026-12-31", Standing.EXPIRING),
        ("2027-01-01", Standing.EXPIRED),
    ],
)
def test_a_sheet_of_targets_lasts_as_long_as_its_year(day: str, state: Standing) -> None:
    said = entry("target_sheet", covers_from=date(2026, 1, 1), covers_to=date(2027, 1, 1)).said
    assert standing(RULEBOOK.kinds["target_sheet"], said, date.fromisoformat(day)) is state


def test_a_default_validity_counts_only_where_the_document_states_no_end() -> None:
    kind = EvidenceKind(title=RULEBOOK.kinds["photo"].title, default_months=12)
    assert last_day(kind, entry("photo", issued=date(2026, 1, 1)).said) == date(2026, 12, 31)
    assert last_day(kind, entry("photo", issued=date(2026, 1, 1), valid_to=DAY).said) == DAY
    assert last_day(RULEBOOK.kinds["photo"], entry("photo", issued=date(2026, 1, 1)).said) is None
