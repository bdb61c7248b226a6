"""Small worlds for the rules: a year of plant Y, documents, criteria and figures by name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

from assistant.evidence import Register
from assistant.gap import Assessment
from assistant.indicators import Measured
from assistant.paper import Entry, Evidence, standing
from assistant.records import Version
from assistant.rules import Basis, Grade
from assistant.scale import Scale
from edge_agent.figure import Figure
from edge_agent.ledger import Person
from edge_agent.site import Site
from kb.framework import Criterion, load_rulebook
from tests.plants import PLANT_Y, PLANT_Y_FACTORS, Row, plant, plant_y_rows, take_in

RULEBOOK = load_rulebook()
FRAMEWORK = RULEBOOK.frameworks["gbt36132-2025"]
TODAY = date(2026, 11, 21)
NOW = 1_795_219_200_000_000  # 2026-11-21 08:00 in Shanghai
HOUR = 3600 * 1_000_000
RECORDED = NOW - HOUR  # when the worlds' data and documents were filed
BY = Person("李工", "li")

BENCHMARKS = """
benchmarks:
  gbt36132-2025.C1-01: {base: 1.6, lead: 1.3, unit: kgce/piece, source: test, valid_from: 2026-01-01}
  gbt36132-2025.C1-02: {base: 5, lead: 4, unit: kgCO2/piece, source: test, valid_from: 2026-01-01}
  gbt36132-2025.C1-03: {base: 5, lead: 15, unit: "%", source: test, valid_from: 2026-01-01}
"""
PAPERS: dict[str, dict[str, Any]] = {
    "clean_record": {"covers": (date(2023, 11, 1), date(2026, 11, 1))},
    "organisation": {"issued": date(2026, 1, 5)},
    "plan": {"covers": (date(2026, 1, 1), date(2031, 1, 1))},
    "target_sheet": {"covers": (date(2026, 1, 1), date(2027, 1, 1))},
    "system_certificate_quality": {"valid_to": date(2028, 3, 1)},
    "system_certificate_energy": {"valid_to": date(2028, 3, 1)},
    "system_certificate_environment": {"valid_to": date(2028, 3, 1)},
    "system_certificate_safety": {"valid_to": date(2028, 3, 1)},
    "platform_acceptance": {"issued": date(2026, 5, 1), "functions": ["query", "intensity", "flow", "emissions"]},
    "design_report": {"issued": date(2026, 5, 1)},
}


def criterion(short: str) -> Criterion:
    found = FRAMEWORK.criterion(short)
    assert found is not None, short
    return found


def entry(kind: str, number: int = 1, **fields: Any) -> Entry:
    """A confirmed document unless `state` says otherwise."""
    said = Evidence(kind=kind, file=f"{number:064x}", name=f"{kind}.pdf", **{"state": "confirmed", **fields})
    return Entry(f"E{number}", said, Version(f"E{number}", number, NOW, BY, None, {}))


def basis(*entries: Entry, day: date = TODAY, grade: float | Grade | None = None, **fields: Any) -> Basis:
    papers = tuple((e, standing(RULEBOOK.kinds[e.said.kind], e.said, day)) for e in entries)
    given = Grade(grade, False, "看过", BY) if isinstance(grade, float) else grade
    return Basis(day, RULEBOOK.kinds, papers, **{"grade": given, **fields})


def measured(low: float | None, high: float | None = None, unit: str = "%") -> Measured:
    return Measured("renewable_share", Figure(low, low if high is None else high, unit), "B.5")


SHARE = Scale(5.0, 15.0, "%", "test")


def import_rows(site: Site, rows: list[Row], recorded: int = RECORDED) -> None:
    """File rows as if it were `recorded` now."""
    with patch("tests.plants.wall_clock", lambda: recorded), patch("edge_agent.requests.wall_clock", lambda: recorded):
        take_in(site, rows)


def plant_to_assess(folder: Path, rows: list[Row] | None = None, more: str = BENCHMARKS) -> Site:
    """Plant Y with its ten months of 2026 and benchmarks."""
    site = plant(folder, PLANT_Y + more, PLANT_Y_FACTORS)
    import_rows(site, plant_y_rows() if rows is None else rows)
    return site


def file_papers(site: Site, names: Iterable[str], now: int = RECORDED) -> Register:
    """File the documents of these kinds, each with the dates of PAPERS."""
    register = Register(site)
    for name in names:
        path = site.folder / f"{name}.pdf"
        path.write_text(name, encoding="utf-8")
        register.add(path, name, by="李工", now=now, **PAPERS[name])
    return register


def states(found: Assessment) -> dict[str, str]:
    """The state of every criterion by its short id."""
    return {f.criterion.id.partition(".")[2]: f.state.value for f in found.findings}
