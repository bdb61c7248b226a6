"""Entering events into the log by the table of alarm/rules.py; the caller holds the transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import msgspec

from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.rules import TABLE, state_after
from edge_agent.inbox import URGENT
from edge_agent.ledger import Person
from edge_agent.store.alarm_log import AlarmLog

OWN = ("high", "low", "link", "fell")  # kinds that only readings raise and clear
ACKNOWLEDGE, ALARM = URGENT  # kinds of requests in inbox.db


# The alarms and when each was raised that the person saw; plain ids are from before there were times.
Seen = dict[str, int] | list[str]


class Told(msgspec.Struct, frozen=True):
    """The payload of an `alarm` request: another process raises or clears an alarm of its own kind."""

    id: str
    kind: str
    tag: str
    priority: Literal["urgent", "high", "medium", "low"]
    event: Literal["raise", "clear"]
    at: int
    reason: str | None = None


def enter(log: AlarmLog, event: AlarmEvent, now: int) -> bool:
    """Record an event unless the alarm stands there already; answers whether it was recorded."""
    state = state_after(e.event for e in log.standing(event.alarm))
    if not TABLE[state, event.event].recorded:
        return False
    log.append(replace(event, recorded=now))
    return True


def carry_out(log: AlarmLog, kind: str, payload: Any, by: Person, now: int) -> int:
    """Do what a request asks; answers how many alarms it changed, 0 where there was nothing to do.

    Raises ValueError for a payload that is not of its form.
    """
    return _acknowledge(log, payload, by, now) if kind == ACKNOWLEDGE else _told(log, payload, now)


def _acknowledge(log: AlarmLog, payload: Any, by: Person, now: int) -> int:
    """The payload is `[Seen, note]`; an alarm that is normal, unknown or raised anew since stays as it is."""
    ids, note = msgspec.convert(payload, tuple[Seen, str])
    count = 0
    for alarm in dict.fromkeys(ids):
        for raised in log.standing(alarm)[:1]:
            if isinstance(ids, dict) and ids[alarm] != raised.at:
                continue
            said = AlarmEvent(alarm, raised.kind, raised.tag, now, Event.ACKNOWLEDGE, raised.priority, by=by, note=note)
            count += enter(log, said, now)
    return count


def _told(log: AlarmLog, payload: Any, now: int) -> int:
    asked = msgspec.convert(payload, Told)
    if asked.kind in OWN:
        raise ValueError(f"{asked.id}: only readings raise and clear an alarm of kind {asked.kind}")
    at, event = min(asked.at, now), Event(asked.event)
    return int(
        enter(log, AlarmEvent(asked.id, asked.kind, asked.tag, at, event, asked.priority, reason=asked.reason), now)
    )
