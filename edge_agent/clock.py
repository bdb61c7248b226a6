"""The agent's clock: the wall clock, but not backwards within a run unless it had a wrong date."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger("leafgate.clock")
HOUR_US = 3600 * 1_000_000
AHEAD_US = HOUR_US  # a reading further ahead than this has a wrong date
STEP_US = 1_000_000  # a smaller step back is not worth a line


def forward(wall: Callable[[], int], floor: int) -> Callable[[], int]:
    """A clock that follows `wall` and stands still, a microsecond a look, while that is behind.

    A time server that sets the clock back by seconds would otherwise put a larger register before
    a smaller one. Where the wall is behind by more than AHEAD_US, what came before was a wrong date, and the
    clock goes back with it. `floor` is the newest time that was used before.
    """
    last, behind = floor, False

    def now() -> int:
        nonlocal last, behind
        told = wall()
        if last - told > AHEAD_US:
            log.warning("the clock was %.1f h ahead and was set right; following it", (last - told) / HOUR_US)
        elif told <= last:
            if not behind and last - told > STEP_US:
                log.warning("the clock was set back by %.1f s; waiting for it", (last - told) / 1e6)
                behind = True
            last += 1
            return last
        last, behind = told, False
        return told

    return now
