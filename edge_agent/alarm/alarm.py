"""The words of an alarm: its priority, its state after ISA-18.2, and one alarm as others see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AlarmState(StrEnum):
    """Where an alarm stands; the states of ISA-18.2 that this version has."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"  # it holds and nobody has said that they saw it
    ACKNOWLEDGED = "acknowledged"  # it holds and somebody saw it
    RETURNED = "returned"  # it is over and nobody has said that they saw it


PRIORITIES = ("urgent", "high", "medium", "low")  # highest first
MARKS = {"urgent": "[!!]", "high": "[!]", "medium": "[~]", "low": "[i]"}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm that is not normal. Times are microseconds UTC, values primary in the tag's unit."""

    id: str  # m1.power.high, m2.link, m2.energy_import.fell, watch.gbt36132-2025.C1-04
    kind: str  # high, low, link, fell, watch
    tag: str  # the tag or the device, or the criterion for watch
    priority: str
    state: AlarmState
    raised: int
    cleared: int | None
    value: float | None  # when it was raised; None for kinds without a value
    limit: float | None
    reason: str | None  # a code where there is one, such as no_reply for a link
    acknowledged_by: str | None
    acknowledged_at: int | None
