"""Items that are computed of two others of the same device, such as the COP of a heat pump.

No driver asks for them: they are made of what passes from any driver to the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from drivers.driver import Device
from drivers.reading import Quality, Reading

AT_REST = 0.05  # of the divisor, in its quantity's unit: 50 W draws a heat pump that only waits
US = 1_000_000


class Quotients:
    """The quotients of one device. A cycle that is cut tells the two parts of one in two calls.

    Where `held`, a reading stands until the next one, as of a device that tells what changed; else each
    reading is used once, so that no quotient is made of two cycles.
    """

    def __init__(self, device: Device, held: bool = False) -> None:
        self._held = held
        self._all: list[_Quotient] = []
        for name, item in device.profile.items.items():
            if item.quotient:
                tag, dividend, divisor = (f"{device.name}.{each}" for each in (name, *item.quotient))
                self._all.append(_Quotient(tag, dividend, divisor, item.max_age))

    @property
    def tags(self) -> frozenset[str]:
        """The parts: no other reading matters here."""
        return frozenset(tag for each in self._all for tag in (each.dividend, each.divisor))

    def added(self, readings: Iterable[Reading]) -> list[Reading]:
        """The readings, and after them what they complete; of a quotient that lacks a part nothing is said."""
        found = list(readings)
        return found + self.made_of(found) if self._all else found

    def made_of(self, readings: Iterable[Reading]) -> list[Reading]:
        """What these readings complete, alone."""
        made = [each.made_of(reading, self._held) for reading in readings for each in self._all]
        return [reading for reading in made if reading is not None]


@dataclass
class _Quotient:
    """One of them, and the newest readings of its parts; these may be `apart_s` apart."""

    tag: str
    dividend: str
    divisor: str
    apart_s: float
    parts: dict[str, Reading] = field(default_factory=dict)

    def made_of(self, reading: Reading, held: bool) -> Reading | None:
        """The quotient where this reading completes it."""
        if reading.tag not in (self.dividend, self.divisor):
            return None
        self.parts[reading.tag] = reading
        dividend, divisor = self.parts.get(self.dividend), self.parts.get(self.divisor)
        if dividend is None or divisor is None:
            return None
        if not held:
            self.parts.clear()
            if abs(dividend.at - divisor.at) > self.apart_s * US:
                self.parts[reading.tag] = reading
                return None
        return _through(self.tag, dividend, divisor)


def _through(tag: str, dividend: Reading, divisor: Reading) -> Reading:
    """As good as the worse of the two, and as new as the newer; absent while the divisor rests."""
    worse = max(dividend, divisor, key=lambda r: r.quality)
    made = replace(worse, tag=tag, value=None, at=max(dividend.at, divisor.at), seen=max(dividend.seen, divisor.seen))
    if dividend.value is None or divisor.value is None:
        return made
    if divisor.value < AT_REST:
        return replace(made, quality=Quality.ABSENT, reason="at_rest")
    return replace(made, value=dividend.value / divisor.value)
