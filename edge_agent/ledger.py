"""The metering ledger: what changed between a register and the energy it stands for, and when.

A stored reading is what the register says. The transformer ratio is a fact with a start time here,
so correcting it later mends the past without touching a reading.
"""

from __future__ import annotations

import getpass
import os
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edge_agent.exit import Exit, Stop
from edge_agent.site import Site

INSTALLED, RATIO = "installed", "ratio"
# What plant.yaml says at the first start holds for all the past that nobody has said more about.
BEGINNING = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Who said something: the name given, and the login it came from."""

    name: str
    login: str


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One event; `at` is from when it holds, `recorded` when it was said, microseconds UTC."""

    at: int
    device: str
    kind: str
    detail: Mapping[str, Any]
    by: Person
    recorded: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """Current and voltage transformer ratio."""

    ct: float = 1.0
    pt: float = 1.0

    def multiplier(self, marked: str | None) -> float:
        """What a register marked `current`, `voltage` or `power` in its profile is multiplied by."""
        return {"current": self.ct, "voltage": self.pt, "power": self.ct * self.pt}.get(marked or "", 1.0)


def me(name: str = "") -> Person:
    """The person at the keyboard; the login stands in for a name that was not given."""
    try:
        login = getpass.getuser()
    except (OSError, KeyError):
        login = str(os.getuid())
    return Person(name or login, login)


class Ledger:
    """The events of a site, as known at some time; where none is recorded plant.yaml speaks."""

    def __init__(self, site: Site, events: Iterable[LedgerEvent]) -> None:
        self._site = site
        self._ratios: dict[str, list[tuple[int, Ratio]]] = {}
        for event in sorted(events, key=lambda e: (e.at, e.recorded)):
            if event.kind in (INSTALLED, RATIO):
                ratio = Ratio(float(event.detail["ct"]), float(event.detail["pt"]))
                self._ratios.setdefault(event.device, []).append((event.at, ratio))

    def ratio(self, device: str, at: int) -> Ratio:
        """The ratio valid at a time; before the first event the first one holds."""
        known = self._ratios.get(device)
        if known is None:
            return self._planned(device)
        return known[max(bisect_right([start for start, _ in known], at) - 1, 0)][1]

    def changes(self, device: str, start: int, end: int) -> list[int]:
        """When the ratio changes strictly between start and end."""
        known = self._ratios.get(device, [])
        return sorted({at for (_, old), (at, new) in pairwise(known) if start < at < end and old != new})

    def first_start(self, by: Person, now: int) -> list[LedgerEvent]:
        """`installed` events for devices that have none."""
        new = [name for name in self._site.plant.devices if name not in self._ratios]
        ratios = {name: self._planned(name) for name in new}
        return [
            LedgerEvent(BEGINNING, name, INSTALLED, {"ct": r.ct, "pt": r.pt}, by, now) for name, r in ratios.items()
        ]

    def agree(self, now: int) -> None:
        """Raises Stop where plant.yaml and the ledger disagree on today's ratio of a device."""
        for name in self._site.plant.devices:
            kept, planned = self.ratio(name, now), self._planned(name)
            if kept != planned:
                said = {"kept_ct": kept.ct, "kept_pt": kept.pt, "ct": planned.ct, "pt": planned.pt}
                raise Stop(Exit.SITE, "error.ratio_differs", device=name, **{k: f"{v:g}" for k, v in said.items()})

    def _planned(self, device: str) -> Ratio:
        config = self._site.plant.devices.get(device)
        return Ratio(config.ct, config.pt) if config else Ratio()


def multiplier(site: Site, ledger: Ledger, tag: str, at: int) -> float:
    """What the register of a tag is multiplied by at a time."""
    device, _, item = tag.partition(".")
    if device not in site.plant.devices:
        return 1.0
    profile = site.profiles[site.plant.devices[device].profile]
    if profile.primary or item not in profile.items:
        return 1.0
    return ledger.ratio(device, at).multiplier(profile.items[item].ratio)
