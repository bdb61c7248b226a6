"""Whether a device's energy counters can be right: they must move when its own power says so.

Pure: the time is when each reading was seen, for a device's own clock may be wrong. A device that is
frozen as a whole freezes its power too, and that still adds up. Nothing is said of one whose power
stands at 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from configs.quantity import quantities
from drivers.driver import Device
from drivers.profile import Item
from drivers.reading import Quality, Reading

FROZEN = "frozen"  # the reason of a counter that should have moved
LEAST_KWH = 0.1  # on the side of the register; less is lost between power as shown and as counted
STEPS = 3  # of the register: one may be begun, one may fall between two readings
MARGIN = 1.2  # for the classes of accuracy, and for what the power did between two readings
POLLS_TRUSTED = 2.5  # a longer hole between two readings of the power is not bridged
FLOAT32_BITS = 24  # of the mantissa
DECLARED_KWH = 0.01  # the step of a register whose description does not tell it
UNSEEN_KWH = 1.0  # the same before it was ever seen to move; meters with coarser steps are rare
US_PER_H = 3_600_000_000


class Plausible:
    """One device's counters beside its own power; readings come all at once, or only those that changed."""

    def __init__(self, device: Device) -> None:
        items = {f"{device.name}.{name}": item for name, item in device.profile.items.items()}
        self._counters = {tag: i for tag, i in items.items() if i.quantity in ("energy_import", "energy_export")}
        powers = [tag for tag, item in items.items() if item.quantity == "power"]
        own = f"{device.name}.power"
        self._owed = dict.fromkeys([own] if own in powers else powers, 0.0)  # kWh that no counter has shown
        longest = max([POLLS_TRUSTED * device.poll, *(items[tag].max_age for tag in self._owed)])
        self._bridged = int(longest * 1_000_000)
        self._is_modbus = device.profile.protocol == "modbus"
        self._now: dict[str, Reading] = {}  # the newest reading of each tag that matters here
        self._registers: dict[str, float] = {}  # the last known value of each counter
        self._finest = math.inf  # the smallest step that a counter was seen to take, kWh
        self._frozen = False
        judges = self._owed and self._counters
        self.tags = frozenset(self._owed) | frozenset(self._counters) if judges else frozenset[str]()  # all that matter

    def judged(self, readings: Sequence[Reading]) -> list[Reading]:
        """The same readings; good counters that should have moved and did not are uncertain, with their value."""
        if not self.tags:
            return list(readings)
        for reading in readings:
            if reading.tag in self._owed:
                self._add(reading)
            if reading.tag in self._owed or reading.tag in self._counters:
                self._now[reading.tag] = reading
        for reading in readings:
            if reading.tag in self._counters and reading.value is not None:
                self._count(reading.tag, reading.value)
        if not self._frozen:
            self._frozen = self._all_known() and max(self._owed.values()) > self._allowed()
        return [self._doubted(r) for r in readings] if self._frozen else list(readings)

    def _add(self, reading: Reading) -> None:
        """The lesser of two neighbouring powers counts: a peak that was read may not have lasted."""
        before = self._now.get(reading.tag)
        if before is None or before.value is None or reading.value is None:
            return
        span = reading.seen - before.seen
        if 0 < span <= self._bridged:
            power = min(self._countable(before.value), self._countable(reading.value))
            self._owed[reading.tag] += power * span / US_PER_H

    def _countable(self, power: float) -> float:
        """Where only one direction is counted, power against it moves nothing."""
        directions = {item.quantity for tag, item in self._counters.items() if not self._is_absent(tag)}
        return abs(power) if len(directions) > 1 else max(power, 0.0)

    def _count(self, tag: str, value: float) -> None:
        """A register that moved pays all that is owed."""
        before = self._registers.get(tag)
        self._registers[tag] = value
        if before is None or before == value:
            return
        self._owed = dict.fromkeys(self._owed, 0.0)
        self._frozen = False
        if value > before:
            self._finest = min(self._finest, value - before)

    def _is_absent(self, tag: str) -> bool:
        return tag in self._now and self._now[tag].quality == Quality.ABSENT

    def _all_known(self) -> bool:
        """Whether no counter may have moved unseen."""
        there = [tag for tag in self._counters if not self._is_absent(tag)]
        return all(tag in self._now and self._now[tag].value is not None for tag in there)

    def _allowed(self) -> float:
        """What may be owed before it is too much, kWh on the side of the register."""
        coarsest = max(self._step(tag, item) for tag, item in self._counters.items())
        return MARGIN * max(LEAST_KWH, STEPS * coarsest)

    def _step(self, tag: str, item: Item) -> float:
        """The step of a register in kWh: as described, and no finer than any step that was seen."""
        factor = quantities()[item.quantity].factor(item.unit) or 1.0
        seen = self._finest if math.isfinite(self._finest) else None
        if item.di:
            declared = factor * 10.0**-item.decimals
        elif self._is_modbus and item.type == "float32":
            declared = factor * 2.0 ** (math.frexp(self._registers.get(tag, 0.0) / factor)[1] - FLOAT32_BITS)
        elif self._is_modbus and item.type != "float64":
            declared = factor * abs(item.scale)
        else:
            declared = DECLARED_KWH if seen is not None else UNSEEN_KWH
        return max(declared, seen or 0.0)

    def _doubted(self, reading: Reading) -> Reading:
        if reading.tag not in self._counters or reading.quality != Quality.GOOD:
            return reading
        return replace(reading, quality=Quality.UNCERTAIN, reason=FROZEN)
