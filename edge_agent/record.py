"""Writing what the polls saw: one transaction a flush interval, and the inbox after it.

A failed commit loses nothing: the batches stay, the queue fills, and the polls wait.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from drivers.driver import Clock
from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox
from edge_agent.requests import drain
from edge_agent.retry import Retry
from edge_agent.store.store import Store

log = logging.getLogger("leafgate.record")
FLUSH_S = 1.0
QUEUE_BATCHES = 1000  # full: the polls wait


@dataclass
class Recorder:
    """The one who writes; its thread keeps a slow disk away from the devices."""

    store: Store
    inbox: Inbox
    batches: asyncio.Queue[Batch]
    clock: Clock
    health: Counter[str]
    committed: Callable[[int], None] = lambda rows: None
    _waiting: list[Batch] = field(default_factory=list)
    _reported: Counter[str] = field(default_factory=Counter)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "store"))

    async def run(self) -> None:
        """Flush and look into the inbox for ever."""
        retry = Retry()
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
                await self._in_thread(lambda: drain(self.store, self.inbox))
                if retry.failures:
                    log.info("the store writes again")
                retry.reset()
            except (sqlite3.Error, OSError) as error:
                level = logging.DEBUG if retry.failures else logging.ERROR
                log.log(level, "the store cannot write, %d batches wait: %s", len(self._waiting), error)
                await asyncio.sleep(retry.next_wait())

    async def flush(self) -> None:
        """Commit everything that was seen so far; raises what SQLite raises, and then keeps it all."""
        room = QUEUE_BATCHES - len(self._waiting)
        while room > 0 and not self.batches.empty():
            self._waiting.append(self.batches.get_nowait())
            room -= 1
        batches = [*self._waiting, self._health()]
        rows = await self._in_thread(lambda: self._commit(batches))
        self._waiting.clear()
        self._reported = Counter(self.health)
        self.committed(rows)

    async def close(self) -> None:
        """The last flush."""
        try:
            await self.flush()
        finally:
            self._thread.shutdown()

    def _commit(self, batches: list[Batch]) -> int:
        if not any(len(batch) for batch in batches):
            return 0
        with self.store.transaction():
            return self.store.write(batches)

    def _health(self) -> Batch:
        batch, now = Batch(), self.clock()
        for tag, count in self.health.items():
            if count != self._reported[tag]:
                batch.add(tag, now, now, float(count), Quality.GOOD, None)
        return batch

    async def _in_thread(self, work: Callable[[], int]) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
