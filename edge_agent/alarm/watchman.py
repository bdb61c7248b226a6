"""Who looks at every batch on its way to the disk: which alarms its readings raise and clear.

It knows what holds now and nothing about people; how an alarm stands is the log's business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from configs.quantity import quantities
from drivers.driver import Clock
from drivers.reading import Kind, Quality
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.limits import Limit
from edge_agent.alarm.rules import HOLDS, state_after
from edge_agent.batch import Batch
from edge_agent.energy.counter import NEAR_TOP, NEAR_ZERO
from edge_agent.ledger import Ledger, multiplier
from edge_agent.period import US
from edge_agent.poll import LINK_ITEM, LinkState
from edge_agent.site import Site
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.reader import Reader
from edge_agent.time.clock import AHEAD_US

LINK_PRIORITY, FELL_PRIORITY = "high", "medium"
REMOVED = "removed"  # the reason when plant.yaml no longer has the alarm
POLLS_TRUSTED = 2.5  # of a device that misses two polls in a row nothing is known
# A lost reply or two are no alarm: a device asked seldom must have missed two polls more (POLLS_TRUSTED).
LINK_DELAY_US = 30 * US


@dataclass(slots=True)
class _Register:
    """A counter's last good reading, and where it returns to 0, in the quantity's unit."""

    modulus: float | None
    at: int = -1
    value: float | None = None

    def fell_from(self, value: float, at: int) -> float | None:
        """The larger register before it, when this reading is smaller and that is no rollover."""
        if at < self.at:
            return None
        before, self.at, self.value = self.value, at, value
        if before is None or value >= before:
            return None
        top = self.modulus
        rolled_over = top is not None and NEAR_TOP * top < before and value < NEAR_ZERO * top
        return None if rolled_over else before


@dataclass(slots=True)
class _Link:
    """One device's link: for how long it must be down, whether its alarm holds, since when it is down and why."""

    device: str
    delay: int
    active: bool
    since: int | None = None
    reason: str | None = None


