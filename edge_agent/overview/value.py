"""The newest readings of a site as a screen may show them: primary, judged by their age, unknown where not usable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from drivers.reading import Quality, Tag
from edge_agent.ledger import Ledger, multiplier
from edge_agent.site import Site
from edge_agent.store.reader import Reader, Sample
from edge_agent.store.trends import TrendReader
from edge_agent.time.clock import AHEAD_US


@dataclass(frozen=True, slots=True)
class Value:
    """One number; None unless it can be trusted now.

    age: microseconds since its tag was last usable, None when it never was.
    """

    value: float | None
    quality: Quality
    reason: str | None = None
    age: int | None = None


NEVER = Value(None, Quality.ABSENT, "never_read")
UNREADABLE = Value(None, Quality.ABSENT, "unreadable")  # the store could not be asked


@dataclass(frozen=True)
class Present:
    """The newest reading of every tag at a time; `usable` tells when each tag last had a value."""

    site: Site
    now: int
    tags: Mapping[str, Tag]
    samples: Mapping[str, Sample] = field(default_factory=dict)
    usable: Mapping[str, int] = field(default_factory=dict)
    ratio: Callable[[str, int], float] = lambda *_: 1.0
    lacking: Value = NEVER  # what is said of a tag of which there is nothing

    @classmethod
    def read(cls, site: Site, tags: Mapping[str, Tag], now: int, usable: dict[str, int]) -> Self:
        """Read the store; `usable` is kept by the caller from one look to the next and brought up to date here."""
        reader = Reader(site.data)
        samples = reader.last(now + AHEAD_US)
        ledger = Ledger(site, reader.ledger())
        good = {tag: s.at for tag, s in samples.items() if s.value is not None}
        usable.update(good)
        lost = [tag for tag in samples if tag not in usable]
        if lost:
            usable.update(dict.fromkeys(lost, 0) | TrendReader(site.data).last_usable(lost, now + AHEAD_US))
        return cls(site, now, tags, samples, usable, lambda tag, at: multiplier(site, ledger, tag, at))

    @property
    def as_of(self) -> int | None:
        """When the newest reading with a value came in; asking in vain brings no news."""
        return min(max((s.seen for s in self.samples.values() if s.value is not None), default=0), self.now) or None

    def value(self, tag: str) -> Value:
        """The value of a tag, primary, in its quantity's unit."""
        sample, known = self.samples.get(tag), self.tags.get(tag)
        if sample is None or known is None:
            return self.lacking
        used = self.usable.get(tag)
        age = max(self.now - used, 0) if used else None
        if sample.quality <= Quality.UNCERTAIN and self.now - sample.at > known.max_age:
            return Value(None, Quality.STALE, "too_old", age)
        if sample.value is None:
            return Value(None, sample.quality, sample.reason, age)
        return Value(sample.value * self.ratio(tag, sample.at), sample.quality, sample.reason, age)


def worst(values: Sequence[Value]) -> Value:
    """The one that can be trusted least."""
    return max(values, key=lambda v: v.quality, default=NEVER)


def summed(values: Iterable[float | None]) -> float | None:
    """The sum; unknown as soon as one part is, and for no parts."""
    parts = list(values)
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None
