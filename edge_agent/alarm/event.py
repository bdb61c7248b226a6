"""One event of an alarm as it is recorded: it was raised, it cleared, or somebody acknowledged it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge_agent.ledger import Person


class Event(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    CLEAR = "clear"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One event; times in microseconds UTC, values primary in the tag's unit."""

    alarm: str  # the alarm's id
    kind: str
    tag: str
    at: int  # when it happened, by the readings that show it
    event: Event
    priority: str
    value: float | None = None
    limit: float | None = None
    reason: str | None = None  # a code
    by: Person | None = None  # who acknowledged
    note: str = ""
    recorded: int = 0  # when it was written
