"""The long look at plant.db while the agent runs: once a day, and soon after an end that was not orderly."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drivers.driver import Clock
from edge_agent.store.rescue.full_check import FullCheck
from edge_agent.store.store import PLANT_DB

log = logging.getLogger("leafgate.store")
NOTE = "last-check.json"  # in the data folder: when the last look ended, and whether the agent did in order
EVERY_S = 86_400.0
SOON_S = 60.0  # after a start that follows a disorderly end: first the devices
REST = 9.0  # times as long as a step took is waited after it: a tenth of one core
LONGEST_REST_S = 10.0


@dataclass
class Examiner:
    """One agent's looks; what they find goes to `damaged` (why the file is) and `holes` (how many blocks are)."""

    data: Path
    clock: Clock
    damaged: Callable[[str], None]
    holes: Callable[[int], None]

    async def run(self, stopping: asyncio.Event) -> None:
        """Look again and again until `stopping`."""
        last, orderly = _noted(self.data)
        _note(self.data, last, False)
        wait = max(EVERY_S - (self.clock() - last) / 1e6, SOON_S) if orderly else SOON_S
        try:
            while not await _stops(stopping, min(wait, EVERY_S)):
                if await self.look(stopping):
                    last = self.clock()
                    _note(self.data, last, False)
                wait = EVERY_S
        finally:
            _note(self.data, last, True)

    async def look(self, stopping: asyncio.Event) -> bool:
        """One look; whether it came to its end."""
        check, loop = FullCheck(self.data / PLANT_DB), asyncio.get_running_loop()
        steps = check.steps()
        try:
            begun = time.monotonic()
            while await loop.run_in_executor(None, lambda: next(steps, self)) is not self:
                rest = min((time.monotonic() - begun) * REST, LONGEST_REST_S)
                if await _stops(stopping, rest):
                    return False
                begun = time.monotonic()
        except (sqlite3.Error, OSError) as error:
            log.warning("the look at %s was broken off: %s", PLANT_DB, error)
            return False
        if check.why:
            self.damaged(check.why)
        elif check.blocks or check.commits:
            self.holes(len(check.blocks) + check.commits)
        log.info("looked at %d blocks: %s, %d do not decode", check.looked_at, check.why or "sound", len(check.blocks))
        return True


async def _stops(stopping: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()


def _noted(data: Path) -> tuple[int, bool]:
    """When the last look ended, and whether the agent ended in order; a note that is no note says neither."""
    try:
        said = json.loads((data / NOTE).read_text(encoding="utf-8"))
        return int(said["at"]), bool(said["orderly"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, False


def _note(data: Path, at: int, orderly: bool) -> None:
    part = data / f"{NOTE}.part"
    with suppress(OSError):  # a disk that is full or read-only tells by itself
        part.write_text(json.dumps({"at": at, "orderly": orderly}), encoding="utf-8")
        os.replace(part, data / NOTE)
