"""The account of a period as `energy --json` prints it, in full precision."""

from __future__ import annotations

from typing import Any

from edge_agent.energy.account import Account, Line
from edge_agent.energy.books import Books
from edge_agent.figure import Figure
from edge_agent.reason import merged
from edge_agent.texts import Texts
from edge_agent.when import iso


def account_json(books: Books, result: Account, intensities: list[tuple[str, Figure]], texts: Texts) -> dict[str, Any]:
    """Period, carriers, totals, renewable share, intensities, warnings."""
    zone = books.site.zone
    period = result.period
    warnings = merged(books.notes, result.warnings, *(figure.reasons for _, figure in intensities))
    return {
        "as_of": iso(books.at, zone),
        "period": {
            "name": period.name,
            "from": iso(period.start, zone),
            "to": iso(period.end, zone),
            "open": period.open,
        },
        "boundary": {"site": books.site.plant.site.id, "meters": list(books.site.plant.meters)},
        "carriers": [_line(line) for line in result.lines],
        "totals": {
            "tce": result.tce.as_json(),
            "tco2": result.tco2.as_json(),
            "electricity_kwh": result.electricity.as_json(),
            "self_use_kwh": result.self_use.as_json(),
            "known_part": {"tce": result.tce.known, "tco2": result.tco2.known},
        },
        "renewable_share": result.renewable_share.as_json(),
        "intensities": [{"name": name, "value": f.as_json(), "unit": f.unit} for name, f in intensities],
        "warnings": [reason.as_json(texts) for reason in warnings],
    }


def _line(line: Line) -> dict[str, Any]:
    factors = [f for figure in (line.tce, line.tco2) if figure for f in figure.factors]
    return {
        "carrier": line.carrier,
        "flow": line.flow,
        "value": line.value.as_json(),
        "unit": line.value.unit,
        "tce": line.tce.as_json() if line.tce else None,
        "tco2": line.tco2.as_json() if line.tco2 else None,
        "coverage": line.value.coverage,
        "estimated_share": line.value.estimated_share,
        "known_part": line.value.known,
        "factor": factors,
    }
