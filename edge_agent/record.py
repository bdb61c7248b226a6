"""Writing what the polls saw and the alarms it causes: one transaction a flush interval, and the inbox after it.

A failed commit loses nothing: the batches stay, the queue fills, and the polls wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from drivers.driver import Clock
from drivers.reading import Quality
from edge_agent.alarm.guard import Guard
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox
from edge_agent.requests import drain
from edge_agent.retry import Retry
from edge_agent.site import Site
from edge_agent.store.lock import beat
from edge_agent.store.store import Store

log = logging.getLogger("leafgate.record")
T = TypeVar("T")
FLUSH_S = 1.0
QUEUE_BATCHES = 1000  # full: the polls wait


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
    _guard: Guard = field(init=False)
    _waiting: list[Batch] = field(default_factory=list)
    _reported: Counter[str] = field(default_factory=Counter)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "store"))

    def __post_init__(self) -> None:
        self._guard = Guard(self.site, self.store.alarms, self.clock, self.health)

    async def run(self) -> None:
        """Flush and look into the inbox until `stopping`, then finish what is begun."""
        flushing, serving, beating, tidying = Retry(), Retry(), Retry(), Retry()
        serve_at = tidy_at = 0.0
        while not self.stopping.is_set():
            await self._pause(FLUSH_S)
            if not await self._tried(self._beat, beating, "the lock file"):
                beating.next_wait()  # tried again at every turn, but logged once
            if not await self._tried(self.flush, flushing, "the store"):
                await self._pause(flushing.next_wait())
                continue
            now = asyncio.get_running_loop().time()
            if now >= tidy_at and not await self._tried(self._tidy, tidying, "sealing"):
                tidy_at = now + tidying.next_wait()
            # One request a turn, so that a large import never keeps readings from the disk.
            if now >= serve_at and not await self._tried(self.serve, serving, "the inbox"):
                serve_at = now + serving.next_wait()

    async def _beat(self) -> None:
        beat(self.site.data)

    async def _tidy(self) -> None:
        """One step a turn, which the next flush waits for."""
        await self._in_thread(self.store.tidy)

    async def serve(self) -> None:
        """Carry out one request."""
        if await self._in_thread(lambda: drain(self.store, self.site, self.inbox, most=1)):
            self._guard.learn()

    async def _tried(self, work: Callable[[], Awaitable[None]], retry: Retry, name: str) -> bool:
        """Whether it worked; the first failure of a row is logged, and the recovery."""
        try:
            await work()
        except (sqlite3.Error, OSError) as error:
            level = logging.DEBUG if retry.failures else logging.ERROR
            log.log(level, "%s cannot write, %d batches wait: %s", name, len(self._waiting), error)
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

    async def flush(self) -> None:
        """Commit everything that was seen so far; raises what SQLite raises, and then keeps it all."""
        room = QUEUE_BATCHES - len(self._waiting)
        while room > 0 and not self.batches.empty():
            self._waiting.append(self.batches.get_nowait())
            self._guard.look(self._waiting[-1])
            room -= 1
        now, counts = self.clock(), Counter(self.health)
        batches = [*self._waiting, self._health(counts, now)]
        await self._in_thread(lambda: self._commit(batches, now))
        self._waiting.clear()
        self._guard.written()
        self._reported = counts
        if self._guard.overdue:
            await self._in_thread(self._guard.renew)

    async def close(self) -> None:
        """The last flush; says how much a disk that refuses has cost."""
        try:
            while self._waiting or not self.batches.empty():
                await self.flush()
        except (sqlite3.Error, OSError) as error:
            rows = sum(len(batch) for batch in self._waiting) + self.batches.qsize()
            log.error("stopped with %d readings or more that the disk did not take: %s", rows, error)
        finally:
            self._thread.shutdown()

    def _commit(self, batches: list[Batch], now: int) -> int:
        if not self._guard.events and not any(len(batch) for batch in batches):
            return 0
        with self.store.transaction():
            self._guard.write(now)
            return self.store.write(batches)

    def _health(self, counts: Counter[str], now: int) -> Batch:
        batch = Batch()
        for tag, count in counts.items():
            if count != self._reported[tag]:
                batch.add(tag, now, now, float(count), Quality.GOOD, None)
        return batch

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
