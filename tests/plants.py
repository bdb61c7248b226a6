"""Small plants by name, written as an engineer would write them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from edge_agent.intake import COLUMNS, read_csv
from edge_agent.ledger import Person
from edge_agent.requests import submit, wall_clock
from edge_agent.site import PLANT_FILE, Site, open_site

BARE = "site: {id: bare, title: Bare, timezone: Asia/Shanghai}\n"

ONE_METER = """
site: {id: eine-halle, title: {zh: 一号车间, en: Hall One}, timezone: Europe/Berlin, language: en}
devices:
  Zähler: {host: 127.0.0.1, port: 15020, profile: eastron-sdm630}
meters:
  netz: {tag: Zähler.energy_import, carrier: electricity, flow: grid_import}
"""

PLANT_Y = """
site: {id: plant-y, title: Plant Y, timezone: Asia/Shanghai, language: zh}
meters:
  grid:   {tag: manual.grid, carrier: electricity, flow: grid_import}
  pv:     {tag: manual.pv, carrier: electricity, flow: pv_generation}
  export: {tag: manual.export, carrier: electricity, flow: grid_export}
  gas:    {tag: manual.gas, carrier: natural_gas, flow: purchase}
manual:
  grid:   {quantity: energy_import, kind: counter, stale_after: 24h}
  pv:     {quantity: energy_import, kind: counter, stale_after: 24h}
  export: {quantity: energy_export, kind: counter, stale_after: 24h}
  gas:    {quantity: gas_volume, kind: counter, stale_after: 24h}
  pieces: {quantity: production, kind: amount}
"""

PLANT_Y_FACTORS = """
factors:
  - {id: own.electricity, carrier: electricity, quantity: tce, value: 0.1229, unit: kgce/kWh,
     published: 2025-01-01, document: own, source: test, confidence: seen_primary}
  - {id: own.gas, carrier: natural_gas, quantity: tce, value: 1.2143, unit: kgce/m3,
     published: 2025-01-01, document: supplier, source: test, confidence: seen_primary}
  - {id: own.grid, carrier: electricity, quantity: tco2, value: 0.5306, unit: kgCO2/kWh,
     published: 2025-01-01, document: own, source: test, confidence: seen_primary}
  - {id: own.gas_co2, carrier: natural_gas, quantity: tco2, value: 2.162, unit: kgCO2/m3,
     published: 2025-01-01, document: supplier, source: test, confidence: seen_primary}
"""

# Ten months: grid 8,640 MWh, PV 1,440 MWh of which 140 exported, gas 220,000 m3, 1,200,000 pieces.
TEN_MONTHS = {"manual.grid": 864_000.0, "manual.pv": 144_000.0, "manual.export": 14_000.0, "manual.gas": 22_000.0}
PIECES_A_MONTH = 120_000.0

Row = tuple[str, str, str, object, str]


def plant(folder: Path, text: str, factors: str = "") -> Site:
    """A site folder with this plant.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLANT_FILE).write_text(text, encoding="utf-8")
    if factors:
        (folder / "factors").mkdir(exist_ok=True)
        (folder / "factors" / "own.yaml").write_text(factors, encoding="utf-8")
    return open_site(folder)


def take_in(site: Site, rows: Iterable[Row]) -> int:
    """Import rows of (tag, from, to, value, unit); answers how many were new."""
    path = site.folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([*row, ""] for row in rows)
    intake = read_csv(path, site, wall_clock())
    assert not intake.problems, intake.problems
    return submit(site, intake.requests(Person("tester", "tester"), wall_clock()), "test")


def plant_y_rows() -> list[Row]:
    """The registers at the bounds of the ten months of 2026, and the monthly pieces."""
    rows: list[Row] = []
    for month in range(1, 12):
        day = f"2026-{month:02}-01"
        rows += [(tag, "", day, 1000.0 + step * (month - 1), "") for tag, step in TEN_MONTHS.items()]
        if month < 11:
            rows.append(("manual.pieces", day, f"2026-{month + 1:02}-01", PIECES_A_MONTH, ""))
    return rows


def plant_y(folder: Path, rows: Iterable[Row] | None = None) -> Site:
    """Plant Y with its ten months, or with the rows given."""
    site = plant(folder, PLANT_Y, PLANT_Y_FACTORS)
    take_in(site, plant_y_rows() if rows is None else rows)
    return site
