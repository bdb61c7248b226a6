"""Writing what the polls saw and the alarms it causes: one transaction a flush interval, and the inbox after it.

A failed commit loses nothing: the batches stay, and where too much waits, the polls wait too. That time is a
gap, which the first commit that works enters.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TypeVar

from drivers.driver import Clock
from drivers.reading import Quality
from edge_agent.alarm.guard import Guard
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox
from edge_agent.requests import drain
from edge_agent.rescue.mend import mend
from edge_agent.retry import Retry
from edge_agent.room import Room
from edge_agent.site import Site
from edge_agent.store.lock import beat, tell
from edge_agent.store.rescue.aside import DAMAGED
from edge_agent.store.rescue.check import is_damage
from edge_agent.store.rescue.opening import HOLES, LOOKS, alarm_of
from edge_agent.store.store import Store
from edge_agent.store.trouble import trouble_of
from edge_agent.time.boot import boot_id
from edge_agent.time.clock import Timepiece
from edge_agent.waiting import MOST_ROWS

log = logging.getLogger("leafgate.record")
T = TypeVar("T")
FLUSH_S = 1.0
FIRST_S = (0.02, 0.04, 0.08, 0.16, 0.32)  # the first pauses: who starts an agent waits for its first readings
DISK = (sqlite3.Error, OSError, UnicodeDecodeError, zlib.error)  # what a disk makes of a write or a read
FAILURES = "agent.store_failures"  # the health tag that counts the commits that failed


@dataclass
class Recorder:
    """The one who writes; its thread keeps a slow disk away from the devices."""

    site: Site
    store: Store
    inbox: Inbox
    batches: asyncio.Queue[Batch]
    clock: Clock
    health: Counter[str]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    storing: asyncio.Event = field(default_factory=asyncio.Event)  # unless the disk has refused the last flush
    _guard: Guard = field(init=False)
    _room: Room = field(init=False)
    damaged: str | None = None  # why plant.db must be put away
    _doubts: int = 0  # how often in a row it seemed to be
    _waiting: list[Batch] = field(default_factory=list)
    _told: str = ""  # why nothing can be stored, as it stands on the card of the lock
    _reported: Counter[str] = field(default_factory=Counter)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "store"))

    def __post_init__(self) -> None:
        self._guard = Guard(self.site, self.store.alarms, self.clock, self.health)
        self._room = Room(self.site, self.store)

    async def run(self) -> None:
        """Flush and look into the inbox until `stopping`, then finish what is begun."""
        flushing, serving, beating, tidying, mending = Retry(), Retry(), Retry(), Retry(), Retry()
        serve_at = tidy_at = 0.0
        pauses = chain(FIRST_S, repeat(FLUSH_S))
        while not self.stopping.is_set():
            await self._pause(next(pauses))
            if not await self._tried(self._beat, beating, "the lock file"):
                beating.next_wait()  # tried again at every turn, but logged once
            if self.damaged and not await self._tried(self._mend, mending, "the quarantine"):
                await self._pause(mending.next_wait())
                continue
            if not await self._tried(self._flush_and_tell, flushing, "the store"):
                self._room.refused(self.batches.full(), self.clock())
                if not await self._tried(self._tidy, tidying, "sealing", (Exception,)):  # it may make room
                    tidying.next_wait()  # tried again at every turn, but logged once
                await self._pause(flushing.next_wait())
                continue
            now = asyncio.get_running_loop().time()
            if now >= tidy_at and not await self._tried(self._tidy, tidying, "sealing", (Exception,)):
                tidy_at = now + tidying.next_wait()
            # One request a turn, so that a large import never keeps readings from the disk.
            if now >= serve_at and not await self._tried(self.serve, serving, "the inbox"):
                serve_at = now + serving.next_wait()

    async def _beat(self) -> None:
        beat(self.site.data)

    async def _mend(self) -> None:
        """Go on with a new file; what waits is written to it, and the damaged one waits for `salvage`."""
        why, self.damaged = self.damaged, None
        self._doubts += 1
        sure = self._doubts >= LOOKS
        if await self._in_thread(lambda: mend(self.site.data, self.store, self.clock, why, sure)):
            self._doubts = 0
            self._guard.alarms = self.store.alarms
            await self._in_thread(self._guard.renew)

    def doubt(self, why: str) -> None:
        """A look at plant.db found it damaged: it is put away before the next flush."""
        self.damaged = why

    def holes(self, count: int) -> None:
        """Raise the alarm about blocks that do not decode with the next flush."""
        log.error("%d blocks do not decode", count)
        self._guard.events.append(alarm_of(HOLES, DAMAGED, self.clock()))

    async def _tidy(self) -> None:
        """One step a turn, which the next flush waits for."""
        await self._in_thread(self.store.tidy)

    async def serve(self) -> None:
        """Carry out one request."""
        if await self._in_thread(lambda: drain(self.store, self.site, self.inbox, 1, self.clock)):
            self._guard.learn()

    async def _tried(
        self, work: Callable[[], Awaitable[None]], retry: Retry, name: str, caught: tuple[type[Exception], ...] = DISK
    ) -> bool:
        """Whether it worked; the first failure of a row is logged, and the recovery.

        caught: what is survived; any fault where no reading waits for the work.
        """
        try:
            await work()
        except caught as error:
            if is_damage(error):
                self.damaged = str(error)
            level = logging.DEBUG if retry.failures else logging.ERROR
            fault = not isinstance(error, DISK) and not retry.failures  # of ours: where it lies is logged as well
            log.log(level, "%s cannot write, %d batches wait: %s", name, len(self._waiting), error, exc_info=fault)
            return False
        if retry.failures:
            log.info("%s writes again", name)
        retry.reset()
        return True

    async def _pause(self, seconds: float) -> None:
        """Wait, but not past the stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    async def _flush_and_tell(self) -> None:
        """Flush; screens learn from the card of the lock why that does not work."""
        try:
            await self.flush()
        except (sqlite3.Error, OSError) as error:
            self.health[FAILURES] += 1
            self.storing.clear()
            await self._tell(trouble_of(error, self.site.data))
            raise
        self.storing.set()
        await self._tell("")

    async def _tell(self, trouble: str) -> None:
        if trouble != self._told:
            self._told = trouble
            with contextlib.suppress(OSError):  # a read-only disk tells by itself
                await self._in_thread(lambda: tell(self.site.data, trouble))

    async def flush(self) -> None:
        """Commit everything that was seen so far; raises what SQLite raises, and then keeps it all."""
        rows = sum(map(len, self._waiting))
        while rows < MOST_ROWS and not self.batches.empty():
            self._waiting.append(self.batches.get_nowait())
            self._guard.look(self._waiting[-1])
            rows += len(self._waiting[-1])
        now, counts = self.clock(), Counter(self.health)
        batches = [*self._waiting, self._health(counts, now)]
        self._guard.events += self._room.events(now)
        await self._in_thread(lambda: self._commit(batches, now))
        self._waiting.clear()
        self._guard.written()
        self._room.written()
        self._reported, self._doubts = counts, 0
        if self._guard.overdue:
            await self._in_thread(self._guard.renew)

    async def close(self) -> None:
        """The last flush; says how much a disk that refuses has cost."""
        self._room.ending = True
        try:
            while self._waiting or not self.batches.empty():
                await self.flush()
        except (sqlite3.Error, OSError) as error:
            lost = [*self._waiting, *_emptied(self.batches)]
            log.error("stopped with %d readings that the disk did not take: %s", sum(map(len, lost)), error)
            self._room.give_up(lost, self.clock())
        finally:
            self._thread.shutdown()

    def _commit(self, batches: list[Batch], now: int) -> int:
        if self.store.regain():
            self._guard.alarms = self.store.alarms
        if not self._guard.events and not any(len(batch) for batch in batches):
            return 0
        if refusal := self._room.refusal(now):
            with self.store.transaction():
                self._guard.write(now)  # so that somebody learns of it
            raise refusal
        with self.store.transaction():
            if isinstance(self.clock, Timepiece):
                self.store.apart.enter(boot_id(), self.clock.era, self.clock.before)
            self._guard.write(now)
            self._room.write(now)
            return self.store.write(batches)

    def _health(self, counts: Counter[str], now: int) -> Batch:
        batch = Batch()
        for tag, count in counts.items():
            if count != self._reported[tag]:
                batch.add(tag, now, now, float(count), Quality.GOOD, None)
        return batch

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _emptied(batches: asyncio.Queue[Batch]) -> Iterator[Batch]:
    """What is still in a queue."""
    while not batches.empty():
        yield batches.get_nowait()
