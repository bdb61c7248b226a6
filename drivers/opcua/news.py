"""What a subscription brought and nobody has taken yet: bounded, and it knows when it fell silent."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

from asyncua import ua

from drivers.driver import Clock
from drivers.error import LinkError

ROWS = 10_000  # about 8 MB; a store that is later than this is not late but broken
SILENT_PERIODS = 3  # signs of life missed before the server counts as gone
LAST_NUMBER = 2**32 - 1  # message numbers go on with 1 (OPC 10000-4, 7.8)


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one item, and when it reached us, microseconds UTC."""

    index: int
    data: ua.DataValue
    seen: int


class News:
    """The queue between asyncua's publish loop and `changes()`.

    Once something is lost nothing more is taken, so that no value stands behind a hole that nobody
    sees. A full queue is counted, and ends the subscription with LinkError overrun.
    """

    def __init__(self, clock: Clock, rows: int = ROWS) -> None:
        self._clock, self._rows = clock, rows
        self._waiting: deque[Change] = deque()
        self._woken = asyncio.Event()
        self._lost: LinkError | None = None
        self._number: int | None = None  # of the last message that carried data
        self._alive_s = float("inf")
        self._heard = asyncio.get_running_loop().time()
        self.overruns = 0

    def expect(self, alive_s: float) -> None:
        """From now on a sign of life comes at least every `alive_s` seconds."""
        self._alive_s = alive_s
        self._heard = asyncio.get_running_loop().time()

    def published(self, result: ua.PublishResult) -> None:
        """Take one message; a keep-alive carries no data. Called by asyncua before it acknowledges."""
        self._heard = asyncio.get_running_loop().time()
        message = result.NotificationMessage
        if message.NotificationData:
            self._follow(message.SequenceNumber)
        for part in message.NotificationData or ():
            if self._lost is not None:
                break
            if isinstance(part, ua.DataChangeNotification):
                self._keep(part)
            elif isinstance(part, ua.StatusChangeNotification):
                self.end(LinkError("closed", part.Status.name))
        self._woken.set()

    async def wait(self, until: float) -> None:
        """Return when something came, or at `until` on the loop's clock.

        Raises LinkError when everything is taken and the subscription is over, or silent for too long.
        """
        loop = asyncio.get_running_loop()
        while not self._waiting:
            if self._lost is not None:
                raise self._lost
            now, silent_at = loop.time(), self._heard + SILENT_PERIODS * self._alive_s
            if now >= silent_at:
                raise LinkError("no_reply", f"no sign of life for {now - self._heard:.1f} s")
            if now >= until:
                return
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(until, silent_at)):
                    await self._woken.wait()

    def take(self) -> list[Change]:
        """Everything that waits, in the order it came."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def end(self, why: LinkError) -> None:
        """The subscription is over once everything is taken; the first reason counts."""
        self._lost = self._lost or why
        self._woken.set()

    def _keep(self, part: ua.DataChangeNotification) -> None:
        if len(self._waiting) + len(part.MonitoredItems) > self._rows:
            self.overruns += 1
            self.end(LinkError("overrun", f"{self._rows} values wait"))
            return
        seen = self._clock()
        self._waiting.extend(Change(item.ClientHandle, item.Value, seen) for item in part.MonitoredItems)

    def _follow(self, number: int) -> None:
        """A message that asyncua could not decode is missing in the numbers."""
        expected = None if self._number is None else self._number % LAST_NUMBER + 1
        if expected is not None and number != expected:
            self.end(LinkError("closed", f"message {number} after {self._number}"))
        self._number = number
