"""Conversion factors by edition: to standard coal (tce) and to carbon (tCO2), each with its document.

A period uses the newest factor published by the assessment's time; the site's own value with its
document ranks first. Where only a range is known the result is an interval.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from configs import FOLDER
from configs.load import Loaded, load_folders
from configs.problem import Problem, nearest
from configs.quantity import carriers
from edge_agent.period import Calendar, Period
from edge_agent.reason import Reason, reason

Confidence = Literal["seen_primary", "seen_secondary", "derived", "recalled", "unknown"]
UNSURE = ("recalled", "unknown")
MASS = {"tce": "kgce", "tco2": "kgCO2"}


class Factor(msgspec.Struct, frozen=True):
    """One published value, or the two ends of a range, per unit of its carrier."""

    id: str
    carrier: str
    quantity: Literal["tce", "tco2"]
    value: float | list[float]
    unit: str
    published: date
    document: str
    source: str
    confidence: Confidence
    data_year: int | None = None
    region: str = "CN"
    note: str = ""

    @property
    def low(self) -> float:
        return self.value if isinstance(self.value, float) else self.value[0]

    @property
    def high(self) -> float:
        return self.value if isinstance(self.value, float) else self.value[-1]


class FactorFile(msgspec.Struct, frozen=True):
    """A file of factors."""

    factors: list[Factor]


@dataclass(frozen=True)
class Factors:
    """The shipped factors and the site's own."""

    shipped: tuple[Factor, ...]
    own: tuple[Factor, ...]

    def choose(self, carrier: str, quantity: str, on: date) -> Factor | None:
        """The site's own newest value, else the newest of the country, published by a day."""
        for group in (self.own, self.shipped):
            fitting = [f for f in group if (f.carrier, f.quantity) == (carrier, quantity) and f.published <= on]
            if group is self.shipped:
                fitting = [f for f in fitting if f.region == "CN"]
            if fitting:
                return max(fitting, key=lambda f: (f.published, f.data_year or 0))
        return None


def notes(factor: Factor, period: Period, calendar: Calendar) -> tuple[Reason, ...]:
    """What a reader of a result has to know about the factor it rests on."""
    found = []
    if factor.confidence in UNSURE:
        found.append(reason("factor_recalled", factor=factor.id, document=factor.document))
    years = {calendar.month_of(period.start)[0], calendar.month_of(period.end - 1)[0]}
    if factor.data_year is not None and years != {factor.data_year}:
        found.append(reason("factor_other_year", factor=factor.id, year=factor.data_year, period=period.name))
    if factor.low != factor.high:
        said = {"low": f"{factor.low:g}", "high": f"{factor.high:g}", "unit": factor.unit}
        found.append(reason("factor_range", factor=factor.id, **said))
    return tuple(found)


def load_factors(folder: Path) -> Factors:
    """The shipped factors and those of the site folder; raises ConfigError with every problem."""
    shipped = load_folders([FOLDER / "factors"], FactorFile, faults)
    own = load_folders([folder / "factors"], FactorFile, faults)
    return Factors(_flat(shipped.values()), _flat(own.values()))


def faults(loaded: Loaded[FactorFile]) -> list[Problem]:
    """Carriers and units that do not exist, and ranges that are none."""
    found = []
    for index, factor in enumerate(loaded.value.factors):
        where = ("factors", str(index))
        carrier = carriers().get(factor.carrier)
        if carrier is None:
            hint = nearest(factor.carrier, carriers())
            found.append(loaded.problem("no_carrier", *where, "carrier", value=factor.carrier, nearest=hint))
        elif factor.unit != (unit := f"{MASS[factor.quantity]}/{carrier.unit}"):
            found.append(loaded.problem("factor_unit", *where, "unit", value=factor.unit, allowed=unit))
        if not 0 <= factor.low <= factor.high or (isinstance(factor.value, list) and len(factor.value) != 2):
            found.append(loaded.problem("factor_value", *where, "value", value=str(factor.value)))
    return found


def _flat(files: Iterable[Loaded[FactorFile]]) -> tuple[Factor, ...]:
    return tuple(factor for loaded in files for factor in loaded.value.factors)
