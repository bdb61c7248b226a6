"""The account of a period: carriers to kWh, tce and tCO2, self-use, the renewable share.

Formulas: self-use = generated - exported; E = (grid import + self-use) x electricity factor + each
other carrier x its factor (GB/T 2589-2020, equivalent values); renewable share = self-use x
electricity factor / E (GB/T 36132-2025 B.5); electricity CO2 from grid import, not net of export.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from configs.quantity import carriers
from edge_agent.energy.books import Books
from edge_agent.energy.factors import notes
from edge_agent.figure import Figure, exactly, quotient, total, unknown
from edge_agent.period import Period
from edge_agent.reason import Reason, merged, reason

T_PER_KG = 0.001
SELF_USE = "self_use"


@dataclass(frozen=True, slots=True)
class Line:
    """One carrier and flow; tce and tco2 are None where the flow does not count there."""

    carrier: str
    flow: str
    value: Figure
    tce: Figure | None
    tco2: Figure | None


@dataclass(frozen=True, slots=True)
class Account:
    """What the plant used in a period; tce in t of standard coal, tco2 in t, share in percent."""

    period: Period
    lines: tuple[Line, ...]
    electricity: Figure
    self_use: Figure
    tce: Figure
    tco2: Figure
    renewable_share: Figure
    losses: tuple[Reason, ...] = ()

    @property
    def warnings(self) -> tuple[Reason, ...]:
        """Everything a reader has to know, each thing once."""
        figures = [self.tce, self.tco2, self.renewable_share, *(line.value for line in self.lines)]
        return merged(*(f.reasons for f in figures), self.losses)


def account(books: Books, period: Period) -> Account:
    """The account of a period; a part that is unknown makes what rests on it unknown.

    In a period that goes on each meter is shown up to its own last register, but what is added up
    or divided ends where the earliest of them ends: otherwise a silent grid meter would raise the
    renewable share.
    """
    shown = _account(books, period)
    if not period.open:
        return shown
    sums = _account(books, books.settled(period))
    wanted = (sums.electricity, sums.self_use, sums.tce, sums.tco2, sums.renewable_share)
    electricity, self_use, tce, tco2, share = (books.enough(figure, period) for figure in wanted)
    return Account(period, shown.lines, electricity, self_use, tce, tco2, share, shown.losses)


def _account(books: Books, period: Period) -> Account:
    flows = {flow: _flow(books, period, flow) for flow in ("grid_import", "grid_export", "pv_generation")}
    self_use = _self_use(books, flows)
    grid = flows["grid_import"] or unknown("kWh", reason("no_grid_meter"), coverage=0.0)
    lines = [_line(books, period, "electricity", "grid_import", grid, carbon=True)]
    for flow in ("pv_generation", "grid_export"):
        if value := flows[flow]:
            lines.append(Line("electricity", flow, value, None, None))
    own = _line(books, period, "electricity", SELF_USE, self_use, carbon=False)
    lines += [own] if flows["pv_generation"] else []
    lines += list(_purchases(books, period))
    tce = total([line.tce for line in lines if line.tce], "tce")
    tco2 = total([line.tco2 for line in lines if line.tco2], "tCO2")
    share = quotient(own.tce or exactly(0.0, "tce"), tce, "%", 100.0)
    electricity = total([grid, self_use], "kWh")
    return Account(period, tuple(lines), electricity, self_use, tce, tco2, share, books.losses(period))


def intensities(books: Books, period: Period, result: Account) -> list[tuple[str, Figure]]:
    """Energy and carbon per piece and per 10,000 yuan, for the amounts the site files."""
    found = []
    for quantity, per in (("production", "piece"), ("output_value", "10kCNY")):
        if not list(books.tags_of(quantity)):
            continue
        bottom = books.total(quantity, period, whole=False)
        found.append((f"energy_per_{per}", quotient(result.tce, bottom, f"kgce/{per}", 1 / T_PER_KG)))
        found.append((f"carbon_per_{per}", quotient(result.tco2, bottom, f"kgCO2/{per}", 1 / T_PER_KG)))
    return found


def _flow(books: Books, period: Period, flow: str) -> Figure | None:
    tags = [m.tag for m in books.site.plant.meters.values() if m.flow == flow]
    return total([books.used(tag, period) for tag in tags], "kWh") if tags else None


def _self_use(books: Books, flows: dict[str, Figure | None]) -> Figure:
    generated, exported = flows["pv_generation"], flows["grid_export"]
    if generated is None:
        return exactly(0.0, "kWh")  # no generator is declared
    if exported is None:
        if books.site.plant.site.exports:
            return unknown("kWh", *generated.reasons, reason("no_export_meter"), coverage=generated.coverage)
        exported = exactly(0.0, "kWh")
    difference = total([generated, exported.times(-1.0, -1.0, "kWh")], "kWh")
    if difference.exact is not None and difference.exact < 0:
        said = reason("exported_more", kwh=f"{-difference.exact:.1f}")
        return unknown("kWh", said, coverage=difference.coverage)
    return difference


def _purchases(books: Books, period: Period) -> Iterable[Line]:
    meters = [m for m in books.site.plant.meters.values() if m.flow == "purchase"]
    for carrier in dict.fromkeys(m.carrier for m in meters):
        unit = carriers()[carrier].unit
        parts = [books.used(m.tag, period) for m in meters if m.carrier == carrier]
        value = total(parts, unit)
        if carriers()[carrier].energy:
            yield _line(books, period, carrier, "purchase", value, carbon=True)
        else:
            yield Line(carrier, "purchase", value, None, None)


def _line(books: Books, period: Period, carrier: str, flow: str, value: Figure, carbon: bool) -> Line:
    tce = _converted(books, period, carrier, "tce", value)
    none = exactly(0.0, "tCO2") if value.is_known else None
    tco2 = _converted(books, period, carrier, "tco2", value) if carbon else none
    return Line(carrier, flow, value, tce, tco2)


def _converted(books: Books, period: Period, carrier: str, quantity: str, value: Figure) -> Figure:
    unit = {"tce": "tce", "tco2": "tCO2"}[quantity]
    day = books.calendar.local(books.at).date()
    factor = books.factors.choose(carrier, quantity, day)
    if factor is None:
        why = reason("no_factor", carrier=carrier, quantity=quantity)
        return unknown(unit, *value.reasons, why, coverage=value.coverage)
    converted = value.times(factor.low * T_PER_KG, factor.high * T_PER_KG, unit, factor.id)
    return converted.marked(*notes(factor, period, books.calendar))
