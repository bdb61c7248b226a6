"""One physical line: one owner, one lock, the silent gap, and input cleared before each question.

All protocols on a line share its Bus, each through a Port with its own line settings and its own
gap. A TCP host and port is a line too. The Bus opens the line on first use and opens it again on the
next use after a loss, under the same name: an adapter that is pulled and plugged again comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from drivers.error import LinkError
from drivers.exchange import Exchange, now
from drivers.link import Link
from drivers.wire import Wire

T_co = TypeVar("T_co", covariant=True)
Opener = Callable[[], Awaitable[Link]]

FRAME_GAP_S = 0.5  # DL/T 645: bytes of one frame are at most 500 ms apart
QUIET_S = 0.5  # after a timeout: no meter answers later than twice this, DL/T 645 allows 500 ms
BABBLE_S = 5.0  # a line that talks longer than this without an answer is noise
SILENT_ASKS = 3  # questions without answer after which a TCP connection is made anew
PATIENCE_S = 0.1  # a device that lets the line wait longer than this before its reply is slow


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


class Line(Protocol):
    """What a driver sees of a line: the Bus itself, or a Port to it."""

    @property
    def is_stream(self) -> bool:
        """Whether it is a TCP connection of a protocol's own framing, no serial line behind it."""
        ...

    @property
    def wire(self) -> Wire | None:
        """How bytes stand on it; None where they take no time."""
        ...

    async def connect(self) -> None: ...

    async def ask(self, request: bytes, receiver: Receiver[T_co], timeout_s: float) -> T_co: ...


