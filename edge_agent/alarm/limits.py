"""One limit of plant.yaml over time: when a value is over it for long enough, and when it is back. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edge_agent.alarm.event import Event


@dataclass(slots=True)
class Limit:
    """The high or the low limit of one tag; values primary, times in microseconds UTC.

    delay: for how long the value must be over it. deadband: how far it must come back.
    trusted: how long a reading speaks for its tag; a longer hole begins the delay anew.
    """

    side: Literal["high", "low"]
    bound: float
    deadband: float = 0.0
    delay: int = 0
    trusted: int = 0
    active: bool = False
    _over_since: int | None = None
    _last: int = -1

    def see(self, value: float | None, at: int) -> Event | None:
        """RAISE or CLEAR where this reading brings it; an unknown value, or one older than the last, does not."""
        if value is None or not math.isfinite(value) or at < self._last:
            return None
        hole = at - self._last > self.trusted
        self._last = at
        sign = 1.0 if self.side == "high" else -1.0
        value, bound = sign * value, sign * self.bound
        if self.active:
            return self._clear() if value < bound - self.deadband else None
        if value < bound:
            self._over_since = None
            return None
        if self._over_since is None or hole:
            self._over_since = at
        return self._raise() if at - self._over_since >= self.delay else None

    def forget(self) -> None:
        """The clock was set back: the times of the readings so far mean nothing any more."""
        self._over_since, self._last = None, -1

    def _raise(self) -> Event:
        self.active = True
        return Event.RAISE

    def _clear(self) -> Event:
        self.active, self._over_since = False, None
        return Event.CLEAR
