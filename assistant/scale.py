"""Base and lead value of a scored criterion: stated by the standard, or loaded by the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from assistant.indicators import TABLE, target, units_of
from edge_agent.site import Benchmark
from kb.framework import Confidence, Criterion

HAIR = 1e-9  # of the scale; a value that equals base or lead does so whatever its unit


@dataclass(frozen=True, slots=True)
class Scale:
    """Base and lead value in one unit, and where they come from."""

    base: float
    lead: float
    unit: str
    source: str
    confidence: Confidence = "seen_primary"


def share_of(value: float, scale: Scale) -> float:
    """The share of full points: 0 at base or worse, 1 at lead or better, linear between."""
    share = (value - scale.base) / (scale.lead - scale.base)
    return 0.0 if share < HAIR else 1.0 if share > 1.0 - HAIR else share


def scale_of(criterion: Criterion, benchmarks: Mapping[str, Benchmark], day: date) -> Scale | None:
    """The standard's own values, else those of the site that are valid on the day; else None."""
    scoring = criterion.scoring
    if scoring and scoring.base is not None and scoring.lead is not None:
        return Scale(scoring.base, scoring.lead, scoring.unit, criterion.source, scoring.confidence)
    loaded = benchmarks.get(criterion.id)
    if loaded is None or loaded.valid_from > day:
        return None
    return Scale(loaded.base, loaded.lead, loaded.unit, loaded.source)


def scale_faults(criterion: Criterion, base: float, lead: float, unit: str) -> dict[str, dict[str, str]]:
    """Why base and lead cannot be used: code to the fields of its sentence."""
    found = {}
    if criterion.scoring and criterion.indicator:
        upward = criterion.scoring.direction == "forward"
        if (lead <= base) if upward else (lead >= base):
            found["benchmark_direction"] = {"criterion": criterion.id, "base": f"{base:g}", "lead": f"{lead:g}"}
        name = criterion.indicator.name
        if name in TABLE and target(name, unit) is None:
            found["benchmark_unit"] = {"criterion": criterion.id, "value": unit, "allowed": ", ".join(units_of(name))}
    return found
