"""The alarms of a site as screens and commands see them, and how somebody says that they saw one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from edge_agent.alarm.alarm import PRIORITIES, Alarm, AlarmState
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.journal import ACKNOWLEDGE, Seen
from edge_agent.alarm.rules import state_after
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Person
from edge_agent.site import Site
from edge_agent.store.alarms import AlarmReader

URGENCY = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED, AlarmState.NORMAL)


def open_alarms(site: Site, now: int) -> list[Alarm]:
    """Every alarm that is not normal, highest priority first, then newest first.

    A device's clock may run ahead of ours: no alarm is shown as raised later than `now`.
    """
    found = [_alarm(events, now) for events in AlarmReader(site.data).standing().values()]
    there = [alarm for alarm in found if alarm.state is not AlarmState.NORMAL]
    return sorted(there, key=lambda a: (PRIORITIES.index(a.priority), URGENCY.index(a.state), -a.raised, a.id))


def history(site: Site, start: int, end: int, most: int | None = None) -> list[AlarmEvent]:
    """The events of every alarm from start to end, end excluded, newest first; at most `most` of them."""
    return AlarmReader(site.data).between(start, end, most)


def asked(site: Site) -> set[str]:
    """The alarms whose acknowledgement waits for the agent."""
    found: set[str] = set()
    for request in Inbox(site.data).waiting(ACKNOWLEDGE):
        with suppress(ValueError):  # the writer will refuse it and say why
            found.update(msgspec.convert(json.loads(request.payload), tuple[Seen, str])[0])
    return found


def ask_acknowledge(site: Site, ids: Iterable[str], by: Person, note: str, now: int) -> None:
    """Leave the wish in inbox.db and return; the agent carries it out when it runs.

    It is for the alarms as they stand now: one that is raised anew before the agent looks is left out.
    """
    there = AlarmReader(site.data).standing()
    Inbox(site.data).put([wish({name: there[name][0].at for name in ids if name in there}, by, note, now)])


def wish(seen: Mapping[str, int], by: Person, note: str, now: int) -> Request:
    """The request that acknowledges these alarms, each with the time it was raised by its event."""
    return Request(ACKNOWLEDGE, [dict(sorted(seen.items())), note], by, now)


def _alarm(events: Sequence[AlarmEvent], now: int) -> Alarm:
    """One alarm from what happened since it was raised."""
    raised = events[0]
    cleared = next((e for e in events if e.event is Event.CLEAR), None)
    seen = next((e for e in events if e.event is Event.ACKNOWLEDGE), None)
    return Alarm(
        raised.alarm,
        raised.kind,
        raised.tag,
        raised.priority,
        state_after(e.event for e in events),
        min(raised.at, now),
        cleared.at if cleared else None,
        raised.value,
        raised.limit,
        raised.reason,
        seen.by.name if seen and seen.by else None,
        seen.at if seen else None,
    )
