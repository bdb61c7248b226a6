"""The watchman as the recorder uses it: a fault in the logic of alarms must never keep readings from the disk."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from drivers.driver import Clock
from edge_agent.alarm.event import AlarmEvent
from edge_agent.alarm.journal import enter
from edge_agent.alarm.watchman import Watchman
from edge_agent.batch import Batch
from edge_agent.site import Site
from edge_agent.store.alarm_log import AlarmLog

log = logging.getLogger("leafgate.alarm")
T = TypeVar("T")
FAULTS = "agent.alarm_faults"  # the health tag that counts them
PAUSE_S = 5.0  # after a fault; what keeps failing must not load the database every second
LOUD_FAULTS = 100  # different texts remembered; a fault whose text changes must not fill the memory


class Guard:
    """Events wait here, beside the batches that caused them, until one transaction has taken both.

    After a fault nobody knows what the watchman had understood, so it is let go and made anew from the database.
    """

    def __init__(self, site: Site, alarms: AlarmLog, clock: Clock, health: Counter[str]) -> None:
        self._site, self.alarms, self._clock, self._health = site, alarms, clock, health
        self._begun, self._again = clock(), 0.0
        self._logged: set[str] = set()
        self._watchman: Watchman | None = None
        self.events: list[AlarmEvent] = []
        self.renew()

    @property
    def overdue(self) -> bool:
        """Whether there is no watchman and the pause after the fault is over."""
        return self._watchman is None and time.monotonic() >= self._again

    def renew(self) -> None:
        """A watchman from what the database has; every batch and event that was seen must be there."""
        made = self._tried(lambda: Watchman(self._site, self._clock, self._begun), None)
        if made:
            self._watchman = made
            self.events += made.found()

    def look(self, batch: Batch) -> None:
        """Show every batch once; what it raises or clears waits to be written."""
        if self._watchman:
            self.events += self._tried(partial(self._watchman.look, batch), [])

    def learn(self) -> None:
        """The ledger may have changed."""
        if self._watchman:
            self._tried(self._watchman.learn, None)

    def write(self, now: int) -> None:
        """Record what waits, inside the transaction of its batches; raises what a full disk raises."""
        for event in self.events:
            self._tried(partial(enter, self.alarms, event, now), False)

    def written(self) -> None:
        """The transaction is on the disk."""
        self.events.clear()

    def _tried(self, work: Callable[[], T], otherwise: T) -> T:
        """What `work` answers; a fault ends the watchman. A disk that refuses is no fault of ours."""
        try:
            return work()
        except sqlite3.OperationalError:
            raise
        except Exception as fault:
            self._watchman, self._again = None, time.monotonic() + PAUSE_S
            self._health[FAULTS] += 1
            self._log(fault)
            return otherwise

    def _log(self, fault: Exception) -> None:
        """Each fault loudly once."""
        text = f"{type(fault).__name__}: {fault}"
        known = text in self._logged
        if len(self._logged) >= LOUD_FAULTS:
            self._logged.clear()
        self._logged.add(text)
        log.log(logging.DEBUG if known else logging.ERROR, "fault in the alarms: %s", text, exc_info=fault)
