"""The log of alarm events as the one writer of plant.db sees it; rows are only ever added."""

from __future__ import annotations

import sqlite3
from typing import Any

from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.ledger import Person

COLUMNS = "alarm, kind, tag, at, event, priority, value, limit_value, reason, by_name, login, note, recorded"
_PUT = f"INSERT INTO alarm_event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STANDING = f"""
SELECT {COLUMNS} FROM alarm_event WHERE alarm = ?1 AND id >= (
  SELECT MAX(id) FROM alarm_event WHERE event = 'raise' AND alarm = ?1) ORDER BY id"""


class AlarmLog:
    """Append only, and only inside a transaction of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def append(self, event: AlarmEvent) -> None:
        """Add one event, whatever stood before."""
        what = (event.alarm, event.kind, event.tag, event.at, event.event.value, event.priority)
        who = (None, None) if event.by is None else (event.by.name, event.by.login)
        self._db.execute(_PUT, (*what, event.value, event.limit, event.reason, *who, event.note, event.recorded))

    def standing(self, alarm: str) -> list[AlarmEvent]:
        """What happened to an alarm since it was last raised, oldest first; empty when it never was."""
        return [event_of(row) for row in self._db.execute(_STANDING, (alarm,))]


def event_of(row: tuple[Any, ...]) -> AlarmEvent:
    """The event of a row of COLUMNS."""
    alarm, kind, tag, at, event, priority, value, limit, reason, name, login, note, recorded = row
    by = None if name is None else Person(name, login)
    return AlarmEvent(alarm, kind, tag, at, Event(event), priority, value, limit, reason, by, note, recorded)
