"""SunSpec model definitions: the JSON files that the wheel of pysunspec2 ships, as small frozen structs.

Only files are read, never its code. A definition is parsed when a profile or a chain first needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

PACKAGE = "sunspec2"  # 1.3.7: models/json/model_N.json of github.com/sunspec/models, Apache-2.0
HEAD_WORDS = 2  # ID and L, the first two points of every model
# Units that some definitions write otherwise than the rest; ours are those of quantities.yaml.
UNITS = {"C": "degC", "Var": "var", "Varh": "varh", "WH": "Wh", "AH": "Ah", "Pct": "%", "PF": "1", "cos()": "1"}


class Symbol(msgspec.Struct, frozen=True):
    """A word for a value of an enumeration, or for a bit of a bit field."""

    name: str
    value: int


class Point(msgspec.Struct, frozen=True):
    """One point; `size` in registers, `sf` the point with its power of ten or that power itself."""

    name: str
    type: str
    size: int
    sf: str | int | None = None
    units: str = ""
    label: str = ""
    symbols: tuple[Symbol, ...] = ()

    @property
    def unit(self) -> str:
        """The unit in the words of quantities.yaml where these have one."""
        return UNITS.get(self.units, self.units)


class Group(msgspec.Struct, frozen=True):
    """Points and then groups. `count` names the point that says how often the group stands there;
    0 leaves that to the length of the model, None means once.
    """

    name: str
    points: tuple[Point, ...]
    groups: tuple[Group, ...] = ()
    count: str | int | None = None
    label: str = ""

    @property
    def words(self) -> int:
        """Registers of its own points, without its groups."""
        return sum(point.size for point in self.points)


class Layout(msgspec.Struct, frozen=True):
    """One model; its offsets count registers from the model's id."""

    id: int
    group: Group

    def spots(self) -> dict[str, Spot]:
        """Every point by its path without repetitions, such as `W`, `module.DCA`, `Crv.MustTrip.Pt.V`."""
        return _spots(self.id)


class Spot(msgspec.Struct, frozen=True):
    """A point of a definition and the groups that it stands in, the outermost first."""

    point: Point
    groups: tuple[Group, ...]


@cache
def definition(model_id: int) -> Layout | None:
    """The layout of a model, None for one that nobody described."""
    path = _folder() / f"model_{model_id}.json"
    return msgspec.json.decode(path.read_bytes(), type=Layout) if path.is_file() else None


def described() -> list[int]:
    """The ids of all models that have a definition."""
    return sorted(int(path.stem.removeprefix("model_")) for path in _folder().glob("model_*.json"))


@cache
def _spots(model_id: int) -> dict[str, Spot]:
    layout = definition(model_id)
    return dict(_inside(layout.group, "", ())) if layout else {}


def _inside(group: Group, path: str, outer: tuple[Group, ...]) -> Iterator[tuple[str, Spot]]:
    for point in group.points:
        yield path + point.name, Spot(point, outer)
    for inner in group.groups:
        yield from _inside(inner, f"{path}{inner.name}.", (*outer, inner))


@cache
def _folder() -> Path:
    """Where the files are; the spec of a package is found without importing it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(PACKAGE)
    return Path(spec.submodule_search_locations[0]) / "models" / "json"
