"""An agent's writer in a process of its own that does as it is told and may be killed at any moment."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

from drivers.reading import Quality
from edge_agent import record
from edge_agent.batch import Batch
from edge_agent.exit import Stop
from edge_agent.inbox import Inbox
from edge_agent.record import Recorder
from edge_agent.requests import begin
from edge_agent.site import Site
from edge_agent.store import database
from edge_agent.store.lock import writing
from edge_agent.store.sealed import merge, seal
from edge_agent.store.store import Store
from tests.faults.hall import Inline
from tests.store.plain import Row

REFUSALS = (sqlite3.Error, OSError, Stop)


class Writer:
    """The handle of the process; `answer` is whether a word was carried out, False when the disk refused it."""

    def __init__(self, site: Site) -> None:
        self._here, there = Pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                _live(site, there)
            finally:
                os._exit(0)
        there.close()
        self.opened = bool(self._here.recv())

    def say(self, word: str, *arguments: object) -> None:
        """Tell it to do something."""
        self._here.send((word, arguments))

    def answer(self) -> bool:
        """Wait until that is done."""
        return bool(self._here.recv())

    def kill(self, after_s: float = 0.0) -> bool | None:
        """End it at once; what it said at last, None when it said nothing any more."""
        time.sleep(after_s)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        try:
            return bool(self._here.recv()) if self._here.poll() else None
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        finally:
            self._here.close()

    def stop(self) -> bool:
        """Let it end as on SIGTERM; whether it could store all that it had seen."""
        self.say("stop")
        done = self.answer()
        os.waitpid(self._process, 0)
        self._here.close()
        return done


def _live(site: Site, told: Connection) -> None:
    small = patch.multiple(seal, STEP_ROWS=40), patch.multiple(merge, STEP_ROWS=1, STEP_BLOCKS=3)
    quick = patch.object(record, "ThreadPoolExecutor", Inline), patch.object(database, "BUSY_MS", 50)
    with small[0], small[1], quick[0], quick[1]:
        try:
            with writing(site.data, "run"), Store(site.data) as store:
                inbox = Inbox(site.data)
                begin(store, site, inbox)
                asyncio.run(_obey(site, store, inbox, told))
        except REFUSALS:
            told.send(False)


async def _obey(site: Site, store: Store, inbox: Inbox, told: Connection) -> None:
    recorder = Recorder(site, store, inbox, asyncio.Queue(), lambda: time.time_ns() // 1000, Counter())
    told.send(True)
    words: dict[str, Callable[..., Any]] = {
        "see": lambda rows: _see(recorder, rows),
        "flush": recorder._flush_and_tell,
        "tidy": recorder._tidy,
        "serve": recorder.serve,
    }
    while (said := told.recv())[0] != "stop":
        try:
            await words[said[0]](*said[1])
            told.send(True)
        except REFUSALS:
            told.send(False)
    await recorder.close()
    told.send(not recorder._waiting)


async def _see(recorder: Recorder, rows: list[Row]) -> None:
    batch = Batch()
    for row in rows:
        batch.add(row.tag, row.at, row.seen, row.value, Quality(row.quality), row.reason)
    recorder.batches.put_nowait(batch)
