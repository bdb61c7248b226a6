"""The readings that sizes are measured with: a year of a steel plant by quarter hours, or of the simulated plant.

The steel plant is the data set of UCI number 851, https://archive.ics.uci.edu/dataset/851; it lies beside this
project where it was fetched, and is not a part of it.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.reading import Quality
from drivers.sim.past import POWERS
from drivers.sim.world import NODE_US, World, origin_of
from edge_agent.batch import Batch

STEEL = Path(__file__).parents[3] / "shared" / "data" / "steel_industry.csv.gz"
STEEL_START = 1_514_732_400_000_000  # 2018-01-01 00:00 in Korea
SIMULATED_START = 1_767_196_800_000_000  # 2026-01-01 00:00 in Shanghai
MEASURED = slice(1, 7)  # its columns: energy, two reactive energies, CO2, two power factors
A_BATCH, A_DAY, YEAR = 4, 96, 365  # quarter hours in a batch and in a day; days


@dataclass(frozen=True, slots=True)
class Reference:
    """Readings of some tags, every quarter hour; a batch is an hour of all of them."""

    name: str  # steel, simulated
    batches: list[Batch]

    @property
    def samples(self) -> int:
        return sum(map(len, self.batches))


def reference(days: int = YEAR, steel: Path = STEEL) -> Reference:
    """The first days of the steel plant; of the simulated one where that is not at hand."""
    if steel.exists():
        return Reference("steel", _batches(_steel(steel), STEEL_START, days))
    return Reference("simulated", _batches(_simulated(), SIMULATED_START, days))


def _batches(turns: Iterator[dict[str, float]], start: int, days: int) -> list[Batch]:
    """A quarter hour of all tags after the other."""
    found: list[Batch] = []
    for number, turn in zip(range(days * A_DAY), turns, strict=False):
        if number % A_BATCH == 0:
            found.append(Batch())
        at = start + (number + 1) * NODE_US
        for tag, value in turn.items():
            found[-1].add(tag, at, at, value, Quality.GOOD, None)
    return found


def _steel(path: Path) -> Iterator[dict[str, float]]:
    """Its rows in their order; that of midnight bears the date of the day that it ends."""
    with gzip.open(path) as packed:
        rows = csv.reader(io.TextIOWrapper(packed, "utf-8-sig"))
        names = [f"steel.v{number}" for number, _ in enumerate(next(rows)[MEASURED])]
        for row in rows:
            yield dict(zip(names, map(float, row[MEASURED]), strict=True))


def _simulated() -> Iterator[dict[str, float]]:
    world = World(origin_of(SIMULATED_START))
    at = SIMULATED_START
    while True:
        at += NODE_US
        flows = world.power(at)
        yield {tag: shown(measured(flows)) for tag, _, measured, shown in POWERS}
