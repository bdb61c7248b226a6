"""Every quantity with its one unit, its kind, and the input units that convert to it."""

from __future__ import annotations

from functools import cache
from typing import Literal

import msgspec

from configs import FOLDER
from configs.load import load
from configs.text import Text

KindName = Literal["gauge", "counter", "state", "amount"]


class Quantity(msgspec.Struct, frozen=True):
    """`unit` is what a stored value means; `accepts` maps an input unit to its factor."""

    title: Text
    unit: str
    kind: KindName
    accepts: dict[str, float] = {}

    def factor(self, unit: str) -> float | None:
        """What to multiply a value in `unit` by; None when the unit does not measure this quantity."""
        return 1.0 if unit in ("", self.unit) else self.accepts.get(unit)


class Carrier(msgspec.Struct, frozen=True):
    """An energy carrier or medium that meters account for; `energy: false` stays out of E."""

    title: Text
    unit: str
    quantities: list[str]
    energy: bool = True


class _Quantities(msgspec.Struct, frozen=True):
    quantities: dict[str, Quantity]
    carriers: dict[str, Carrier]


@cache
def _all() -> _Quantities:
    return load(FOLDER / "quantities.yaml", _Quantities).value


def quantities() -> dict[str, Quantity]:
    """Every quantity by its name."""
    return _all().quantities


def carriers() -> dict[str, Carrier]:
    """Every carrier by its name."""
    return _all().carriers
