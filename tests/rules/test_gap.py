"""The assessment of a whole site: figures, expiry by time, --at, the JSON document and the words."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.finding import State, Verdict
from assistant.gap import assess
from assistant.gap_words import figure_text
from assistant.people import set_grade
from assistant.records import Records
from edge_agent.exit import Stop
from edge_agent.figure import exactly
from edge_agent.table import cells
from edge_agent.texts import Texts
from tests.plants import BARE, ONE_METER, PLANT_Y, PLANT_Y_FACTORS, plant, plant_y_rows
from tests.rules.worlds import (
    BENCHMARKS,
    BY,
    HOUR,
    NOW,
    PAPERS,
    RECORDED,
    file_papers,
    import_rows,
    plant_to_assess,
    states,
)

ZH, EN = Texts("zh"), Texts("en")
DAY = 24 * HOUR
PASS = BENCHMARKS + "pass_marks: {gbt36132-2025: {value: 10, source: 省级方案}}\n"


def test_an_empty_site_is_unknown_everywhere_and_says_so(tmp_path: Path) -> None:
    found = assess(plant(tmp_path, BARE), NOW)
    assert set(states(found).values()) == {"unknown"}
    assert found.verdict is Verdict.CANNOT_TELL
    assert (found.score.now, found.score.possible, found.score.of) == (0, 100, 100)
    assert all(f.missing for f in found.findings)
    assert not (tmp_path / "data").exists()


def test_plant_y_is_scored_by_its_figures(tmp_path: Path) -> None:
    found = assess(plant_to_assess(tmp_path), NOW)
    by_id = {f.criterion.id.partition(".")[2]: f for f in found.findings}
    energy, carbon, share = (by_id[i] for i in ("C1-01", "C1-02", "C1-03"))
    assert [f.measured and f.measured.figure.exact for f in (energy, carbon, share)] == [
        pytest.approx(1.240643, abs=1e-6),
        pytest.approx(4.216687, abs=1e-6),
        pytest.approx(10.731663, abs=1e-6),
    ]
    assert energy.state is State.MET
    assert carbon.points.now == pytest.approx(8 * (5 - 4.2166867), abs=1e-5)
    assert share.points.now == pytest.approx(8 * 0.5731663, abs=1e-5)
    assert [f.measured and f.measured.formula for f in (energy, carbon, share)] == ["B.1", "B.3", "B.5"]


def test_the_unit_of_a_benchmark_chooses_per_piece_or_per_value(tmp_path: Path) -> None:
    text = PLANT_Y.replace("manual:", "manual:\n  value: {quantity: output_value, kind: amount}")
    marks = BENCHMARKS.replace("unit: kgce/piece", "unit: tce/MCNY")
    site = plant(tmp_path, text + marks, PLANT_Y_FACTORS)
    values = [("manual.value", f"2026-{m:02}-01", f"2026-{m + 1:02}-01", 1000, "10kCNY") for m in range(1, 11)]
    import_rows(site, [*plant_y_rows(), *values])
    measured = assess(site, NOW).findings[7].measured
    assert measured is not None
    assert (measured.formula, measured.figure.unit) == ("B.2", "tce/MCNY")
    assert measured.figure.exact == pytest.approx(1488.772 / 100, abs=1e-4)


def test_documents_and_a_pass_mark_make_it_ready_and_time_takes_it_back(tmp_path: Path) -> None:
    site = plant_to_assess(tmp_path, more=PASS)
    file_papers(site, PAPERS)
    assert assess(site, NOW).verdict is Verdict.READY
    later = assess(site, NOW + 60 * DAY)
    assert states(later)["4.2-b2"] == "unknown"
    assert [r.code for f in later.findings for r in f.missing if f.criterion.kind == "must"] == ["evidence_expired"]
    assert later.verdict is Verdict.CANNOT_TELL


def test_at_sees_only_what_was_recorded_by_then_and_true_then(tmp_path: Path) -> None:
    site = plant_to_assess(tmp_path)
    file_papers(site, ["system_certificate_energy", "organisation"])
    before = assess(site, NOW, RECORDED - 1)
    assert {states(before)["4.2-c2"], states(before)["C1-01"]} == {"unknown"}
    now = states(assess(site, NOW))
    assert (now["4.2-c2"], now["C1-01"]) == ("met", "met")
    import_rows(site, [("manual.gas", "", "2026-11-01", 900_000.0, "")], RECORDED + 10)
    set_grade(Records(site.data), "gbt36132-2025.4.2-b1", 0.0, False, "未发文", BY, RECORDED + 10)
    then, later = assess(site, NOW, RECORDED + 5), assess(site, NOW)
    assert (states(then)["4.2-b1"], states(later)["4.2-b1"]) == ("met", "unmet")
    assert then.findings[7].measured != later.findings[7].measured


def test_the_last_full_year_counts_when_it_was_measured_from_its_start(tmp_path: Path) -> None:
    early = [("manual.grid", "", "2024-12-31", 0.0, "")]
    found = assess(plant_to_assess(tmp_path, [*early, *plant_y_rows()]), NOW)
    assert found.period.name == "2025"
    assert [r.code for r in found.findings[7].reasons if r.code.startswith("period")] == ["period_year"]
    assert states(found)["C1-01"] == "unknown"


def test_a_silent_meter_makes_a_running_year_unknown(tmp_path: Path) -> None:
    marks = 'benchmarks:\n  gbt36132-2025.C1-03: {base: 0, lead: 15, unit: "%", source: x, valid_from: 2026-01-01}\n'
    site = plant(tmp_path, ONE_METER + marks)
    tag = "Zähler.energy_import"
    rows = [(tag, "", f"2026-{m:02}-01", 1000.0 * m, "") for m in range(1, 12)]
    import_rows(site, [*rows, (tag, "", "2026-11-20 12:00", 12_000.0, "")])
    awake = {f.criterion.id: f for f in assess(site, NOW).findings}["gbt36132-2025.C1-03"]
    asleep = {f.criterion.id: f for f in assess(site, NOW + 2 * DAY).findings}["gbt36132-2025.C1-03"]
    assert awake.state is State.UNMET
    assert asleep.state is State.UNKNOWN
    assert [r.code for r in asleep.missing] == ["stale"]


def test_the_framework_follows_from_place_and_day(tmp_path: Path) -> None:
    with pytest.raises(Stop) as caught:
        assess(plant(tmp_path / "a", BARE), NOW, 1_764_000_000_000_000)
    assert caught.value.key == "gap.none_applies"
    forced = assess(plant(tmp_path / "a", BARE), NOW, 1_764_000_000_000_000, "gbt36132-2025")
    assert "framework_not_yet" in [r.code for r in forced.warnings]
    with pytest.raises(Stop) as caught:
        assess(plant(tmp_path / "a", BARE), NOW, None, "gbt36132-2026")
    assert caught.value.fields["nearest"] == "gbt36132-2025"


def test_a_province_lies_in_its_country(tmp_path: Path) -> None:
    here = BARE.replace("}", ", jurisdiction: [CN-JS]}")
    assert assess(plant(tmp_path / "a", here), NOW).framework.id == "gbt36132-2025"
    with pytest.raises(Stop):
        assess(plant(tmp_path / "b", here.replace("CN-JS", "DE")), NOW)


def test_a_newer_edition_takes_over_and_the_older_one_says_so(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE)
    text = (Path(__file__).parents[2] / "kb/frameworks/gbt36132-2025.yaml").read_text(encoding="utf-8")
    newer = text.replace("gbt36132-2025", "gbt36132-2026").replace("2025-12-31", "2026-06-01")
    (tmp_path / "frameworks").mkdir()
    supersedes = newer.replace("supersedes: [gbt36132-2018]", "supersedes: [gbt36132-2025]")
    (tmp_path / "frameworks" / "new.yaml").write_text(supersedes, encoding="utf-8")
    assert assess(site, NOW).framework.id == "gbt36132-2026"
    old = assess(site, NOW, None, "gbt36132-2025")
    assert "framework_superseded" in [r.code for r in old.warnings]


def test_the_document_has_every_key_and_parts_without_rules_are_null(tmp_path: Path) -> None:
    site = plant_to_assess(tmp_path, more=PASS)
    file_papers(site, PAPERS)
    body = assess(site, NOW).as_json(ZH)
    assert list(body) == (
        "framework as_of period verdict gate score findings materials targets calendar actions warnings".split()  # noqa: SIM905
    )
    assert [body[part] for part in ("materials", "targets", "calendar")] == [None, None, None]
    keys = {"criterion", "title", "kind", "state", "points", "reasons", "todo", "missing"}
    assert all(set(f) == keys | {"evidence", "indicator", "citations", "owner"} for f in body["findings"])
    assert set(body["gate"]) == {"total", *(s.value for s in State)}
    assert sum(f["points"]["now"] or 0 for f in body["findings"]) == pytest.approx(body["score"]["now"])
    entries = [r for f in body["findings"] for part in ("reasons", "todo", "missing") for r in f[part]]
    assert all(r["code"] and r["text"] for r in [*entries, *body["warnings"]])
    assert {a["criterion"] for a in body["actions"]} >= {"gbt36132-2025.C1-05"}


@pytest.mark.parametrize("texts", [ZH, EN])
def test_the_words_fit_a_terminal_and_begin_with_the_verdict(tmp_path: Path, texts: Texts) -> None:
    site = plant_to_assess(tmp_path)
    file_papers(site, ["system_certificate_energy", "platform_acceptance"])
    lines = assess(site, NOW).in_words(texts)
    assert lines[0] == texts("verdict.cannot_tell")
    assert max(cells(line) for line in lines) <= 80
    assert any("leafgate evidence add" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5000"), (1.00005, "1.0000"), (1.00015, "1.0002"), (0.00421669, "0.004217"), (0.0, "0.0000")],
)
def test_figures_are_rounded_half_to_even_and_only_for_display(value: float, shown: str) -> None:
    assert figure_text(exactly(value, "1")) == shown
