"""What is the same on every page: the line on top, the line of state, the line of keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from edge_agent.alarm.alarm import MARKS, PRIORITIES, Alarm
from edge_agent.alarm.words import sentence
from edge_agent.overview.view import Overview
from edge_agent.texts import Texts
from tui.actions import on_page
from tui.cells import Line, Span, apart, fitted
from tui.source import Look
from tui.words import clock, size

MOST_KEYS = 8  # in the footer; the help names all
TOP, BOTTOM = 2, 2  # lines of the frame above and below a page
DAY_US = 86_400_000_000
AGENT_GONE = {"stopped": "tui.agent_stopped", "silent": "tui.agent_silent", "stuck": "tui.agent_stuck"}


@dataclass(frozen=True, slots=True)
class View:
    """What a page paints from: the last look, the words, the room, and what the screen itself has to say."""

    look: Look
    texts: Texts
    width: int
    height: int
    paused: bool = False
    notice: str = ""

    @property
    def plant(self) -> Overview:
        return self.look.overview

    @property
    def zone(self) -> ZoneInfo:
        return self.look.site.zone

    @property
    def room(self) -> int:
        """Lines between the frame's top and bottom."""
        return max(self.height - TOP - BOTTOM, 0)

    def time(self, at: int | None) -> str:
        """A moment on the site's clock."""
        return clock(at, self.zone, self.look.now)


def framed(view: View, page: str, name: str, body: Sequence[Line]) -> list[Line]:
    """A page's lines with the frame around them, exactly as many as the screen has."""
    lines = [_header(view, name), _second(view, page)]
    lines += [fitted(line, view.width) for line in body[: view.room]]
    lines += [fitted((), view.width)] * (view.room - len(body))
    return [*lines, _state(view), _keys(view, page)][: view.height]


def alarm_mark(alarm: Alarm) -> Span:
    """`[!!]` on its colour."""
    return MARKS[alarm.priority], alarm.priority


def _header(view: View, name: str) -> Line:
    say, plant = view.texts, view.plant
    left: Line = ((f"{say.title(plant.title)} / {name}", "panel bold"),)
    alarms = (*_count(plant.waiting, "waiting", say), *_count(plant.active, "active", say))
    paused = ((f"{say('tui.is_paused')}", "reverse bold"), ("  ", "panel"))
    right: Line = (
        *(paused if view.paused else ()),
        *(alarms if plant.alarms_known else ((f"[!] {say('tui.alarms_unknown')}", "high"), ("  ", "panel"))),
        *_agent(view),
        (f"  {view.time(plant.as_of)}", "panel"),
    )
    return _on_panel(apart(left, right, view.width))


def _on_panel(line: Line) -> Line:
    return tuple((text, role or "panel") for text, role in line)


def _count(alarms: list[Alarm], what: str, say: Texts) -> Line:
    """`[!!] 2 unacknowledged`, with the mark of the highest; plain when there is none."""
    word = say(f"tui.{what}", count=len(alarms))
    if not alarms:
        return ((f"{word}  ", "panel label"),)
    highest = min((a.priority for a in alarms), key=PRIORITIES.index)
    return (MARKS[highest], highest), (f" {word}  ", "panel bold")


def _agent(view: View) -> Line:
    state = view.plant.agent.state
    word = view.texts(f"tui.agent.{state}")
    return ((word, "panel"),) if state == "running" else ((f"[!] {word}", "high"),)


def _second(view: View, page: str) -> Line:
    """A rule; on pages without an alarm list the highest alarm stands here."""
    alarms = view.plant.alarms
    if page == "overview" or not alarms:
        return (("-" * view.width, "dim"),)
    said = sentence(alarms[0], view.look.site, view.texts)
    return fitted((alarm_mark(alarms[0]), (f" {view.time(alarms[0].raised)}  {said}", "bold")), view.width)


def _state(view: View) -> Line:
    """What is wrong or was just asked, else how the store is."""
    say, width = view.texts, view.width
    if view.look.fault:
        return fitted((("[!] ", "high bold"), (" ".join(view.look.fault.split()), "high")), width, "high")
    if view.paused:
        return fitted(((say("tui.paused"), "reverse bold"),), width, "reverse")
    if view.notice:
        return fitted(((view.notice, "bold"),), width)
    agent = view.plant.agent
    gone = AGENT_GONE.get(agent.state)
    if gone and view.plant.as_of:  # a site that never had data says what to do first by itself
        why = say(f"trouble.{agent.trouble}") if agent.trouble else ""
        return fitted((("[!] ", "high bold"), (say(gone, why=why), "high")), width, "high")
    return fitted(_store(view), width)


def _store(view: View) -> Line:
    say, plant = view.texts, view.plant
    past = plant.past
    if not past.at:
        return ()  # the first look has not waited for it
    if past.size is None:
        return ((say("tui.no_database"), "label"),)
    days = 0 if past.oldest is None else max(view.look.now - past.oldest, 0) // DAY_US + 1
    line: list[Span] = [(say("tui.store", size=size(past.size), days=days, free=size(past.free)), "label")]
    if past.whole_from is not None:
        whole = max(view.look.now - past.whole_from, 0) // DAY_US
        line.append((say("tui.thinned", days=whole), "label"))
    for name, count in plant.health.items():
        line.append((say(f"tui.{name.replace('.', '_')}", count=count), "bold"))
    return tuple((text + "  ", role) for text, role in line)


def _keys(view: View, page: str) -> Line:
    spans: list[Span] = []
    for action in [a for a in on_page(page) if a.in_footer][:MOST_KEYS]:
        spans += [(action.shown(1), "panel bold"), (f" {view.texts(action.text_key)}  ", "panel label")]
    return fitted(tuple(spans), view.width, "panel")
