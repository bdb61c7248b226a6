"""Each rule for one criterion: missing is unknown, against is unmet, a grade never replaces evidence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from assistant.finding import Finding, State
from assistant.indicators import Measured
from assistant.rules import Grade, decide
from assistant.scale import Scale, scale_faults, share_of
from edge_agent.figure import Figure, unknown
from edge_agent.reason import reason
from tests.rules.worlds import BY, SHARE, basis, criterion, entry, measured

MET, PARTLY, UNMET, UNKNOWN = State.MET, State.PARTLY, State.UNMET, State.UNKNOWN
CERTIFICATE = "system_certificate_energy"


def codes(finding: Finding) -> list[str]:
    return [r.code for r in finding.reasons]


@pytest.mark.parametrize(
    ("fields", "state", "code"),
    [
        ({"valid_to": date(2028, 1, 1)}, MET, None),
        ({"valid_to": date(2026, 12, 1)}, MET, "evidence_expiring"),
        ({"valid_to": date(2026, 11, 21)}, MET, "evidence_expiring"),
        ({"valid_to": date(2026, 11, 20)}, UNKNOWN, "evidence_expired"),
        ({"valid_from": date(2026, 12, 1), "valid_to": date(2029, 12, 1)}, UNKNOWN, "evidence_not_yet"),
        ({"valid_to": date(2028, 1, 1), "state": "proposed"}, UNKNOWN, "evidence_proposed"),
        ({"valid_to": date(2028, 1, 1), "state": "rejected", "why": "章不对"}, UNKNOWN, "evidence_rejected"),
    ],
)
def test_a_certificate_on_a_day(fields: dict[str, Any], state: State, code: str | None) -> None:
    finding = decide(criterion("4.2-c2"), basis(entry(CERTIFICATE, **fields)))
    assert finding.state is state
    assert codes(finding) == ([code] if code else [])
    assert bool(finding.missing) == (state is UNKNOWN)


def test_without_a_document_a_must_is_unknown_and_says_what_is_missing_and_how_to_file_it() -> None:
    finding = decide(criterion("4.2-c2"), basis())
    assert finding.state is UNKNOWN
    assert [(r.code, r.fields["kind"]) for r in finding.missing] == [("evidence_missing", CERTIFICATE)]
    assert finding.todo[0].code == "todo_file"


def test_a_plan_without_the_targets_of_the_year_is_not_enough() -> None:
    plan = entry("plan", covers_from=date(2026, 1, 1), covers_to=date(2031, 1, 1))
    old = entry("target_sheet", 2, covers_from=date(2025, 1, 1), covers_to=date(2026, 1, 1))
    new = entry("target_sheet", 3, covers_from=date(2026, 1, 1), covers_to=date(2027, 1, 1))
    assert decide(criterion("4.2-b2"), basis(plan)).state is UNKNOWN
    assert codes(decide(criterion("4.2-b2"), basis(plan, old))) == ["evidence_expired"]
    assert decide(criterion("4.2-b2"), basis(plan, old, new)).state is MET


@pytest.mark.parametrize(
    ("spans", "state", "code"),
    [
        ([("2023-11-01", "2026-11-01")], MET, None),
        ([("2023-11-22", "2026-11-01")], UNKNOWN, "evidence_window"),
        ([("2023-11-01", "2025-01-01"), ("2025-01-01", "2026-11-01")], MET, None),
        ([("2023-11-01", "2025-01-01"), ("2025-01-02", "2026-11-01")], UNKNOWN, "evidence_window"),
        ([("2023-01-01", "2026-08-21")], UNKNOWN, "evidence_expired"),
        ([("2023-01-01", "2026-08-22")], MET, "evidence_expiring"),
    ],
)
def test_a_clean_record_has_to_cover_three_years(spans: list[tuple[str, str]], state: State, code: str | None) -> None:
    days = [(date.fromisoformat(a), date.fromisoformat(b)) for a, b in spans]
    papers = [entry("clean_record", i, covers_from=a, covers_to=b) for i, (a, b) in enumerate(days)]
    finding = decide(criterion("4.2-a"), basis(*papers))
    assert finding.state is state
    assert (code in codes(finding)) if code else True


@pytest.mark.parametrize(
    ("day", "filed", "state"),
    [
        ("2026-11-21", "confirmed", UNMET),
        ("2023-11-22", "confirmed", UNMET),
        ("2023-11-21", "confirmed", MET),
        ("2026-05-01", "proposed", UNKNOWN),
        ("2026-05-01", "rejected", MET),
    ],
)
def test_a_violation_speaks_against_for_three_years(day: str, filed: str, state: State) -> None:
    clean = entry("clean_record", 1, covers_from=date(2023, 1, 1), covers_to=date(2026, 11, 1))
    bad = entry("violation", 2, issued=date.fromisoformat(day), state=filed)
    assert decide(criterion("4.2-a"), basis(clean, bad)).state is state


@pytest.mark.parametrize(
    ("grade", "with_paper", "without"),
    [(None, MET, UNKNOWN), (1.0, MET, UNKNOWN), (0.5, PARTLY, PARTLY), (0.0, UNMET, UNMET)],
)
def test_a_grade_alone_never_makes_a_must_met(grade: float | None, with_paper: State, without: State) -> None:
    paper = entry(CERTIFICATE, valid_to=date(2028, 1, 1))
    assert decide(criterion("4.2-c2"), basis(paper, grade=grade)).state is with_paper
    assert decide(criterion("4.2-c2"), basis(grade=grade)).state is without


@pytest.mark.parametrize(
    ("grade", "with_paper", "without"),
    [(None, (UNKNOWN, 0), UNKNOWN), (1.0, (MET, 8), UNKNOWN), (0.5, (PARTLY, 4), UNKNOWN), (0.0, (UNMET, 0), UNMET)],
)
def test_a_quality_is_graded_by_a_person_over_its_evidence(
    grade: float | None, with_paper: tuple[State, float], without: State
) -> None:
    finding = decide(criterion("C1-12"), basis(entry("design_report", issued=date(2026, 5, 1)), grade=grade))
    assert (finding.state, finding.points.now) == with_paper
    assert decide(criterion("C1-12"), basis(grade=grade)).state is without


@pytest.mark.parametrize("short", ["4.2-c2", "C1-03", "C1-12", "4.3.5-far"])
def test_only_a_person_says_that_something_does_not_apply(short: str) -> None:
    figure = measured(10.0) if criterion(short).is_measured else None
    given = Grade(None, True, "没有该工序", BY)
    assert decide(criterion(short), basis(measured=figure)).state is not State.NOT_APPLICABLE
    finding = decide(criterion(short), basis(grade=given, measured=figure))
    assert finding.state is State.NOT_APPLICABLE
    assert codes(finding) == ["not_applicable"]
    assert finding.points.of is None


@pytest.mark.parametrize(
    ("value", "state", "points"),
    [(4.0, UNMET, 0.0), (5.0, UNMET, 0.0), (10.0, PARTLY, 4.0), (15.0, MET, 8.0), (99.0, MET, 8.0)],
)
def test_a_quantity_is_scored_linearly_between_base_and_lead(value: float, state: State, points: float) -> None:
    finding = decide(criterion("C1-03"), basis(measured=measured(value), scale=SHARE))
    assert (finding.state, finding.points.now, finding.points.possible) == (state, points, points)


@pytest.mark.parametrize(("value", "share"), [(0.42, 0.0), (0.36, 0.5), (0.30, 1.0), (0.50, 0.0), (0.1, 1.0)])
def test_an_inverse_scale_gives_more_for_less(value: float, share: float) -> None:
    assert share_of(value, Scale(0.42, 0.30, "tce/10kCNY", "test")) == pytest.approx(share)


@pytest.mark.parametrize(
    ("low", "high", "state", "now", "possible"),
    [
        (14.0, 16.0, UNKNOWN, 0.0, 8.0),
        (4.0, 6.0, UNKNOWN, 0.0, 8.0),
        (1.0, 5.0, UNMET, 0.0, 0.0),
        (15.0, 20.0, MET, 8.0, 8.0),
        (7.5, 10.0, PARTLY, 2.0, 4.0),
    ],
)
def test_an_interval_decides_only_when_its_ends_agree(
    low: float, high: float, state: State, now: float, possible: float
) -> None:
    finding = decide(criterion("C1-03"), basis(measured=measured(low, high), scale=SHARE))
    assert (finding.state, finding.points.now, finding.points.possible) == (state, now, possible)
    assert ("interval_undecided" in codes(finding)) == (state is UNKNOWN)


def test_without_base_and_lead_nothing_is_guessed() -> None:
    finding = decide(criterion("C1-03"), basis(measured=measured(99.0)))
    assert finding.state is UNKNOWN
    assert codes(finding) == ["values_not_loaded"]
    assert finding.todo[-1].code == "todo_benchmark"


def test_an_unknown_figure_carries_its_reasons_into_the_finding() -> None:
    why = reason("amount_missing", tag="manual.pieces", coverage="90.0", holes="2026-04-01..2026-05-01")
    figure = Measured("renewable_share", unknown("%", why, reason("rolled_over", tag="x", at="y")), "B.5")
    finding = decide(criterion("C1-03"), basis(measured=figure, scale=SHARE))
    assert finding.state is UNKNOWN
    assert [r.code for r in finding.missing] == ["amount_missing"]
    assert finding.todo[0].code == "todo_import"


def test_a_recalled_factor_or_scale_never_decides_silently() -> None:
    note = reason("factor_recalled", factor="x", document="y")
    figure = Measured("renewable_share", Figure(10.0, 10.0, "%", reasons=(note,)), "B.5")
    finding = decide(criterion("C1-03"), basis(measured=figure, scale=Scale(5, 15, "%", "memory", "recalled")))
    assert finding.state is PARTLY
    assert codes(finding) == ["factor_recalled", "scale_recalled"]


def test_points_null_shows_a_state_and_counts_nowhere() -> None:
    finding = decide(criterion("4.3.5-far"), basis(measured=measured(10.0), scale=SHARE))
    assert finding.state is PARTLY
    assert (finding.points.now, finding.points.of) == (None, None)


@pytest.mark.parametrize(
    ("short", "base", "lead", "unit", "codes_"),
    [
        ("C1-01", 0.42, 0.30, "tce/10kCNY", set()),
        ("C1-01", 0.42, 0.30, "kgce/piece", set()),
        ("C1-01", 0.30, 0.42, "tce/10kCNY", {"benchmark_direction"}),
        ("C1-01", 0.42, 0.42, "tce/10kCNY", {"benchmark_direction"}),
        ("C1-01", 0.42, 0.30, "tCO2/10kCNY", {"benchmark_unit"}),
        ("C1-01", 0.42, 0.30, "tce", {"benchmark_unit"}),
        ("C1-03", 5, 15, "kWh", {"benchmark_unit"}),
        ("C1-14", 0.1, 0.5, "10kCNY/m2", set()),
        ("C1-14", 0.1, 0.5, "piece/m2", set()),
        ("C1-14", 0.1, 0.5, "m2/piece", {"benchmark_unit"}),
        ("C1-11", 0.5, 0.1, "kg/10kCNY", set()),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_found(
    short: str, base: float, lead: float, unit: str, codes_: set[str]
) -> None:
    assert set(scale_faults(criterion(short), base, lead, unit)) == codes_
