"""The life of an alarm: the table is whole, and the page for plant people prints the same one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.alarm.alarm import AlarmState
from edge_agent.alarm.event import Event
from edge_agent.alarm.rules import HOLDS, TABLE, state_after
from tests.conftest import ROOT


def test_every_state_has_an_answer_to_every_event() -> None:
    assert TABLE.keys() == {(state, event) for state in AlarmState for event in Event}


def test_only_what_changes_the_state_is_recorded() -> None:
    assert all(step.recorded == (step.state is not state) for (state, _), step in TABLE.items())


def test_a_returned_alarm_stays_until_somebody_acknowledges_it() -> None:
    assert state_after([Event.RAISE, Event.CLEAR]) is AlarmState.RETURNED
    assert state_after([Event.RAISE, Event.CLEAR, Event.ACKNOWLEDGE]) is AlarmState.NORMAL
    assert state_after([Event.RAISE, Event.ACKNOWLEDGE, Event.CLEAR]) is AlarmState.NORMAL
    assert state_after([Event.RAISE, Event.CLEAR, Event.RAISE]) is AlarmState.UNACKNOWLEDGED


@given(st.lists(st.sampled_from(Event)))
def test_the_state_follows_from_the_recorded_events_since_the_last_raise(events: list[Event]) -> None:
    state, recorded = AlarmState.NORMAL, []
    for event in events:
        if TABLE[state, event].recorded:
            recorded.append(event)
        state = TABLE[state, event].state
    raises = [i for i, event in enumerate(recorded) if event is Event.RAISE]
    assert state_after(recorded[raises[-1] :] if raises else []) is state
    assert (state in HOLDS) == (state_after([*recorded, Event.CLEAR]) is not state)


def test_the_page_prints_the_table() -> None:
    text = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    for head in ("| 状态 | 触发 | 恢复 | 确认 |", "| state | raise | clear | acknowledge |"):
        rows = text.split(head, 1)[1].strip().splitlines()[1:5]
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        shown = {(row[0], event): cell for row in cells for event, cell in zip(Event, row[1:], strict=True)}
        english = {f"{state.value}": state for state in AlarmState}
        chinese = {"正常": AlarmState.NORMAL, "未确认": AlarmState.UNACKNOWLEDGED}
        names = {**english, **chinese, "已确认": AlarmState.ACKNOWLEDGED, "恢复未确认": AlarmState.RETURNED}
        assert {
            (names[state], event): (names[cell] if cell != "-" else None) for (state, event), cell in shown.items()
        } == {key: step.state if step.recorded else None for key, step in TABLE.items()}
