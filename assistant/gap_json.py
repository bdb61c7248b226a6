"""The assessment as `gap --json` prints it. A part whose rules are not loaded is null, never empty."""

from __future__ import annotations

from typing import Any

from assistant.finding import Finding, State
from assistant.gap import Assessment
from assistant.indicators import Measured
from assistant.paper import last_day
from assistant.said import said
from edge_agent.reason import Reason
from edge_agent.texts import Texts
from edge_agent.when import iso
from kb.framework import Framework


def as_json(found: Assessment, texts: Texts) -> dict[str, Any]:
    """Every key of the document, in full precision."""
    framework, zone = found.framework, found.site.zone
    basis = found.score.basis or texts("gap.no_pass_mark")
    return {
        "framework": {
            "id": framework.id,
            "edition": framework.edition,
            "title": texts.title(framework.title),
            "jurisdiction": framework.jurisdiction,
            "text_status": framework.text_status,
        },
        "as_of": iso(found.at, zone),
        "period": {"from": iso(found.period.start, zone), "to": iso(found.period.end, zone)},
        "verdict": found.verdict.value,
        "gate": {"total": found.gate.total, **{s.value: n for s, n in found.gate.by_state.items()}},
        "score": {
            "now": found.score.now,
            "possible": found.score.possible,
            "of": found.score.of,
            "pass_mark": found.score.pass_mark,
            "basis": basis,
        },
        "findings": [_finding(found, f, texts) for f in found.findings],
        "materials": None,
        "targets": None,
        "calendar": None,
        "actions": [_action(f, texts) for f in by_urgency(found.findings) if f.is_open or f.todo],
        "warnings": [r.as_json(texts) for r in found.warnings],
    }


def todo_of(finding: Finding) -> list[Reason]:
    """The criterion's own advice first where something is open, then the commands."""
    advice = [said("advice", advice=finding.criterion.todo)] if finding.is_open else []
    return [*advice, *finding.todo]


def by_urgency(findings: tuple[Finding, ...]) -> list[Finding]:
    """Musts first, then what brings the most points; within these the order of the framework."""
    return sorted(findings, key=lambda f: (f.criterion.kind != "must", -f.points.at_stake))


def _finding(found: Assessment, finding: Finding, texts: Texts) -> dict[str, Any]:
    points = finding.points
    return {
        "criterion": finding.criterion.id,
        "title": texts.title(finding.criterion.title),
        "kind": finding.criterion.kind,
        "state": finding.state.value,
        "points": {"now": points.now, "possible": points.possible, "of": points.of},
        "reasons": [r.as_json(texts) for r in finding.reasons],
        "todo": [r.as_json(texts) for r in todo_of(finding)],
        "missing": [r.as_json(texts) for r in finding.missing],
        "evidence": _evidence(found, finding, texts),
        "indicator": _indicator(found, finding.measured) if finding.measured else None,
        "citations": [_citation(found.framework, finding, texts)],
        "owner": finding.owner or None,
    }


def _evidence(found: Assessment, finding: Finding, texts: Texts) -> list[dict[str, Any]]:
    items = []
    for entry, standing in finding.evidence:
        kind = found.rulebook.kinds.get(entry.said.kind)
        ends = last_day(kind, entry.said) if kind else None
        items.append(
            {
                "id": entry.id,
                "kind": entry.said.kind,
                "title": texts.title(kind.title) if kind else entry.said.kind,
                "state": standing.value,
                "valid_to": ends.isoformat() if ends else None,
                "name": entry.said.name,
                "file": entry.said.file,
                "by": entry.version.by.name,
            }
        )
    return items


def _indicator(found: Assessment, measured: Measured) -> dict[str, Any]:
    period, zone = measured.period, found.site.zone
    span = {"name": period.name, "from": iso(period.start, zone), "to": iso(period.end, zone)} if period else None
    return {
        "id": measured.id,
        "value": measured.figure.as_json(),
        "unit": measured.figure.unit,
        "period": span,
        "coverage": measured.figure.coverage,
        "formula": measured.formula,
        "factors": list(measured.figure.factors),
    }


def _citation(framework: Framework, finding: Finding, texts: Texts) -> dict[str, Any]:
    criterion = finding.criterion
    return {
        "document": f"{framework.edition} {texts.title(framework.title)}",
        "locator": criterion.clause,
        "source": criterion.source,
        "confidence": criterion.confidence,
    }


def _action(finding: Finding, texts: Texts) -> dict[str, Any]:
    points = finding.points.at_stake if finding.state is not State.MET and finding.points.of is not None else None
    return {
        "text": todo_of(finding)[0].say(texts),
        "criterion": finding.criterion.id,
        "points": points,
        "effort": finding.criterion.effort,
        "owner": finding.owner or None,
    }
