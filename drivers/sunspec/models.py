"""What a profile may say of SunSpec models: each item's point, repetition and unit, against the definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from configs.problem import nearest
from configs.quantity import quantities
from drivers.error import ProfileError
from drivers.profile import Item
from drivers.sunspec.coding import is_number
from drivers.sunspec.definition import Layout, Spot, definition
from drivers.sunspec.places import last_part, path_of, spot_of


def check(items: Mapping[str, Item]) -> None:
    """Raises ProfileError no_point with every item whose models lack its point or have it in another unit.

    The detail names model and point, and the nearest right name or the right unit in brackets.
    """
    faults = [f"{name}: {fault}" for name, item in items.items() for fault in _faults(item)]
    if faults:
        raise ProfileError("no_point", "; ".join(faults))


def factor(item: Item, model_id: int) -> float:
    """From the unit of the item's point in a model to the unit of its quantity; 1 where nothing says otherwise."""
    unit = item.unit or _unit(model_id, item)
    return quantities()[item.quantity].factor(unit) or 1.0


def repeats(model_id: int, item: Item) -> bool:
    """Whether the item's point stands in a group that a model has several times."""
    spot = _spot(model_id, item)
    return spot is not None and any(group.count is not None for group in spot.groups)


def _faults(item: Item) -> Iterator[str]:
    if not item.models:
        yield f"{item.point} (models?)"
    for model_id in item.models:
        asked = f"{model_id}.{item.point}" + (f"[{item.module}]" if item.module else "")
        layout, spot = definition(model_id), _spot(model_id, item)
        if spot is None or not is_number(spot.point.type):
            hint = _nearest(layout, item.point) if layout else ""
            yield f"{asked} ({hint}?)" if hint else asked
            continue
        unit, quantity = _unit(model_id, item), quantities()[item.quantity]
        if unit and (item.unit not in ("", unit) or quantity.factor(unit) is None):
            yield f"{asked} {item.unit or quantity.unit} ({unit})"


def _nearest(layout: Layout, point: str) -> str:
    """The point of a model that a wrong name may mean, by its name or by what its definition calls it."""
    numbers = {path: spot.point for path, spot in layout.spots().items() if is_number(spot.point.type)}
    labels = {p.label: path for path, p in numbers.items() if p.label}
    by_name = nearest(point, numbers) or nearest(last_part(point), map(last_part, numbers))
    return by_name or labels.get(nearest(point, labels), "")


def _unit(model_id: int, item: Item) -> str:
    """The unit that the definition names, empty when it names none."""
    spot = _spot(model_id, item)
    return spot.point.unit if spot else ""


def _spot(model_id: int, item: Item) -> Spot | None:
    layout = definition(model_id)
    path = path_of(layout, item.point, item.module) if layout else None
    return spot_of(layout, path) if layout and path else None
