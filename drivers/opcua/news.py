"""What a subscription brought and nobody has taken yet: bounded, and it knows when it fell silent."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from asyncua import ua

from drivers.driver import Clock
from drivers.error import LinkError
from drivers.opcua.values import Row, row_of

ROWS = 10_000  # about 2 MB; beyond it the server keeps what comes
SILENT_PERIODS = 3  # signs of life missed before the server counts as gone
LAST_NUMBER = 2**32 - 1  # message numbers go on with 1 (OPC 10000-4, 7.8)


@dataclass(frozen=True, slots=True)
class Message:
    """The values of one notification, and when it reached us, microseconds UTC."""

    rows: list[Row]
    seen: int


class News:
    """The queue between asyncua's publish loop and `changes()`.

    A full one lets the publish loop wait, which is counted: until there is room nothing is
    acknowledged and nothing more is asked for. Once something is lost nothing more is taken, so
    that no value stands behind a hole that nobody sees.
    """

    def __init__(self, clock: Clock, rows: int = ROWS) -> None:
        self._clock, self._rows = clock, rows
        self._waiting: list[Message] = []
        self._count = 0  # rows in `_waiting`
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._lost: LinkError | None = None
        self._number: int | None = None  # of the last message that carried data
        self._alive_s = float("inf")
        self._heard = asyncio.get_running_loop().time()
        self.blocked = 0  # how often a message had to wait for room

    def expect(self, alive_s: float) -> None:
        """From now on a sign of life comes at least every `alive_s` seconds."""
        self._alive_s = alive_s
        self._heard = asyncio.get_running_loop().time()

    def alive(self) -> None:
        """The server did something for the subscription, and counts the time to its next sign of life from now."""
        self._heard = asyncio.get_running_loop().time()

    async def published(self, result: ua.PublishResult) -> None:
        """Take one message; a keep-alive carries no data. asyncua acknowledges when this returns."""
        self._heard = asyncio.get_running_loop().time()
        message = result.NotificationMessage
        if message.NotificationData and message.SequenceNumber:  # what asyncua tells by itself has no number
            self._follow(message.SequenceNumber)
        for part in message.NotificationData or ():
            if self._lost is not None:
                break
            if isinstance(part, ua.StatusChangeNotification):
                self.end(LinkError("closed", part.Status.name))
            else:
                await self._keep(_rows(part))
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

    def take(self) -> list[Message]:
        """Everything that waits, in the order it came."""
        taken, self._waiting, self._count = self._waiting, [], 0
        if not self._room.is_set():  # a message that waits is a sign of life
            self._heard = asyncio.get_running_loop().time()
        self._room.set()
        return taken

    def end(self, why: LinkError) -> None:
        """The subscription is over once everything is taken; the first reason counts."""
        self._lost = self._lost or why
        self._woken.set()
        self._room.set()

    async def _keep(self, rows: list[Row]) -> None:
        """A message that is larger than the queue fits into an empty one."""
        seen = self._clock()
        if self._count and self._count + len(rows) > self._rows:
            self.blocked += 1
            self._room.clear()
            await self._room.wait()
        if rows and self._lost is None:
            self._waiting.append(Message(rows, seen))
            self._count += len(rows)
            self._woken.set()

    def _follow(self, number: int) -> None:
        """A message that never came, or could not be decoded, is missing in the numbers."""
        expected = None if self._number is None else self._number % LAST_NUMBER + 1
        if expected is not None and number != expected:
            self.end(LinkError("closed", f"message {number} after {self._number}"))
        self._number = number


def _rows(part: Any) -> list[Row]:
    """A data change as it was decoded, by hand or by asyncua; events are none of ours."""
    if isinstance(part, ua.DataChangeNotification):
        return [row_of(item.ClientHandle, item.Value) for item in part.MonitoredItems]
    return part if isinstance(part, list) else []
