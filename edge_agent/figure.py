"""A computed number with its bounds, unit, coverage and reasons; or an interval; or why there is none.

Sums and quotients keep the rule of the house: what rests on an unknown part is unknown, and the
part that is known stays visible beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edge_agent.reason import Reason, merged


@dataclass(frozen=True, slots=True)
class Figure:
    """`low` and `high` hold the true value between them; both None when it is unknown.

    best: the number to show where the bounds differ only because a register was interpolated; None
    where a range is all that is known. What decides anything looks at the bounds.
    """

    low: float | None
    high: float | None
    unit: str
    coverage: float | None = 1.0  # share of the period that was measured or filed, 0..1
    estimated_share: float = 0.0  # share of the value that rests on interpolated registers
    known: float | None = None  # the part that is known when the whole is not
    reasons: tuple[Reason, ...] = ()
    factors: tuple[str, ...] = ()
    best: float | None = None

    @property
    def is_known(self) -> bool:
        return self.low is not None

    @property
    def exact(self) -> float | None:
        """The number when it is one number."""
        if self.low is None:
            return None
        return self.low if self.low == self.high else self.best

    def as_json(self) -> float | list[float | None] | None:
        """A number, two ends of an interval, or null."""
        return self.exact if self.low is None or self.exact is not None else [self.low, self.high]

    def times(self, low: float, high: float, unit: str, factor: str = "") -> Figure:
        """Multiplied by a factor, itself perhaps a range; a negative value turns the ends round."""
        factors = (*self.factors, factor) if factor and factor not in self.factors else self.factors
        known = None if self.known is None else self.known * low
        if self.low is None or self.high is None:
            return replace(self, unit=unit, known=known, factors=factors)
        ends = [self.low * low, self.low * high, self.high * low, self.high * high]
        best = None if self.exact is None or low != high else self.exact * low
        return replace(self, low=min(ends), high=max(ends), unit=unit, known=known, factors=factors, best=best)

    def marked(self, *reasons: Reason) -> Figure:
        """The same with more said about it."""
        return replace(self, reasons=merged(self.reasons, reasons))


def exactly(value: float, unit: str) -> Figure:
    """A number that is certain."""
    return Figure(value, value, unit)


def unknown(unit: str, *reasons: Reason, known: float | None = None, coverage: float | None = None) -> Figure:
    """No number, and why."""
    return Figure(None, None, unit, coverage, 0.0, known, reasons)


def total(parts: Iterable[Figure], unit: str) -> Figure:
    """The sum; unknown as soon as one part is, with the known part beside it."""
    figures = list(parts)
    reasons = merged(*(f.reasons for f in figures))
    factors = tuple(dict.fromkeys(f for figure in figures for f in figure.factors))
    coverage = min((f.coverage for f in figures if f.coverage is not None), default=None)
    known = sum(f.low if f.low is not None else (f.known or 0.0) for f in figures)
    if any(not f.is_known for f in figures) or not figures:
        return Figure(None, None, unit, coverage, 0.0, known if figures else None, reasons, factors)
    low, high = sum(f.low or 0.0 for f in figures), sum(f.high or 0.0 for f in figures)
    numbers = [f.exact for f in figures if f.exact is not None]
    best = sum(numbers) if len(numbers) == len(figures) else None
    weights = [abs(f.low or 0.0) for f in figures]
    estimated = sum(w * f.estimated_share for w, f in zip(weights, figures, strict=True)) / (sum(weights) or 1.0)
    return Figure(low, high, unit, coverage, estimated, None, reasons, factors, best)


def quotient(top: Figure, bottom: Figure, unit: str, scale: float = 1.0) -> Figure:
    """top / bottom * scale; unknown when either is, or when the bottom is or may be zero."""
    reasons = merged(top.reasons, bottom.reasons)
    factors = tuple(dict.fromkeys((*top.factors, *bottom.factors)))
    coverages = [c for c in (top.coverage, bottom.coverage) if c is not None]
    coverage = min(coverages, default=None)
    if top.low is None or top.high is None or bottom.low is None or bottom.high is None:
        return Figure(None, None, unit, coverage, 0.0, None, reasons, factors)
    if bottom.low <= 0.0 <= bottom.high:
        return Figure(None, None, unit, coverage, 0.0, None, merged(reasons, (Reason("divisor_zero"),)), factors)
    ends = [t / b * scale for t in (top.low, top.high) for b in (bottom.low, bottom.high)]
    estimated = max(top.estimated_share, bottom.estimated_share)
    best = None if top.exact is None or bottom.exact is None else top.exact / bottom.exact * scale
    return Figure(min(ends), max(ends), unit, coverage, estimated, None, reasons, factors, best)
