"""One criterion and what is known about it, to one finding. Pure: no clock, no file, no network.

Missing data or evidence is unknown with what is missing, never unmet. Evidence against and a person's
judgement can say unmet; a grade alone never makes anything met without its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from assistant.finding import Finding, Points, State
from assistant.indicators import Measured
from assistant.paper import Entry, Standing, add_months
from assistant.proof import Proof, against, proof_of
from assistant.said import said
from assistant.scale import Scale, share_of
from configs.quantity import quantities
from edge_agent.ledger import Person
from edge_agent.reason import Reason, merged
from kb.framework import UNSURE, Criterion, EvidenceKind

# Reasons of a figure that tell how to read it; all others tell why there is none.
READING_NOTES = ("factor_recalled", "factor_other_year", "factor_range", "rolled_over")


@dataclass(frozen=True, slots=True)
class Grade:
    """What a person decided: a share of the points, or that the criterion does not apply."""

    value: float | None
    not_applicable: bool
    why: str
    by: Person


@dataclass(frozen=True)
class Basis:
    """All that is known about one criterion on one day."""

    day: date
    kinds: Mapping[str, EvidenceKind]
    papers: tuple[tuple[Entry, Standing], ...] = ()
    grade: Grade | None = None
    scale: Scale | None = None
    faults: tuple[Reason, ...] = ()  # why a scale that is there cannot be used
    measured: Measured | None = None
    owner: str = ""


def decide(criterion: Criterion, basis: Basis) -> Finding:
    """The finding of one criterion."""
    grade = basis.grade
    if grade and grade.not_applicable:
        why = said("not_applicable", by=grade.by.name, why=grade.why)
        return Finding(criterion, State.NOT_APPLICABLE, reasons=(why,), evidence=basis.papers, owner=basis.owner)
    if criterion.kind == "must":
        return _must(criterion, basis)
    return _measured(criterion, basis) if criterion.is_measured else _graded(criterion, basis)


def state_of(share: float) -> State:
    """The state of a scored criterion follows its points."""
    return State.MET if share >= 1.0 else State.UNMET if share <= 0.0 else State.PARTLY


def _must(criterion: Criterion, basis: Basis) -> Finding:
    proof = proof_of(criterion, basis.papers, basis.kinds, basis.day)
    held, proposed = against(criterion, basis.papers, basis.day)
    if held:
        return _finding(criterion, basis, State.UNMET, proof, tuple(_speaks(criterion, basis, e) for e in held))
    grade = basis.grade.value if basis.grade else None
    if grade is not None and grade < 1.0:
        state = State.UNMET if grade <= 0.0 else State.PARTLY
        return _finding(criterion, basis, state, proof, (_said_by(basis.grade),))
    if proposed:
        asked = tuple(said("against_proposed", id=e.id, title=basis.kinds[e.said.kind].title) for e in proposed)
        commands = tuple(said("todo_confirm", id=e.id) for e in proposed)
        return _finding(criterion, basis, State.UNKNOWN, proof, asked, commands)
    return _finding(criterion, basis, State.MET if proof.complete else State.UNKNOWN, proof)


def _graded(criterion: Criterion, basis: Basis) -> Finding:
    proof = proof_of(criterion, basis.papers, basis.kinds, basis.day)
    grade = basis.grade.value if basis.grade else None
    if grade is None:
        ask = (said("todo_grade", criterion=criterion.id),)
        return _finding(criterion, basis, State.UNKNOWN, proof, (said("not_graded"),), ask, (said("not_graded"),))
    if grade > 0.0 and not proof.complete:
        return _finding(criterion, basis, State.UNKNOWN, proof, (_said_by(basis.grade),))
    return _finding(criterion, basis, state_of(grade), proof, (_said_by(basis.grade),), shares=(grade, grade))


def _measured(criterion: Criterion, basis: Basis) -> Finding:
    proof = proof_of(criterion, basis.papers, basis.kinds, basis.day)
    measured, scale = basis.measured, basis.scale
    assert measured is not None
    figure = measured.figure
    reasons = merged(measured.notes, figure.reasons, basis.faults, _unsure_scale(scale), _proposed(basis, proof))
    lacking = tuple(r for r in figure.reasons if r.code not in READING_NOTES) if not figure.is_known else ()
    commands = tuple(c for r in lacking if (c := _mend(r)))
    if scale is None and not basis.faults:
        absent = said("values_not_loaded")
        reasons, lacking = merged(reasons, (absent,)), merged(lacking, (absent,))
        commands += (said("todo_benchmark", criterion=criterion.id),)
    lacking = merged(lacking, basis.faults)
    if lacking or not proof.complete or scale is None or figure.low is None or figure.high is None:
        return _finding(criterion, basis, State.UNKNOWN, proof, reasons, merged(commands), lacking)
    shares = sorted((share_of(figure.low, scale), share_of(figure.high, scale)))
    if state_of(shares[0]) is not state_of(shares[1]):
        ends = said("interval_undecided", low=f"{figure.low:.6g}", high=f"{figure.high:.6g}", unit=figure.unit)
        return _finding(criterion, basis, State.UNKNOWN, proof, merged(reasons, (ends,)), (), (ends,))
    return _finding(criterion, basis, state_of(shares[0]), proof, reasons, shares=(shares[0], shares[1]))


def _finding(
    criterion: Criterion,
    basis: Basis,
    state: State,
    proof: Proof,
    reasons: tuple[Reason, ...] = (),
    commands: tuple[Reason, ...] = (),
    missing: tuple[Reason, ...] = (),
    shares: tuple[float, float] | None = None,
) -> Finding:
    unsure = (said("criterion_recalled", source=criterion.source),) if criterion.confidence in UNSURE else ()
    return Finding(
        criterion,
        state,
        _points(criterion, state, shares),
        merged(reasons, proof.missing, proof.notes, unsure),
        merged(proof.todo, commands),
        merged(proof.missing, missing),
        basis.papers,
        basis.measured,
        basis.owner,
    )


def _points(criterion: Criterion, state: State, shares: tuple[float, float] | None) -> Points:
    """An interval counts its worse end as now and its better end as possible."""
    of = criterion.points
    if of is None:
        return Points()
    if state in (State.UNKNOWN, State.BLOCKED):
        return Points(0.0, of, of)
    low, high = shares or (0.0, 0.0)
    return Points(low * of, high * of, of)


def _speaks(criterion: Criterion, basis: Basis, entry: Entry) -> Reason:
    issued = entry.said.issued
    assert issued is not None
    assert criterion.window_months is not None
    until = add_months(issued, criterion.window_months)
    return said("evidence_against", id=entry.id, title=basis.kinds[entry.said.kind].title, date=issued, until=until)


def _said_by(grade: Grade | None) -> Reason:
    assert grade is not None
    return said("graded", by=grade.by.name, value=f"{grade.value:g}", why=grade.why)


def _proposed(basis: Basis, proof: Proof) -> tuple[Reason, ...]:
    """What could still be added once a person confirms it."""
    waiting = [entry for entry, standing in basis.papers if standing is Standing.PROPOSED]
    return tuple(said("also_proposed", id=entry.id) for entry in waiting) if proof.complete else ()


def _unsure_scale(scale: Scale | None) -> tuple[Reason, ...]:
    return (said("scale_recalled", source=scale.source),) if scale and scale.confidence in UNSURE else ()


def _mend(why: Reason) -> Reason | None:
    """The command, or the line of plant.yaml, that makes a missing figure known."""
    if why.code == "no_tag_for":
        name = why.fields["quantity"]
        title = quantities()[name].title if name in quantities() else name
        return said("todo_tag", quantity=name, title=title)
    if why.code == "amount_missing":
        return said("todo_import", tag=why.fields["tag"])
    if why.code in ("no_reading", "no_register_at_start", "no_register_at_end", "low_coverage"):
        return said("todo_register", tag=why.fields["tag"])
    if why.code in ("stale", "never_read"):
        return said("todo_meter", meter=why.fields["meter"])
    return None
