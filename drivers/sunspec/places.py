"""Where the points of one model of a device stand: a definition laid over the model's real length and counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drivers.sunspec.definition import HEAD_WORDS, Group, Layout, Point, Spot

REPETITION = re.compile(r"\[([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class Place:
    """One point of one device; offsets count registers from the model's id.

    `factor` is the offset of its scale factor, `power` a factor that the definition fixes.
    """

    path: str  # `W`, `module[1].DCA`, `Crv[2].Pt[1].V`
    offset: int
    point: Point
    factor: int | None = None
    power: int = 0

    @property
    def end(self) -> int:
        """The first register behind it."""
        return self.offset + self.point.size


def places(layout: Layout, length: int, counts: Mapping[str, int]) -> dict[str, Place]:
    """Every point of a model with `length` registers behind its head, by path, as the registers have them.

    `counts` are the points that say how often a group stands there. What does not fit into the
    length is left out.
    """
    walk = _Walk(HEAD_WORDS + length, counts)
    return {place.path: place for place in walk.group(layout.group, "", 0, {})[0]}


def counters(layout: Layout) -> list[str]:
    """The points of the fixed part that say how often groups stand there, in order."""
    named = {group.count for spot in layout.spots().values() for group in spot.groups}
    return [point.name for point in layout.group.points if point.name in named]


def path_of(layout: Layout, point: str, module: int = 0) -> str | None:
    """The full path of a point that a profile names by its last parts; None when there is not exactly one.

    `module` is the repetition of the outermost repeating group, counted from 1; inner ones may be
    given in brackets. What is not given is the first. A point outside such a group does not need it.
    """
    plain = REPETITION.sub("", point)
    spots = layout.spots()
    found = [plain] if plain in spots else [path for path in spots if path.endswith("." + plain)]
    if len(found) != 1:
        return None
    given = {part.partition("[")[0]: _repetition(part) for part in point.split(".")}
    parts: list[str] = []
    for group in spots[found[0]].groups:
        number = given.get(group.name, 0)
        if group.count is not None:
            number, module = number or module or 1, 0
        elif number:
            return None
        parts.append(f"{group.name}[{number}]" if number else group.name)
    last = plain.rpartition(".")[2]
    return None if given[last_part(point)] else ".".join([*parts, last])


def last_part(point: str) -> str:
    """The point's own name, without groups and repetitions."""
    return REPETITION.sub("", point).rpartition(".")[2]


def spot_of(layout: Layout, path: str) -> Spot:
    """The definition of a point at a full path."""
    return layout.spots()[REPETITION.sub("", path)]


def _repetition(part: str) -> int:
    found = REPETITION.search(part)
    return int(found[1]) if found else 0


class _Walk:
    """Goes through the groups of one model; `end` is the first register behind it."""

    def __init__(self, end: int, counts: Mapping[str, int]) -> None:
        self._end, self._counts = end, counts

    def group(self, group: Group, path: str, at: int, outer: Mapping[str, int]) -> tuple[list[Place], int]:
        """The places of one repetition and the register behind it."""
        offsets = _offsets(group, at)
        factors = {**outer, **{p.name: offsets[p.name] for p in group.points if p.type == "sunssf"}}
        found = [self._place(path + p.name, offsets[p.name], p, factors) for p in group.points]
        at += group.words
        top = factors if not path else outer  # a factor stands in the same group or in the fixed part
        for inner in group.groups:
            for name in self._names(inner, at):
                more, at = self.group(inner, f"{path}{name}.", at, top)
                found += more
        return [place for place in found if place.end <= self._end], at

    def _names(self, group: Group, at: int) -> Iterator[str]:
        """The repetitions of a group that begins at a register, as parts of a path."""
        if group.count is None:
            yield group.name
            return
        size = self._size(group)
        fitting = max(self._end - at, 0) // size if size else 0
        wanted = self._count(group, fitting)
        yield from (f"{group.name}[{n}]" for n in range(1, min(wanted, fitting) + 1))

    def _count(self, group: Group, fitting: int) -> int:
        if isinstance(group.count, str):
            return self._counts.get(group.count, 0)
        return group.count or fitting

    def _size(self, group: Group) -> int:
        """Registers of one repetition; a repeating group inside takes what its count says."""
        inner = (self._size(g) * (1 if g.count is None else self._count(g, 0)) for g in group.groups)
        return group.words + sum(inner)

    def _place(self, path: str, offset: int, point: Point, factors: Mapping[str, int]) -> Place:
        if isinstance(point.sf, int):
            return Place(path, offset, point, power=point.sf)
        return Place(path, offset, point, factors.get(point.sf) if point.sf else None)


def _offsets(group: Group, at: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for point in group.points:
        found[point.name] = at
        at += point.size
    return found
