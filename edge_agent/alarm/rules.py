"""The life of an alarm after ISA-18.2: from its state and an event to its next state. Pure.

docs/alarms.md prints this table, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from edge_agent.alarm.alarm import AlarmState
from edge_agent.alarm.event import Event


class Step(NamedTuple):
    """Where an event leads; one that changes nothing is not recorded."""

    state: AlarmState
    recorded: bool


_NORMAL, _UNACKNOWLEDGED = AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED
_ACKNOWLEDGED, _RETURNED = AlarmState.ACKNOWLEDGED, AlarmState.RETURNED

TABLE: dict[tuple[AlarmState, Event], Step] = {
    (_NORMAL, Event.RAISE): Step(_UNACKNOWLEDGED, True),
    (_NORMAL, Event.CLEAR): Step(_NORMAL, False),
    (_NORMAL, Event.ACKNOWLEDGE): Step(_NORMAL, False),
    (_UNACKNOWLEDGED, Event.RAISE): Step(_UNACKNOWLEDGED, False),
    (_UNACKNOWLEDGED, Event.CLEAR): Step(_RETURNED, True),
    (_UNACKNOWLEDGED, Event.ACKNOWLEDGE): Step(_ACKNOWLEDGED, True),
    (_ACKNOWLEDGED, Event.RAISE): Step(_ACKNOWLEDGED, False),
    (_ACKNOWLEDGED, Event.CLEAR): Step(_NORMAL, True),
    (_ACKNOWLEDGED, Event.ACKNOWLEDGE): Step(_ACKNOWLEDGED, False),
    (_RETURNED, Event.RAISE): Step(_UNACKNOWLEDGED, True),
    (_RETURNED, Event.CLEAR): Step(_RETURNED, False),
    (_RETURNED, Event.ACKNOWLEDGE): Step(_NORMAL, True),
}
HOLDS = (_UNACKNOWLEDGED, _ACKNOWLEDGED)  # the states in which the condition of the alarm is there


def state_after(events: Iterable[Event]) -> AlarmState:
    """Where an alarm stands after these events, oldest first; those since its last raise are enough."""
    state = AlarmState.NORMAL
    for event in events:
        state = TABLE[state, event].state
    return state
