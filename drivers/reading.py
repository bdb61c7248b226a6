"""The words of the plant: a tag, one reading of it, and how far the reading can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Quality(IntEnum):
    """How far a value can be trusted; the number is what the store keeps, a larger one is worse."""

    GOOD = 0
    UNCERTAIN = 1
    STALE = 2  # true once, too old now
    BAD = 3  # asked and not answered, or answered with a value that cannot be
    ABSENT = 4  # the device says it has no such value

    @property
    def code(self) -> str:
        """The name used in JSON and in the catalogue."""
        return self.name.lower()


class Kind(StrEnum):
    """What a value means over time."""

    GAUGE = "gauge"  # true at a moment
    COUNTER = "counter"  # a register that only grows
    STATE = "state"  # a code, true until the next one
    AMOUNT = "amount"  # filed by people for a period


@dataclass(frozen=True, slots=True)
class Tag:
    """A named value of the plant: `device.item`."""

    name: str
    quantity: str
    kind: Kind
    max_age: int  # microseconds after which a screen shows the value as stale


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one tag at one moment; value is None unless it can be trusted."""

    tag: str
    value: float | None
    quality: Quality
    reason: str | None  # a code, why the quality is not good
    at: int  # microseconds UTC, when the device says it was true
    seen: int  # microseconds UTC, when we got it
