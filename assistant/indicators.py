"""The indicators of GB/T 36132-2025 Annex B as a table, and how one is measured from the books.

Formula ids are the clause numbers of Annex B. A term is a figure of the account (`energy`, `carbon`,
`renewable_share`), the `output` (pieces or value), a gauge, or the total of a quantity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from configs.quantity import carriers, quantities
from edge_agent.energy.account import Account, account
from edge_agent.energy.books import Books
from edge_agent.figure import Figure, exactly, quotient, total, unknown
from edge_agent.period import Period
from edge_agent.reason import Reason, reason
from kb.framework import IndicatorUse, PeriodKind

ACCOUNT = {"energy": "tce", "carbon": "tCO2", "renewable_share": "%"}
GAUGES = ("land_area", "built_area", "floor_area")
OUTPUT = "output"
PER = {"piece": "production", "value": "output_value"}
# Units in which a benchmark may give the figures of the account, and their factor to the account's.
MASS = {"tce": {"tce": 1.0, "kgce": 1e-3, "gce": 1e-6}, "tCO2": {"tCO2": 1.0, "kgCO2": 1e-3, "gCO2": 1e-6}}
YEARS_OF_RETROFIT = 3  # Table C.1 no. 10

Per = Literal["piece", "value"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """top / bottom x scale. The first formula is per piece, the second per value.

    unit: of the result, or of its top where the bottom is the output. partial: terms that only make
    the plant look worse when some of the period is not filed; all others must be filed whole.
    """

    formulas: tuple[str, ...]
    top: tuple[str, ...]
    bottom: tuple[str, ...]
    unit: str
    scale: float = 1.0
    partial: tuple[str, ...] = ()
    years: int | None = None

    @property
    def by_output(self) -> bool:
        return OUTPUT in (*self.top, *self.bottom)


def _per_output(first: int, term: str, unit: str) -> Indicator:
    return Indicator((f"B.{first}", f"B.{first + 1}"), (term,), (OUTPUT,), unit, partial=(OUTPUT,))


TABLE: dict[str, Indicator] = {
    "energy_intensity": _per_output(1, "energy", "tce"),
    "carbon_intensity": _per_output(3, "carbon", "tCO2"),
    "renewable_share": Indicator(("B.5",), ("renewable_share",), (), "%"),
    "material_intensity": _per_output(6, "material", "t"),
    "water_intensity": _per_output(8, "water_volume", "m3"),
    "water_reuse": Indicator(("B.10",), ("water_reused",), ("water_volume", "water_reused"), "%", 100.0),
    "waste_utilisation": Indicator(
        ("B.11",), ("waste_used",), ("waste_generated", "waste_old_stock"), "%", 100.0, ("waste_used",)
    ),
    "wastewater_generated": _per_output(12, "wastewater_generated", "t"),
    "wastewater_discharged": _per_output(14, "wastewater_discharged", "t"),
    "waste_gas_generated": _per_output(16, "waste_gas_generated", "m3"),
    "waste_gas_discharged": _per_output(18, "waste_gas_discharged", "m3"),
    "pollutant_generated": _per_output(20, "pollutant_generated", "kg"),
    "pollutant_discharged": _per_output(22, "pollutant", "kg"),
    "land_productivity": Indicator(("B.24", "B.25"), (OUTPUT,), ("land_area",), "m2", partial=(OUTPUT,)),
    "building_coefficient": Indicator(("B.26",), ("built_area",), ("land_area",), "%", 100.0),
    "floor_area_ratio": Indicator(("B.27",), ("floor_area",), ("land_area",), "1"),
    "retrofit_share": Indicator(
        ("Table C.1 no. 10",),
        ("retrofit_spending",),
        ("output_value",),
        "%",
        100.0,
        ("retrofit_spending",),
        YEARS_OF_RETROFIT,
    ),
    "platform_functions": Indicator(("Table C.1 no. 4",), (), (), "1"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """An indicator's figure in one unit; period is None where it has none."""

    id: str
    figure: Figure
    formula: str
    period: Period | None = None
    notes: tuple[Reason, ...] = field(default=())  # which period, and what stands in for what


@dataclass(frozen=True, slots=True)
class Target:
    """The unit a result is wanted in: per piece or per value, and what to multiply the result by."""

    unit: str
    per: Per
    factor: float


def target(name: str, unit: str = "") -> Target | None:
    """The unit of a benchmark, by default per piece; None when it does not measure the indicator."""
    indicator = TABLE[name]
    if not indicator.by_output:
        return Target(indicator.unit, "piece", 1.0) if unit in ("", indicator.unit) else None
    above, slash, below = (unit or default_unit(name)).partition("/")
    output, other = (above, below) if OUTPUT in indicator.top else (below, above)
    held = _to_base(indicator, other)
    for per in ("piece", "value"):
        made = quantities()[PER[per]].factor(output) if output else None
        if slash and held and made:
            factor = held / made if OUTPUT in indicator.top else made / held
            return Target(unit or default_unit(name), per, factor)
    return None


def default_unit(name: str) -> str:
    """The unit of the table, per piece."""
    indicator = TABLE[name]
    if not indicator.by_output:
        return indicator.unit
    return f"piece/{indicator.unit}" if OUTPUT in indicator.top else f"{indicator.unit}/piece"


