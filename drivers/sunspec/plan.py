"""What to read of a device: one question for each model that the profile needs, in as few pieces as can be.

A value and its scale factor are read in the same piece wherever both fit into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from drivers.modbus.pdu import MOST_REGISTERS
from drivers.profile import Item
from drivers.sunspec.chain import Model, Span
from drivers.sunspec.definition import HEAD_WORDS, Layout, definition
from drivers.sunspec.models import factor, repeats
from drivers.sunspec.places import Place, counters, path_of, places, spot_of
from drivers.sunspec.rest import Rest

Range = tuple[int, int]  # registers of a model, from its id: the first, and the one behind the last
HEAD: Range = (0, HEAD_WORDS)


@dataclass(frozen=True, slots=True)
class Question:
    """Items of one model of a device; `low` ones are asked in turn."""

    model: Model
    names: tuple[str, ...]
    low: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is read. `places` are those of the items that the model has room for.

    What stands in `fixed` must not change between the pieces: the head of the model, the counts of
    its groups, and each scale factor that is not in the same piece as its value.
    """

    places: Mapping[str, Place]
    times: Mapping[str, float]  # from the point's unit to that of the item's quantity
    counted: tuple[tuple[Place, int], ...]  # what the counts of its groups must still be
    rest: Rest | None
    spans: tuple[Span, ...]
    fixed: tuple[Range, ...]


def questions(chain: Sequence[Model], items: Mapping[str, Item]) -> list[Question]:
    """One or two for each model that holds an item: high and low priority; in the order of the items."""
    found: dict[tuple[Model, bool], list[str]] = {}
    for name, item in items.items():
        model = _home(chain, item)
        if model is not None:
            found.setdefault((model, item.priority == "low"), []).append(name)
    return [Question(model, tuple(names), low) for (model, low), names in found.items()]


def words_of_counts(question: Question, items: Mapping[str, Item]) -> int:
    """The registers, from the model's id, that hold the counts on which the places of the items depend; 0 for none."""
    layout = _layout(question)
    paths = [path for path in _paths(question, items).values() if path]
    if not any(spot_of(layout, path).groups for path in paths):
        return 0
    names, ends = counters(layout), accumulate(point.size for point in layout.group.points)
    return max((end for point, end in zip(layout.group.points, ends, strict=True) if point.name in names), default=0)


def plan(question: Question, items: Mapping[str, Item], counts: Mapping[str, int]) -> Plan:
    """The pieces of a question; `counts` says how often the groups of its model stand there."""
    model = question.model
    there = places(_layout(question), model.length, counts)
    of_items = {name: there[path] for name, path in _paths(question, items).items() if path in there}
    counted = tuple((there[name], count) for name, count in counts.items() if name in there)
    rest = Rest.of(model.id, there)
    needed = [*of_items.values(), *(rest.places if rest else ())]
    whole = [found for place in needed for found in _ranges(place)]
    apart = [(p.factor, p.factor + 1) for p in needed if p.factor is not None and len(_ranges(p)) > 1]
    fixed = (HEAD, *sorted({*apart, *((place.offset, place.end) for place, _ in counted)}))
    times = {name: factor(items[name], model.id) for name in question.names}
    return Plan(of_items, times, counted, rest, spans(model, [*fixed, *whole]), fixed)


def spans(model: Model, ranges: Iterable[Range]) -> tuple[Span, ...]:
    """The least reads that hold every range as a whole, each of at most 125 registers; they may overlap."""
    found: list[Range] = []
    for first, end in sorted(ranges):
        if found and max(end, found[-1][1]) - found[-1][0] <= MOST_REGISTERS:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((first, end))
    return tuple(Span(model.start + first, end - first) for first, end in found)


def _home(chain: Sequence[Model], item: Item) -> Model | None:
    """The first of the item's models that the device has; of several with the same id the one of its module."""
    for wanted in item.models:
        same = [model for model in chain if model.id == wanted]
        if same:
            place = max(item.module, 1) if not repeats(wanted, item) else 1
            return same[place - 1] if place <= len(same) else None
    return None


def _layout(question: Question) -> Layout:
    found = definition(question.model.id)
    assert found is not None  # the profile was checked
    return found


def _paths(question: Question, items: Mapping[str, Item]) -> dict[str, str | None]:
    layout = _layout(question)
    return {name: path_of(layout, items[name].point, items[name].module) for name in question.names}


def _ranges(place: Place) -> list[Range]:
    """A value with its scale factor as one range where one reply can hold it."""
    value = place.offset, place.end
    if place.factor is None:
        return [value]
    factor = place.factor, place.factor + 1
    hull = min(value[0], factor[0]), max(value[1], factor[1])
    return [hull] if hull[1] - hull[0] <= MOST_REGISTERS else [value, factor]
