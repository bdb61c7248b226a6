"""The readings that a driver makes of what its device said, or did not say."""

from __future__ import annotations

from collections.abc import Iterable

from drivers.driver import Clock, Device
from drivers.reading import Quality, Reading
from drivers.round import Found


class Said:
    """Readings of one device's items, by name; `now` is the time of those that one reply holds, else the clock's."""

    def __init__(self, device: Device, clock: Clock) -> None:
        self.clock = clock
        self._tags = {name: f"{device.name}.{name}" for name in device.profile.items}

    def good(self, name: str, value: float, now: int | None = None) -> Reading:
        """A value in the quantity's unit."""
        now = self.clock() if now is None else now
        return Reading(self._tags[name], value, Quality.GOOD, None, now, now)

    def none(self, name: str, quality: Quality, reason: str, now: int | None = None) -> Reading:
        """No value, and why."""
        now = self.clock() if now is None else now
        return Reading(self._tags[name], None, quality, reason, now, now)

    def all(self, names: Iterable[str], quality: Quality, reason: str) -> Found:
        """The same for several."""
        now = self.clock()
        return {name: self.none(name, quality, reason, now) for name in names}
