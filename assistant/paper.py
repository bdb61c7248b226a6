"""One document of evidence, what people said of it, and how it stands on a day of the plant.

A document typed by a person is confirmed by that person; one that a program proposed is not, until a
person confirms it. How it stands follows from the day alone, so a certificate expires by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from assistant.records import Version
from kb.framework import EvidenceKind

EXPIRING_DAYS = 60  # long enough to book a surveillance audit
# The twelve functions of an energy and carbon platform, after 工信厅节〔2025〕13号.
FUNCTIONS = (
    "query",
    "intensity",
    "analysis",
    "benchmark",
    "flow",
    "balance",
    "budget",
    "emissions",
    "footprint",
    "supply_chain",
    "verification",
    "assets",
)


class Standing(StrEnum):
    """How a document stands on one day."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    PROPOSED = "proposed"
    REJECTED = "rejected"

    @property
    def counts(self) -> bool:
        """Whether a finding may rest on it."""
        return self in (Standing.VALID, Standing.EXPIRING)


class Evidence(msgspec.Struct, frozen=True):
    """What is said of one document; days are the plant's own, `covers_to` is excluded."""

    kind: str
    file: str  # SHA-256 of the bytes, its name under evidence/
    name: str  # what the file was called
    state: Literal["proposed", "confirmed", "rejected"]
    criteria: list[str] = []
    issuer: str = ""
    issued: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    covers_from: date | None = None
    covers_to: date | None = None
    functions: list[str] = []
    note: str = ""
    owner: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the register in its newest version."""

    id: str
    said: Evidence
    version: Version


def add_months(day: date, months: int) -> date:
    """The same day so many months later or earlier, or the last day of that month."""
    total = day.year * 12 + day.month - 1 + months
    year, month = total // 12, total % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def first_day(kind: EvidenceKind, said: Evidence) -> date | None:
    """From when a document is in force."""
    covers = said.covers_from if kind.ends_with_cover else None
    return said.valid_from or covers or said.issued


def last_day(kind: EvidenceKind, said: Evidence) -> date | None:
    """The last day on which a document is in force; None while nothing ends it."""
    ends = [said.valid_to] if said.valid_to else []
    if kind.ends_with_cover and said.covers_to:
        ends.append(said.covers_to + timedelta(days=kind.grace_days - 1))
    begun = said.valid_from or said.issued
    if not ends and kind.default_months and begun:
        ends.append(add_months(begun, kind.default_months) - timedelta(days=1))
    return min(ends, default=None)


def standing(kind: EvidenceKind, said: Evidence, day: date) -> Standing:
    """How a document stands on a day of the plant."""
    if said.state != "confirmed":
        return Standing(said.state)
    first, last = first_day(kind, said), last_day(kind, said)
    if first and day < first:
        return Standing.NOT_YET
    if last and last < day:
        return Standing.EXPIRED
    if last and last - day <= timedelta(days=EXPIRING_DAYS):
        return Standing.EXPIRING
    return Standing.VALID


def functions_of(entries: Iterable[Entry]) -> list[str]:
    """The functions that these documents confirm, each once."""
    named = {f for entry in entries for f in entry.said.functions}
    return [f for f in FUNCTIONS if f in named]
