"""Whether the documents that a criterion asks for are there and in force, and what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assistant.paper import Entry, Standing, add_months, last_day
from assistant.said import said
from edge_agent.reason import Reason
from kb.framework import Criterion, EvidenceKind

Papers = Sequence[tuple[Entry, Standing]]

# What a plant hears first when no document of a kind counts: the one that is nearest to counting.
_NEAREST = (Standing.PROPOSED, Standing.EXPIRED, Standing.NOT_YET, Standing.REJECTED)
_OPTIONS = {
    "issued": "--issued DATE",
    "valid_from": "--valid-from DATE",
    "valid_to": "--valid-to DATE",
    "covers": "--covers A..B",
    "functions": "--functions F,F",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """complete: every kind is there and in force. notes: what is well but not for long."""

    complete: bool
    missing: tuple[Reason, ...] = ()
    todo: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()


def proof_of(criterion: Criterion, papers: Papers, kinds: Mapping[str, EvidenceKind], day: date) -> Proof:
    """Every kind of evidence of one criterion; papers are those filed for it."""
    missing: list[Reason] = []
    todo: list[Reason] = []
    notes: list[Reason] = []
    for name in criterion.evidence:
        kind = kinds[name]
        own = [(entry, standing) for entry, standing in papers if entry.said.kind == name]
        good = [entry for entry, standing in own if standing.counts]
        lacking = _lacking(name, kind, own) if not good else _uncovered(criterion, name, kind, own, day)
        if lacking:
            missing.append(lacking)
            todo.append(_what_to_do(criterion, name, kind, lacking))
        elif all(standing is Standing.EXPIRING for _, standing in own if standing.counts):
            ends = max(filter(None, (last_day(kind, entry.said) for entry in good)), default=day)
            notes.append(said("evidence_expiring", kind=name, title=kind.title, date=ends))
            todo.append(_file(criterion, name, kind))
    return Proof(not missing, tuple(missing), tuple(todo), tuple(notes))


def against(criterion: Criterion, papers: Papers, day: date) -> tuple[list[Entry], list[Entry]]:
    """Documents inside the window that speak against the criterion: confirmed, and only proposed."""
    if criterion.window_months is None:
        return [], []
    since = add_months(day, -criterion.window_months)
    inside = [
        entry
        for entry, _ in papers
        if entry.said.kind in criterion.against and entry.said.issued and since < entry.said.issued <= day
    ]
    held = [e for e in inside if e.said.state == "confirmed"]
    return held, [e for e in inside if e.said.state == "proposed"]


def _lacking(name: str, kind: EvidenceKind, own: Papers) -> Reason:
    for standing in _NEAREST:
        entries = [entry for entry, found in own if found is standing]
        if entries:
            entry = entries[-1]
            day = last_day(kind, entry.said) if standing is Standing.EXPIRED else entry.said.valid_from
            if standing is Standing.EXPIRED:
                day = max(filter(None, (last_day(kind, e.said) for e in entries)), default=None)
            return said(
                f"evidence_{standing.value}",
                kind=name,
                title=kind.title,
                id=entry.id,
                date=day or entry.said.covers_from or entry.said.issued or "--",
                why=entry.said.why or "--",
            )
    return said("evidence_missing", kind=name, title=kind.title)


def _uncovered(criterion: Criterion, name: str, kind: EvidenceKind, own: Papers, day: date) -> Reason | None:
    """A window that several documents together must cover without a hole; older ones cover its start."""
    if criterion.window_months is None or not kind.looks_back:
        return None
    reached, needed = add_months(day, -criterion.window_months), day - timedelta(days=kind.grace_days)
    start = reached
    held = [e.said for e, standing in own if standing.counts or standing is Standing.EXPIRED]
    for first, after in sorted((s.covers_from, s.covers_to) for s in held if s.covers_from and s.covers_to):
        if first <= reached:
            reached = max(reached, after)
    if reached >= needed:
        return None
    return said("evidence_window", kind=name, title=kind.title, since=start, reached=reached)


def _what_to_do(criterion: Criterion, name: str, kind: EvidenceKind, lacking: Reason) -> Reason:
    if lacking.code == "evidence_proposed":
        return said("todo_confirm", id=lacking.fields["id"])
    return _file(criterion, name, kind)


def _file(criterion: Criterion, name: str, kind: EvidenceKind) -> Reason:
    options = " ".join(_OPTIONS[detail] for detail in kind.requires)
    return said("todo_file", kind=name, title=kind.title, options=options)
