"""The watchman as the recorder uses it: a fault in the logic of alarms must never keep readings from the disk."""

from __future__ import annotations

import logging
import sqlite3
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


class Guard:
    """Events wait here, beside the batches that caused them, until one transaction has taken both."""

    def __init__(self, site: Site, alarms: AlarmLog, clock: Clock) -> None:
        self._alarms, self._faulty = alarms, False
        self._watchman = self._tried(lambda: Watchman(site, clock), None)
        self.events: list[AlarmEvent] = self._watchman.gone() if self._watchman else []

    def look(self, batch: Batch) -> None:
        """Show every batch once; what it raises or clears waits to be written."""
        if self._watchman:
            watchman = self._watchman
            self.events += self._tried(lambda: watchman.look(batch), [])

    def learn(self) -> None:
        """The ledger may have changed."""
        if self._watchman:
            self._tried(self._watchman.learn, None)

    def write(self, now: int) -> None:
        """Record what waits, inside the transaction of its batches; raises what a full disk raises."""
        for event in self.events:
            self._tried(partial(enter, self._alarms, event, now), False)

    def written(self) -> None:
        """The transaction is on the disk."""
        self.events.clear()

    def _tried(self, work: Callable[[], T], otherwise: T) -> T:
        """What `work` answers; a fault is logged, the first one loudly. A disk that refuses is no fault of ours."""
        try:
            return work()
        except sqlite3.OperationalError:
            raise
        except Exception as fault:
            level = logging.DEBUG if self._faulty else logging.ERROR
            log.log(level, "fault in the alarms: %s", fault, exc_info=fault)
            self._faulty = True
            return otherwise