def units_of(name: str) -> list[str]:
    """Units that a benchmark of the indicator may use, for a message."""
    indicator = TABLE[name]
    if not indicator.by_output:
        return [indicator.unit]
    others = list(MASS.get(indicator.unit, {indicator.unit: 1.0}))[:2]
    tops = OUTPUT in indicator.top
    return [f"{out}/{unit}" if tops else f"{unit}/{out}" for unit in others for out in ("piece", "10kCNY")]


def _to_base(indicator: Indicator, unit: str) -> float | None:
    """The factor from `unit` to the unit of the term beside the output."""
    if indicator.unit in MASS:
        return MASS[indicator.unit].get(unit)
    term = (indicator.bottom if OUTPUT in indicator.top else indicator.top)[0]
    if term in quantities():
        return quantities()[term].factor(unit) if unit else None
    return 1.0 if unit == indicator.unit else None


class Measurer:
    """Measures indicators from the books of one assessment; accounts are made once a period."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._accounts: dict[Period, Account] = {}

    def measure(self, use: IndicatorUse, wanted: Target, functions: Sequence[str] = ()) -> Measured:
        """The indicator in the unit wanted; unknown with what is missing."""
        indicator = TABLE[use.name]
        formula = indicator.formulas[-1 if wanted.per == "value" else 0]
        if use.name == "platform_functions":
            count = exactly(float(len(functions)), "1") if functions else unknown("1")
            return Measured(use.name, count, formula)
        period, notes = self.period(use.period, indicator.years)
        top, bottom = (self._sum(terms, indicator, wanted.per, period) for terms in (indicator.top, indicator.bottom))
        if top is None:
            raise AssertionError("every row but the functions has a top")
        figure = quotient(top, bottom, wanted.unit, indicator.scale) if bottom else top
        figure = figure.times(wanted.factor, wanted.factor, wanted.unit)
        figure = self._whole_enough(figure, use)
        if notes[0].code in ("period_to_date", "period_rolling"):
            figure = self._awake(figure, indicator, use)
        if use.name == "land_productivity" and wanted.per == "piece":
            notes = (*notes, reason("capacity_by_production"))
        moments = all(term in GAUGES for term in (*indicator.top, *indicator.bottom))
        return Measured(use.name, figure, formula, None if moments else period, () if moments else notes)

    def period(self, kind: PeriodKind = "default", years: int | None = None) -> tuple[Period, tuple[Reason, ...]]:
        """The period of an indicator, and the sentence that says which and why."""
        calendar, at = self.books.calendar, self.books.at
        last = calendar.month_of(at)[0] - 1
        if years is not None:
            name = f"{last - years + 1}-{last}"
            return calendar.months(name, last - years + 1, 1, 12 * years), (reason("period_years", period=name),)
        full = calendar.full_year(last)
        if kind == "default":
            first = self.books.first_at()
            kind = "year" if first is not None and first <= full.start else "year_to_date"
        if kind == "year":
            return full, (reason("period_year", period=full.name),)
        period = calendar.closed_months(at, None if kind == "year_to_date" else 12)
        code = "period_to_date" if kind == "year_to_date" else "period_rolling"
        return period, (reason(code, period=self._days(period)),)

    def _days(self, period: Period) -> str:
        calendar = self.books.calendar
        return f"{calendar.local(period.start):%Y-%m-%d}..{calendar.local(period.end):%Y-%m-%d}"

    def _sum(self, terms: Sequence[str], indicator: Indicator, per: Per, period: Period) -> Figure | None:
        figures = [self._term(term, indicator, per, period) for term in terms]
        return total(figures, figures[0].unit) if len(figures) > 1 else figures[0] if figures else None

    def _term(self, term: str, indicator: Indicator, per: Per, period: Period) -> Figure:
        if term in ACCOUNT:
            if period not in self._accounts:
                self._accounts[period] = account(self.books, period)
            found = self._accounts[period]
            return {"energy": found.tce, "carbon": found.tco2, "renewable_share": found.renewable_share}[term]
        if term in GAUGES:
            return self.books.latest(term)
        quantity = PER[per] if term == OUTPUT else term
        if quantity not in quantities():
            return unknown(indicator.unit, reason("no_tag_for", quantity=quantity), coverage=0.0)
        return self.books.total(quantity, period, whole=term not in indicator.partial)

    def _whole_enough(self, figure: Figure, use: IndicatorUse) -> Figure:
        if not figure.is_known or figure.coverage is None or figure.coverage >= use.min_coverage:
            return figure
        percent = {"coverage": f"{figure.coverage * 100:.1f}", "least": f"{use.min_coverage * 100:.1f}"}
        return replace(figure, low=None, high=None).marked(reason("coverage_below", **percent))

    def _awake(self, figure: Figure, indicator: Indicator, use: IndicatorUse) -> Figure:
        """Over a period that goes on, a meter that is silent now makes the figure unknown."""
        silent = [r for r in self.books.silent(use.stale_after) if self._rests_on(indicator, r.fields["meter"])]
        return replace(figure, low=None, high=None).marked(*silent) if silent else figure

    def _rests_on(self, indicator: Indicator, meter: str) -> bool:
        site = self.books.site
        terms = (*indicator.top, *indicator.bottom)
        if any(term in ACCOUNT for term in terms) and carriers()[site.plant.meters[meter].carrier].energy:
            return True
        return site.tags()[site.plant.meters[meter].tag].quantity in terms
