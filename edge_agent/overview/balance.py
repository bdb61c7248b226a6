"""The electrical balance of a plant: which power tags make which row, and the rows from their numbers."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Self

from edge_agent.overview.value import summed
from edge_agent.site import MeterConfig, Site

Read = Callable[[str], float | None]  # a power tag's number in kW; None where it is unknown
GRID, EXPORT, PV, LOAD, REST = "grid", "export", "pv", "load", "rest"
PART = "meter:"  # before the name of a level 2 meter, which may be called anything


@dataclass(frozen=True)
class Wiring:
    """The power tags of the meters. A meter without one is the tag "", which nobody knows."""

    imports: tuple[str, ...]  # positive when the plant imports, negative when it exports
    exports: tuple[str, ...]  # of export meters that do not share their power with an import meter
    pv: tuple[str, ...]
    parts: dict[str, str]  # level 2 meters, by the name of their row

    @classmethod
    def of(cls, site: Site) -> Self:
        """The wiring that plant.yaml describes."""
        known = site.tags()
        power = {name: _power(meter, known) for name, meter in site.plant.meters.items()}

        def tags(flow: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(power[n] for n, m in site.plant.meters.items() if m.flow == flow))

        imports = tags("grid_import")
        apart = tuple(tag for tag in tags("grid_export") if tag and tag not in imports)
        parts = {PART + n: power[n] for n, m in site.plant.meters.items() if m.level == 2 and _consumes(m)}
        return cls(imports, apart, tags("pv_generation"), parts)

    @property
    def tags(self) -> set[str]:
        """Every power tag that some row needs."""
        return {*self.imports, *self.exports, *self.pv, *self.parts.values()} - {""}

    def rows(self) -> dict[str, tuple[str, ...]]:
        """The rows in the order of the screen, each with the tags it rests on."""
        whole = (*self.imports, *self.exports, *self.pv)
        found = {GRID: self.imports, EXPORT: (*self.imports, *self.exports)} if self.imports or self.exports else {}
        found |= {PV: self.pv} if self.pv else {}
        found |= {LOAD: whole} if whole else {}
        found |= {name: (tag,) for name, tag in self.parts.items()}
        return found | ({REST: (*whole, *self.parts.values())} if self.parts and whole else {})

    def balance(self, read: Read) -> dict[str, float | None]:
        """Every row in kW from the numbers of its tags: load = import - export + PV, rest = load - level 2."""
        grid = summed(map(read, self.imports))
        apart = summed(_size(read(tag)) for tag in self.exports) if self.exports else 0.0
        pv = summed(_size(read(tag)) for tag in self.pv) if self.pv else 0.0
        parts = {name: read(tag) for name, tag in self.parts.items()}
        found = {
            GRID: None if grid is None else max(grid, 0.0),
            EXPORT: None if grid is None or apart is None else max(-grid, 0.0) + apart,
            PV: pv,
            LOAD: None if grid is None or apart is None or pv is None else grid - apart + pv,
            **parts,
        }
        load, below = found[LOAD], summed(parts.values())
        found[REST] = None if load is None or below is None else load - below
        return {row: found[row] for row in self.rows()}


def _power(meter: MeterConfig, known: Container[str]) -> str:
    """The tag of a meter's momentary power."""
    tag = meter.power or f"{meter.tag.partition('.')[0]}.power"
    return tag if tag in known else ""


def _consumes(meter: MeterConfig) -> bool:
    return meter.carrier == "electricity" and meter.flow is None


def _size(number: float | None) -> float | None:
    return None if number is None else abs(number)
