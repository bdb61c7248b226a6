"""The room for a site's data as the recorder sees it: its limits, the alarm about them, what a full disk has cost."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Sequence
from contextlib import suppress

from drivers.reading import Kind
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.batch import Batch
from edge_agent.poll import LINK_ITEM
from edge_agent.site import Site
from edge_agent.store.keep.budget import Budget
from edge_agent.store.keep.gaps import Gap
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.keep.retention import Keep
from edge_agent.store.sealed.span import HOUR_US
from edge_agent.store.store import PLANT_DB, Store

log = logging.getLogger("leafgate.room")
ALARM, KIND, PRIORITY = "store.room", "store", "urgent"
LOST_FILE = "lost.json"  # what an agent that was stopped could not write any more, for the next one


class NoRoomError(OSError):
    """The budget or the reserve is reached and nothing more can go: what was seen must wait."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(errno.ENOSPC, f"the {why} is reached, and nothing more can go")


class Room:
    """One recorder's view; keeps the store within what plant.yaml says."""

    def __init__(self, site: Site, store: Store) -> None:
        self._store, self._lost = store, site.data / LOST_FILE
        self._told: str | None = ""  # the strain that the alarm tells of; empty: not known yet
        self._looked: int | None = None  # when the disk refused last
        self._since: int | None = None  # from when the polls have been waiting
        self._why, self._let = "disk", 0  # why they do, and when something was let through
        self.ending = False  # the agent stops: what waits now waits for nothing, the disk itself decides
        store.keep(keep_of(site), kinds_of(site))
        with suppress(OSError, ValueError, TypeError):
            self._take_in(json.loads(self._lost.read_text()))

    def refusal(self, now: int) -> NoRoomError | None:
        """Why nothing may be added now; what waits may once an hour, so that time goes on and days end."""
        retention = self._store.retention
        if self.ending or not retention or not retention.strain or not retention.refuses:
            self._why = "disk"
            return None
        self._why = retention.strain
        if abs(now - self._let) >= HOUR_US:
            self._let = now
            return None
        return NoRoomError(retention.strain)

    def events(self, now: int) -> list[AlarmEvent]:
        """What the alarm about the room has to say since it was asked last."""
        strain = self._store.retention.strain if self._store.retention else None
        if strain == self._told:
            return []
        self._told = strain
        event = Event.RAISE if strain else Event.CLEAR
        why = f"{strain}_reached" if strain else None
        return [AlarmEvent(ALARM, KIND, PLANT_DB, now, event, PRIORITY, reason=why)]

    def refused(self, full: bool, now: int) -> None:
        """The disk did not take what waits; `full`: the polls wait too, from the last look on at the latest."""
        if full and self._since is None:
            self._since = self._looked or now
        self._looked = now

    def write(self, now: int) -> None:
        """Enter what was missed while the polls waited, inside the transaction that takes what waited."""
        if self._since is not None and now > self._since:
            self._store.gaps.add(Gap(self._why, self._since, now, ROWS, None, None, None, now))

    def written(self) -> None:
        """The transaction is on the disk."""
        self._looked = self._since = None

    def give_up(self, batches: Sequence[Batch], now: int) -> None:
        """Leave word of batches that the disk will not take any more, as far as it takes that."""
        seen = [at for batch in batches for at in batch.seen]
        tags = {tag for batch in batches for tag in batch.tags}
        lost = [self._since or min(seen, default=now), now, len(tags), len(seen)]
        try:
            self._lost.write_text(json.dumps(lost))
        except OSError as error:
            log.error("a gap of %d readings of %d tags could not be noted: %s", len(seen), len(tags), error)

    def _take_in(self, lost: list[int]) -> None:
        """What the last agent has left word of."""
        start, end, tags, readings = map(int, lost)
        with self._store.transaction():
            self._store.gaps.add(Gap("disk", start, max(end, start + 1), ROWS, None, tags, readings, end))
        self._lost.unlink()


def keep_of(site: Site) -> Keep:
    """The limits of plant.yaml."""
    return Keep(Budget(site.plant.store.budget, site.plant.store.reserve), site.zone)


def kinds_of(site: Site) -> dict[str, str]:
    """What each tag means over time, links too."""
    found = {name: tag.kind.value for name, tag in site.tags().items()}
    return found | {f"{name}.{LINK_ITEM}": Kind.STATE.value for name in site.plant.devices}