class Bus:
    """The line and its rules; without a wire the bytes take no time, as over TCP."""

    is_stream = False

    def __init__(
        self,
        name: str,
        opener: Opener,
        *,
        gap_s: float = 0.0,
        wire: Wire | None = None,
        quiet_s: float = QUIET_S,
        frame_gap_s: float = FRAME_GAP_S,
    ) -> None:
        self.name, self.wire, self.gap_s = name, wire, gap_s
        self.tap: Callable[[Exchange], None] | None = None  # told of every question and its answer
        self.wasted_s = 0.0  # how long slow and silent devices have kept the line waiting
        self.last_wasted_s = 0.0  # of it the last question
        self._opener = opener
        self._quiet_s, self._frame_gap_s = quiet_s, frame_gap_s
        self._lock = asyncio.Lock()
        self._link: Link | None = None
        self._last_byte, self._last_gap = float("-inf"), 0.0
        self._quiet_until: float | None = None  # a late reply may still come before
        self._silent = 0

    async def connect(self) -> None:
        """Open the line if it is not open; raises LinkError."""
        async with self._lock:
            await self._opened()

    async def ask(
        self,
        request: bytes,
        receiver: Receiver[T_co],
        timeout_s: float,
        wire: Wire | None = None,
        gap_s: float | None = None,
    ) -> T_co:
        """Send a question and wait for its answer, alone on the line.

        Raises LinkError: no_reply when no answer came, noise when only damaged bytes came,
        closed, refused or no_port when there is no line.
        """
        async with self._lock:
            wire, gap_s = wire or self.wire, self.gap_s if gap_s is None else gap_s
            link = await self._ready(gap_s)
            exchange = Exchange(request, wire)
            try:
                if wire is not None:
                    await link.set(wire)
                self._quiet_until = exchange.sent + timeout_s + self._quiet_s  # stands if we are cancelled from here on
                await link.write(request)
                answer = await self._answer(link, receiver, exchange, timeout_s)
            except LinkError as error:
                self._tell(exchange, error.reason)
                self._waste(exchange.took_s)
                await self._drop()
                raise
            return await self._judged(answer, receiver, exchange, gap_s)

    async def close(self) -> None:
        """Give the line back."""
        async with self._lock:
            await self._drop()

    async def _judged(self, answer: T_co | None, receiver: Receiver[T_co], exchange: Exchange, gap_s: float) -> T_co:
        """The answer, or LinkError; either is known to the tap and to the account of waiting."""
        self._last_byte, self._last_gap = now(), gap_s
        reason = None if answer is not None else "noise" if receiver.damaged() else "no_reply"
        self._tell(exchange, reason)
        if answer is not None:
            self._waste(exchange.waited_s if exchange.waited_s > PATIENCE_S else 0.0)
            self._quiet_until, self._silent = None, 0
            return answer
        self._waste(exchange.took_s + self._quiet_s)
        self._quiet_until = now() + self._quiet_s
        await self._unanswered(receiver.damaged())
        raise LinkError(reason or "no_reply")

    def _tell(self, exchange: Exchange, reason: str | None) -> None:
        exchange.end(reason)
        if self.tap is not None:
            self.tap(exchange)

    def _waste(self, seconds: float) -> None:
        self.last_wasted_s = seconds
        self.wasted_s += seconds

    async def _opened(self) -> Link:
        if self._link is None:
            self._link = await self._opener()
            self._silent, self._quiet_until = 0, None
        return self._link

    async def _ready(self, gap_s: float) -> Link:
        """An open line without old input; one that was closed while nobody used it is opened again."""
        if self._link is not None:
            try:
                await self._settle(self._link, gap_s)
            except LinkError:
                await self._drop()
        return await self._opened()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _settle(self, link: Link, gap_s: float) -> None:
        """Keep the silent gap and throw away what came unasked, so that no late reply is taken for the next one."""
        free_at = self._last_byte + max(gap_s, self._last_gap)
        if free_at > now():
            await asyncio.sleep(free_at - now())
        end = now() + BABBLE_S
        quiet = 0.0
        if self._quiet_until is not None:
            quiet = max(self._quiet_until - now(), 0.0)
        while await link.read(quiet) and now() < end:
            quiet = gap_s if self._quiet_until is None else self._quiet_s

    async def _answer(self, link: Link, receiver: Receiver[T_co], exchange: Exchange, timeout_s: float) -> T_co | None:
        """Read until the answer, or until the time is up; a frame on its way prolongs it."""
        begun = exchange.sent
        deadline, heard = begun + timeout_s, False
        while (left := deadline - now()) > 0:
            data = await link.read(min(left, self._frame_gap_s) if heard else left)
            exchange.add(data)
            answer = receiver.feed(data) if data else receiver.flush()
            if answer is not None:
                return answer
            heard = bool(data)
            if data:
                deadline = min(max(deadline, now() + self._frame_gap_s), begun + timeout_s + BABBLE_S)
        return receiver.flush()

    async def _unanswered(self, damaged: bool) -> None:
        """A serial port stays open for the other devices on it."""


class TunnelBus(Bus):
    """A serial line behind a transparent TCP converter; a connection that lies dead is made anew."""

    async def _unanswered(self, damaged: bool) -> None:
        self._silent += 1
        if self._silent >= SILENT_ASKS:
            await self._drop()


class StreamBus(Bus):
    """A TCP line: broken framing or lasting silence calls for a new connection."""

    is_stream = True

    async def _unanswered(self, damaged: bool) -> None:
        self._silent += 1
        if damaged or self._silent >= SILENT_ASKS:
            await self._drop()


class Port:
    """One device's way to a line: the line settings and the silence before a question that it needs."""

    def __init__(self, bus: Bus, wire: Wire | None, gap_s: float) -> None:
        self.bus, self.wire, self._gap_s = bus, wire, gap_s

    @property
    def is_stream(self) -> bool:
        return self.bus.is_stream

    async def connect(self) -> None:
        await self.bus.connect()

    async def ask(self, request: bytes, receiver: Receiver[T_co], timeout_s: float) -> T_co:
        """See `Bus.ask`."""
        return await self.bus.ask(request, receiver, timeout_s, self.wire, self._gap_s)