class Watchman:
    """The conditions of a site's alarms; every batch is shown once, in the order it came.

    `begun` is when the agent started: a link is written once, and what an earlier run wrote of it is past.
    """

    def __init__(self, site: Site, clock: Clock, begun: int) -> None:
        self._site, self._clock, self._moment = site, clock, 0
        reader = AlarmReader(site.data)
        held = {a: e[0] for a, e in reader.standing().items() if state_after(x.event for x in e) in HOLDS}
        self._limits = dict(_limits(site, held))
        self._links = dict(_links(site, held))
        self._registers = dict(_registers(site))
        known = reader.last_good([*self._registers, *self._links], clock() + AHEAD_US)
        for tag in self._registers.keys() & known.keys():
            self._registers[tag].at, self._registers[tag].value, _ = known[tag]
        self._found = [_removed(e, clock()) for alarm, e in held.items() if not self._has(alarm, e)]
        for tag in self._links.keys() & known.keys():
            at, value, why = known[tag]
            if at > begun:
                self._found += self._link(tag, value == LinkState.DOWN, at, why)
        self.learn()

    def learn(self) -> None:
        """Read the ledger again: somebody may have changed a ratio."""
        self._ledger = Ledger(self._site, Reader(self._site.data).ledger())

    def found(self) -> list[AlarmEvent]:
        """The alarms that ended before any batch: gone from plant.yaml, or unseen; answered once."""
        events, self._found = self._found, []
        return events

    def look(self, batch: Batch) -> list[AlarmEvent]:
        """The events that the readings of a batch cause; a reading without a value causes none."""
        found: list[AlarmEvent] = []
        self._pass(max(batch.seen, default=self._moment))
        rows = zip(batch.tags, batch.at, batch.seen, batch.values, batch.qualities, batch.reasons, strict=True)
        for tag, at, seen, value, quality, why in rows:
            if value is None or quality > Quality.UNCERTAIN or at > seen + AHEAD_US:
                continue
            if tag in self._limits:
                found += self._passed(tag, value, at)
            if tag in self._registers and quality == Quality.GOOD:
                found += self._fell(tag, value, at)
            if tag in self._links:
                found += self._link(tag, value == LinkState.DOWN, at, why)
        return [*found, *self._lost()]

    def _pass(self, moment: int) -> None:
        """Time goes on with the readings; after a wrong date in the future every condition begins anew."""
        if moment < self._moment - AHEAD_US:
            for limit in chain.from_iterable(self._limits.values()):
                limit.forget()
            for register in self._registers.values():
                register.at = -1
        self._moment = moment

    def _has(self, alarm: str, event: AlarmEvent) -> bool:
        """Whether plant.yaml still has an alarm that holds; those that others raise are not ours to end."""
        if event.kind == "link":
            return alarm in self._links
        if event.kind in ("high", "low"):
            return any(limit.side == event.kind for limit in self._limits.get(event.tag, []))
        return True

    def _passed(self, tag: str, value: float, at: int) -> Iterator[AlarmEvent]:
        primary = value * multiplier(self._site, self._ledger, tag, at)
        priority = self._site.plant.alarms[tag].priority
        for limit in self._limits[tag]:
            event = limit.see(primary, at)
            if event:
                yield AlarmEvent(f"{tag}.{limit.side}", limit.side, tag, at, event, priority, primary, limit.bound)

    def _fell(self, tag: str, value: float, at: int) -> Iterator[AlarmEvent]:
        """Raised and cleared at once: it stays as returned until somebody has seen it."""
        before = self._registers[tag].fell_from(value, at)
        if before is not None:
            ratio = multiplier(self._site, self._ledger, tag, at)
            for event in (Event.RAISE, Event.CLEAR):
                yield AlarmEvent(f"{tag}.fell", "fell", tag, at, event, FELL_PRIORITY, value * ratio, before * ratio)

    def _link(self, tag: str, down: bool, at: int, why: str | None) -> Iterator[AlarmEvent]:
        """Cleared at once; a loss waits for its delay."""
        link = self._links[tag]
        if down:
            link.since, link.reason = at if link.since is None else link.since, why
            return
        link.since = None
        if link.active:
            link.active = False
            yield AlarmEvent(tag, "link", link.device, at, Event.CLEAR, LINK_PRIORITY, reason=why)

    def _lost(self) -> Iterator[AlarmEvent]:
        """The links that have been down for their delay; any device's batch shows that time has passed."""
        for tag, link in self._links.items():
            if link.since is None or link.active:
                continue
            link.since = min(link.since, self._moment)
            if self._moment - link.since >= link.delay:
                link.active = True
                yield AlarmEvent(tag, "link", link.device, self._moment, Event.RAISE, LINK_PRIORITY, reason=link.reason)


def _removed(raised: AlarmEvent, now: int) -> AlarmEvent:
    """The end of an alarm that plant.yaml no longer has."""
    return AlarmEvent(raised.alarm, raised.kind, raised.tag, now, Event.CLEAR, raised.priority, reason=REMOVED)


def _links(site: Site, held: Collection[str]) -> Iterator[tuple[str, _Link]]:
    for name, device in site.plant.devices.items():
        tag = f"{name}.{LINK_ITEM}"
        yield tag, _Link(name, max(LINK_DELAY_US, int(POLLS_TRUSTED * US * device.poll)), tag in held)


def _limits(site: Site, held: Collection[str]) -> Iterator[tuple[str, list[Limit]]]:
    """The limits of plant.yaml by tag; one whose alarm holds goes on from there."""
    tags = site.tags()
    for tag, config in site.plant.alarms.items():
        device = site.plant.devices.get(tag.partition(".")[0])
        trusted = max(tags[tag].max_age, int(POLLS_TRUSTED * US * device.poll) if device else 0)
        given = (config.deadband, int(config.delay * US), trusted)
        limits = []
        if config.high is not None:
            limits.append(Limit("high", config.high, *given, active=f"{tag}.high" in held))
        if config.low is not None:
            limits.append(Limit("low", config.low, *given, active=f"{tag}.low" in held))
        yield tag, limits


def _registers(site: Site) -> Iterator[tuple[str, _Register]]:
    """Every counter that a device fills."""
    for name in site.plant.devices:
        device = site.device(name)
        for tag, item in zip(device.tags(), device.profile.items.values(), strict=True):
            if tag.kind == Kind.COUNTER:
                scale = quantities()[item.quantity].factor(item.unit) or 1.0
                yield tag.name, _Register(None if item.modulus is None else item.modulus * scale)
