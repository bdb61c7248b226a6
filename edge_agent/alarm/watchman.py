"""Who looks at every batch on its way to the disk: which alarms its readings raise and clear.

It knows what holds now and nothing about people; how an alarm stands is the log's business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from configs.quantity import quantities
from drivers.driver import Clock
from drivers.reading import Kind, Quality
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.limits import Limit
from edge_agent.alarm.rules import HOLDS, state_after
from edge_agent.batch import Batch
from edge_agent.clock import AHEAD_US
from edge_agent.energy.counter import NEAR_TOP, NEAR_ZERO
from edge_agent.ledger import Ledger, multiplier
from edge_agent.period import US
from edge_agent.poll import LINK_ITEM, LinkState
from edge_agent.site import Site
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.reader import Reader

LINK_PRIORITY, FELL_PRIORITY = "high", "medium"
REMOVED = "removed"  # the reason when plant.yaml no longer has the alarm
POLLS_TRUSTED = 2.5  # of a device that misses two polls in a row nothing is known


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


class Watchman:
    """The conditions of a site's alarms; every batch is shown once, in the order it came."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self._site, self._clock = site, clock
        reader = AlarmReader(site.data)
        held = {a: e[0] for a, e in reader.standing().items() if state_after(x.event for x in e) in HOLDS}
        self._limits = dict(_limits(site, held))
        self._links = {f"{name}.{LINK_ITEM}": name for name in site.plant.devices}
        self._down = self._links.keys() & held.keys()
        self._registers = dict(_registers(site))
        for tag, (at, value) in reader.last_good(self._registers, clock() + AHEAD_US).items():
            self._registers[tag].at, self._registers[tag].value = at, value
        self._gone = [event for alarm, event in held.items() if not self._has(alarm, event)]
        self.learn()

    def learn(self) -> None:
        """Read the ledger again: somebody may have changed a ratio."""
        self._ledger = Ledger(self._site, Reader(self._site.data).ledger())

    def gone(self) -> list[AlarmEvent]:
        """The end of alarms that plant.yaml no longer has; answered once."""
        events, self._gone = self._gone, []
        now = self._clock()
        return [AlarmEvent(e.alarm, e.kind, e.tag, now, Event.CLEAR, e.priority, reason=REMOVED) for e in events]

    def look(self, batch: Batch) -> list[AlarmEvent]:
        """The events that the readings of a batch cause; a reading without a value causes none."""
        found: list[AlarmEvent] = []
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
        return found

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
        if down == (tag in self._down):
            return
        self._down ^= {tag}
        event = Event.RAISE if down else Event.CLEAR
        yield AlarmEvent(tag, "link", self._links[tag], at, event, LINK_PRIORITY, reason=why)


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
