"""What people decide about criteria: who answers for one, and how a quality is graded."""

from __future__ import annotations

from assistant.records import FOREVER, Records
from assistant.rules import Grade
from edge_agent.ledger import Person

OWNERS, GRADES = "owners", "grades"


def owners_of(records: Records, at: int = FOREVER) -> dict[str, str]:
    """Criterion id to the name of its owner, as recorded by `at`."""
    return {key: str(version.body["owner"]) for key, version in records.as_of(OWNERS, at).items()}


def set_owner(records: Records, criterion: str, owner: str, by: Person, now: int) -> None:
    """Say who answers for a criterion."""
    records.put(OWNERS, criterion, {"owner": owner}, by, now)


def grades_of(records: Records, at: int = FOREVER) -> dict[str, Grade]:
    """Criterion id to what a person decided, as recorded by `at`; one taken back is left out."""
    found = {}
    for key, version in records.as_of(GRADES, at).items():
        value, na = version.body["value"], version.body["not_applicable"]
        if value is not None or na:
            found[key] = Grade(value, na, version.body["why"], version.by)
    return found


def set_grade(
    records: Records, criterion: str, value: float | None, not_applicable: bool, why: str, by: Person, now: int
) -> None:
    """Grade a criterion from 0 to 1, or say that it does not apply; neither takes a grade back."""
    records.put(GRADES, criterion, {"value": value, "not_applicable": not_applicable, "why": why}, by, now)
