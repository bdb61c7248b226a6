"""The watch: how every finding stood when it was last looked at, and an alarm where one got worse.

What changed is appended to records.db, so the watch knows after a restart what it knew before. The
alarms go through inbox.db: the agent alone writes plant.db.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from assistant.finding import Finding, State
from assistant.gap import Assessment, assess
from assistant.records import Body, Records
from edge_agent.alarm.event import Event
from edge_agent.alarm.journal import ALARM
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import me
from edge_agent.reason import Reason
from edge_agent.site import Site
from edge_agent.texts import Texts

FINDINGS = "findings"  # the collection of records.db; a record is one criterion
KIND = "watch"  # of its alarms
# How well a finding stands; what nobody can tell is worse than what is partly met.
RANK = {
    State.MET: 3,
    State.NOT_APPLICABLE: 3,
    State.PARTLY: 2,
    State.UNKNOWN: 1,
    State.BLOCKED: 1,
    State.UNMET: 0,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One finding that stands differently from when it was last looked at.

    base: the state it must reach again before its alarm clears; None while no alarm holds.
    """

    criterion: str
    before: State | None  # None: looked at for the first time
    after: State | None  # None: the framework no longer has it
    base: State | None
    reasons: tuple[Reason, ...]
    alarms: tuple[Event, ...]  # what happens to its alarm, in this order
    priority: Literal["high", "medium"]

    @property
    def is_news(self) -> bool:
        """Whether it was known before and changed."""
        return self.before is not None

    def as_body(self, texts: Texts) -> Body:
        """What records.db keeps of it, and `watch --once --json` prints."""
        return {
            "criterion": self.criterion,
            "from": self.before,
            "to": self.after,
            "reasons": [{"code": r.code, "text": r.say(texts)} for r in self.reasons],
            "base": self.base,
        }


def look(site: Site, texts: Texts, now: int) -> tuple[Assessment, list[Change]]:
    """Assess, append what changed, raise and clear its alarms; raises what an assessment raises."""
    records = Records(site.data)
    found = assess(site, now)
    changes = list(changed(_remembered(records), found))
    wishes = [wish for change in changes for wish in _wishes(change, now)]
    # The alarm first: cut off in between, the same change is found again, and an alarm twice is one.
    if wishes:
        Inbox(site.data).put(wishes)
    for change in changes:
        records.put(FINDINGS, change.criterion, change.as_body(texts), me(KIND), now)
    return found, changes


def changed(remembered: dict[str, Body], found: Assessment) -> Iterator[Change]:
    """Every finding that is new, stands differently, or is no longer there."""
    for finding in found.findings:
        known = remembered.pop(finding.criterion.id, None)
        if known is None:
            yield Change(finding.criterion.id, None, finding.state, None, finding.reasons, (), "medium")
        elif known["to"] != finding.state:
            yield _step(finding, State(known["to"]), known["base"])
    for criterion, known in remembered.items():
        alarms = (Event.CLEAR,) if known["base"] else ()
        yield Change(criterion, State(known["to"]), None, None, (), alarms, "medium")


def _step(finding: Finding, before: State, base_before: str | None) -> Change:
    """Worse than it stood: raise. Back where it stood: clear. A must that is lost only now: both, anew."""
    base, after = State(base_before or before), finding.state
    worse = RANK[after] < RANK[base]
    lost = finding.criterion.kind == "must" and after is State.UNMET
    alarms: tuple[Event, ...] = ()
    if base_before and (lost or not worse):
        alarms += (Event.CLEAR,)
    if worse and (lost or not base_before):
        alarms += (Event.RAISE,)
    held = base if worse else None
    return Change(finding.criterion.id, before, after, held, finding.reasons, alarms, "high" if lost else "medium")


def _remembered(records: Records) -> dict[str, Body]:
    """The newest word on each criterion that the framework had when last looked at."""
    newest = {key: version.body for key, version in records.as_of(FINDINGS).items()}
    return {key: body for key, body in newest.items() if body["to"] is not None}


def _wishes(change: Change, now: int) -> Iterator[Request]:
    for event in change.alarms:
        said: dict[str, Any] = {
            "id": f"{KIND}.{change.criterion}",
            "kind": KIND,
            "tag": change.criterion,
            "priority": change.priority,
            "event": event,
            "at": now,
            "reason": f"{change.base or ''}:{change.after or ''}",
        }
        yield Request(ALARM, said, me(KIND), now)
