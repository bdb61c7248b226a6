"""One physical line: one owner, one lock, the silent gap, and input cleared before each question.

All protocols on a line share its Bus. A TCP host and port is a line too. The Bus opens the line
on first use and opens it again on the next use after a loss.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from drivers.error import LinkError
from drivers.link import Link

T_co = TypeVar("T_co", covariant=True)
Opener = Callable[[], Awaitable[Link]]

FRAME_GAP_S = 0.5  # DL/T 645: bytes of one frame are at most 500 ms apart
QUIET_S = 0.5  # after a timeout: no meter answers later than twice this, DL/T 645 allows 500 ms
BABBLE_S = 5.0  # a line that talks longer than this without an answer is noise
SILENT_ASKS = 3  # questions without answer after which a TCP connection is made anew


class Receiver(Protocol[T_co]):
    """Looks for the one answer among what comes in."""

    def feed(self, data: bytes) -> T_co | None:
        """The answer once it is complete."""
        ...

    def flush(self) -> T_co | None:
        """The line went quiet: an answer that only a broken frame before it was hiding."""
        ...

    def damaged(self) -> bool:
        """Whether bytes came that belong to no frame."""
        ...


class Bus:
    """The line and its rules. `byte_s` is the time of one byte on the wire, 0 where it is no matter."""

    def __init__(
        self,
        name: str,
        opener: Opener,
        *,
        gap_s: float = 0.0,
        byte_s: float = 0.0,
        quiet_s: float = QUIET_S,
        frame_gap_s: float = FRAME_GAP_S,
    ) -> None:
        self.name = name
        self._opener = opener
        self._gap_s, self._byte_s, self._quiet_s, self._frame_gap_s = gap_s, byte_s, quiet_s, frame_gap_s
        self._lock = asyncio.Lock()
        self._link: Link | None = None
        self._free_at = 0.0  # when the silent gap after the last byte is over
        self._quiet_from: float | None = None  # since then a late reply may still come
        self._silent = 0

    async def connect(self) -> None:
        """Open the line if it is not open; raises LinkError."""
        async with self._lock:
            await self._opened()

    async def ask(self, request: bytes, receiver: Receiver[T_co], timeout_s: float) -> T_co:
        """Send a question and wait for its answer, alone on the line.

        Raises LinkError: no_reply when no answer came, noise when only damaged bytes came,
        closed, refused or no_port when there is no line.
        """
        async with self._lock:
            link = await self._ready()
            try:
                self._quiet_from = time.monotonic()  # stands if we are cancelled from here on
                await link.write(request)
                answer = await self._answer(link, receiver, len(request) * self._byte_s + timeout_s)
            except LinkError:
                await self._drop()
                raise
            self._free_at = time.monotonic() + self._gap_s
            if answer is not None:
                self._quiet_from, self._silent = None, 0
                return answer
            self._quiet_from = time.monotonic()
            await self._unanswered(receiver.damaged())
            raise LinkError("noise" if receiver.damaged() else "no_reply")

    async def close(self) -> None:
        """Give the line back."""
        async with self._lock:
            await self._drop()

    async def _opened(self) -> Link:
        if self._link is None:
            self._link = await self._opener()
            self._silent, self._quiet_from = 0, None
        return self._link

    async def _ready(self) -> Link:
        """An open line without old input; one that was closed while nobody used it is opened again."""
        if self._link is not None:
            try:
                await self._clear(self._link)
            except LinkError:
                await self._drop()
        return await self._opened()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _clear(self, link: Link) -> None:
        """Keep the silent gap and throw away what came unasked, so that no late reply is taken for the next one."""
        await asyncio.sleep(max(self._free_at - time.monotonic(), 0.0))
        end = time.monotonic() + BABBLE_S
        quiet = 0.0
        if self._quiet_from is not None:
            quiet = max(self._quiet_from + self._quiet_s - time.monotonic(), 0.0)
        while await link.read(quiet) and time.monotonic() < end:
            quiet = self._gap_s if self._quiet_from is None else self._quiet_s

    async def _answer(self, link: Link, receiver: Receiver[T_co], timeout_s: float) -> T_co | None:
        """Read until the answer, or until the time is up; a frame on its way prolongs it."""
        begun = time.monotonic()
        deadline, heard = begun + timeout_s, False
        while (left := deadline - time.monotonic()) > 0:
            data = await link.read(min(left, self._frame_gap_s) if heard else left)
            answer = receiver.feed(data) if data else receiver.flush()
            if answer is not None:
                return answer
            heard = bool(data)
            if data:
                deadline = min(max(deadline, time.monotonic() + self._frame_gap_s), begun + timeout_s + BABBLE_S)
        return receiver.flush()

    async def _unanswered(self, damaged: bool) -> None:
        """A serial port stays open for the other devices on it."""


class StreamBus(Bus):
    """A TCP line: broken framing or lasting silence calls for a new connection."""

    async def _unanswered(self, damaged: bool) -> None:
        self._silent += 1
        if damaged or self._silent >= SILENT_ASKS:
            await self._drop()
