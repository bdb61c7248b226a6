"""Asking the devices of one line in turn, each when it is due; a slow or dead one costs the others little.

A device may take its fair part of the line at one go. Beyond that its cycle stops between two questions
for whoever is due, and goes on afterwards. What it lets the line wait is held against it: it is passed
over until its waiting is less than 5 % of the time, unless the line has that much time for nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from drivers.bus import Bus
from drivers.driver import Clock, Driver, Subscribes
from drivers.error import DriverError
from drivers.quotient import Quotients
from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.plausible import Plausible
from edge_agent.retry import Retry

log = logging.getLogger("leafgate.poll")

WASTE_SHARE = 0.04  # of the line's time that one device may let it wait while others are due
UNUSED_S = 30.0  # for so long it keeps what it did not use, so that one late answer costs it nothing


class LinkState(IntEnum):
    """Where a device's connection stands; written to the store as the tag `device.link`."""

    DOWN = 0
    UP = 1
    ASLEEP = 2

    @property
    def code(self) -> str:
        return self.name.lower()


LINK_ITEM = "link"


@dataclass
class Poll:
    """One device's place in the order of its line."""

    driver: Driver
    period_s: float
    due: float = 0.0  # on the event loop's clock
    beat: float = 0.0  # when the present cycle was due
    barred: float = -math.inf  # until then it is passed over for the others
    cost: float = 0.0  # seconds that its last question kept the line waiting
    state: LinkState | None = None
    why: str | None = None  # of a lost link, as last found
    usable: bool = False  # whether the present cycle has told anything that can be used
    retry: Retry = field(default_factory=Retry)
    plausible: Plausible = field(init=False)
    quotients: Quotients = field(init=False)

    def __post_init__(self) -> None:
        self.plausible = Plausible(self.driver.device)
        self.quotients = Quotients(self.driver.device, held=isinstance(self.driver, Subscribes))

    @property
    def name(self) -> str:
        return self.driver.device.name


async def poll_line(
    bus: Bus, polls: Sequence[Poll], batches: asyncio.Queue[Batch], clock: Clock, health: Counter[str]
) -> None:
    """Read the devices of one line for ever; every cycle goes into `batches` as one batch, a cut one as several.

    A full queue blocks the line, and that is counted: nothing is dropped.
    """
    loop = asyncio.get_running_loop()
    while True:
        now = loop.time()
        await asyncio.sleep(max(min(_asked_at(p, polls, now) for p in polls) - now, 0.0))
        begun, wasted = loop.time(), bus.wasted_s
        poll = min(polls, key=lambda p: (_asked_at(p, polls, begun) > begun, p.due))
        batch = await cycle(poll, clock, _until(poll, polls, begun))
        poll.cost = bus.last_wasted_s
        poll.barred = max(poll.barred, begun - UNUSED_S) + (bus.wasted_s - wasted) / WASTE_SHARE
        _schedule(poll, begun, loop.time(), health)
        await hand_over(batch, batches, health)


def _asked_at(poll: Poll, polls: Sequence[Poll], now: float) -> float:
    """When a device may be asked; one that keeps the line waiting comes between the others or after its bar."""
    at = max(poll.due, now)
    if poll.barred <= at:
        return at
    next_other = min((max(p.due, p.barred) for p in polls if p is not poll), default=math.inf)
    return at if at + poll.cost <= next_other else poll.barred


def _until(poll: Poll, polls: Sequence[Poll], now: float) -> float:
    """When its cycle is to stop: a dead device gets one question, any other its fair part or what is free."""
    if poll.state == LinkState.DOWN:
        return now
    others = [p.due for p in polls if p is not poll and p.state != LinkState.DOWN]
    fair = 0.0 if poll.barred > now else poll.period_s / len(polls)
    return max(now + fair, min(others, default=math.inf))


async def hand_over(batch: Batch, batches: asyncio.Queue[Batch], health: Counter[str]) -> None:
    """Put a batch into the queue; waiting for a full one is counted."""
    if batches.full():
        health["agent.blocked"] += 1
    await batches.put(batch)


async def cycle(poll: Poll, clock: Clock, until: float = math.inf) -> Batch:
    """One reading of one device; a failure becomes readings without value, with its reason."""
    batch, usable = await asked(poll, clock, until)
    if usable:
        found(poll, clock, batch)
    return batch


async def asked(poll: Poll, clock: Clock, until: float = math.inf) -> tuple[Batch, bool]:
    """One reading of one device, and whether any of it can be used; where none can, its link is down.

    The link is judged by the whole cycle: the part that time cut says nothing when it holds nothing to use.
    """
    try:
        readings = poll.quotients.added(poll.plausible.judged(await poll.driver.read(until)))
    except Exception as fault:
        poll.usable = False
        return failed(poll, clock, fault), False
    batch = Batch.of(readings)
    usable = any(r.quality != Quality.BAD for r in readings)
    told, poll.usable = poll.usable or usable, (poll.usable or usable) and poll.driver.unfinished
    if told or poll.driver.unfinished:
        return batch, usable
    # It talks, but nothing it says can be used: as good as dead, and as expensive for its line.
    why = (readings[0].reason if readings else None) or "no_reply"
    return _lost(poll, clock, batch, DriverError(why)), False


def found(poll: Poll, clock: Clock, batch: Batch) -> None:
    """The device is there: its link is up, or asleep where a reading says so, and the next loss is a first one."""
    _enter(poll, LinkState.ASLEEP if "asleep" in batch.reasons else LinkState.UP, clock, batch, None)
    poll.retry.reset()


def failed(poll: Poll, clock: Clock, fault: Exception) -> Batch:
    """What a failure leaves: no value for any tag, its reason, and the link's state where that changes."""
    if not isinstance(fault, DriverError):
        log.error("%s: fault in the driver", poll.name, exc_info=fault)
        fault = DriverError("driver_fault", type(fault).__name__)
    return _lost(poll, clock, _nothing(poll, clock, fault.reason), fault)


def _nothing(poll: Poll, clock: Clock, why: str) -> Batch:
    now, batch = clock(), Batch()
    for tag in poll.driver.device.tags():
        batch.add(tag.name, now, now, None, Quality.BAD, why)
    return batch


def _lost(poll: Poll, clock: Clock, batch: Batch, error: DriverError) -> Batch:
    level = logging.DEBUG if poll.state == LinkState.DOWN else logging.WARNING
    log.log(level, "%s: %s", poll.name, error)
    _enter(poll, LinkState.DOWN, clock, batch, error.reason)
    return batch


def _enter(poll: Poll, state: LinkState, clock: Clock, batch: Batch, why: str | None) -> None:
    if (state, why) == (poll.state, poll.why):
        return
    if poll.state == LinkState.DOWN != state:
        log.info("%s: answers again", poll.name)
    poll.state, poll.why = state, why
    now = clock()
    batch.add(f"{poll.name}.{LINK_ITEM}", now, now, float(state), Quality.GOOD, why)


def _schedule(poll: Poll, begun: float, ended: float, health: Counter[str]) -> None:
    """Keep the beat: a missed beat is counted and left out, never queued. A cut cycle goes on after those now due."""
    if poll.state == LinkState.DOWN:
        poll.beat, poll.due = 0.0, ended + max(poll.period_s, poll.retry.next_wait())
        return
    poll.beat = poll.beat or poll.due or begun
    if poll.driver.unfinished:
        poll.due = ended
        return
    missed = int((ended - poll.beat) // poll.period_s)
    health["agent.overruns"] += missed
    poll.due = poll.beat + (missed + 1) * poll.period_s
    poll.beat = 0.0
