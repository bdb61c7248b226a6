"""Bytes over a serial port or a TCP connection; every foreign exception ends here as a LinkError."""

from __future__ import annotations

import asyncio
import contextlib
import termios
from collections.abc import Iterator
from typing import Any, Protocol, Self

import serial_asyncio_fast

from drivers.error import LinkError
from drivers.wire import Wire

CONNECT_TIMEOUT_S = 5.0  # a TCP handshake in a plant network takes milliseconds
CLOSE_TIMEOUT_S = 1.0
KEPT = 64 * 1024  # bytes that nobody has read, the newest; far more than any frame, and a question clears them anyway
# pyserial lets termios.error through, which is no OSError.
FOREIGN = (OSError, ValueError, EOFError, termios.error)


class Link(Protocol):
    """A line that carries bytes both ways."""

    async def write(self, data: bytes) -> None:
        """Send all of it; raises LinkError when the line is gone."""
        ...

    async def read(self, timeout_s: float) -> bytes:
        """Whatever came, at least one byte; b"" after `timeout_s` of silence."""
        ...

    async def set(self, wire: Wire) -> None:
        """Have the next bytes stand like this on the line; raises LinkError."""
        ...

    async def close(self) -> None: ...


class StreamLink(asyncio.Protocol):
    """A Link over an asyncio transport; what comes in stays here until it is read, of much only the newest."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._waiting: asyncio.Future[None] | None = None  # a read that found nothing
        self._until = 0.0  # when that gives up, on the event loop's clock
        self._alarm: asyncio.TimerHandle | None = None  # one for many reads: a timer each would cost more than the read
        self._gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # why, once the line is lost

    async def write(self, data: bytes) -> None:
        if self._gone.done() or self._transport.is_closing():
            raise LinkError("closed")
        self._transport.write(data)

    async def read(self, timeout_s: float) -> bytes:
        if not self._arrived and timeout_s > 0:
            await self._wait(timeout_s)
        if self._arrived:
            data = bytes(self._arrived)
            self._arrived.clear()
            return data
        if self._gone.done():
            raise LinkError("closed", self._gone.result())
        return b""

    async def set(self, wire: Wire) -> None:
        """The far end of a connection has line settings of its own."""

    async def close(self) -> None:
        self._transport.close()
        if self._alarm is not None:
            self._alarm.cancel()
        await asyncio.wait([self._gone], timeout=CLOSE_TIMEOUT_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio gives both directions to a Protocol

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        if len(self._arrived) > 2 * KEPT:  # seldom, so that a byte is moved once at most
            del self._arrived[:-KEPT]
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(str(error or ""))
        self._wake()

    async def _wait(self, timeout_s: float) -> None:
        """Until something came, the line is lost, or the time is up."""
        if self._gone.done():
            return
        loop = asyncio.get_running_loop()
        self._until = loop.time() + timeout_s
        if self._alarm is None or self._alarm.when() > self._until:
            self._set_alarm(loop)
        self._waiting = loop.create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _set_alarm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = loop.call_at(self._until, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """The time of this read is up, or that of an earlier one."""
        self._alarm = None
        if self._waiting is not None and loop.time() < self._until:
            self._set_alarm(loop)
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class SerialLink(StreamLink):
    """A serial port: 8 data bits, the rest as given."""

    _wire: Wire

    @classmethod
    async def open(cls, port: str, wire: Wire) -> Self:
        """Open the port for us alone; raises LinkError no_port."""
        options: dict[str, Any] = {"baudrate": wire.baud, "parity": wire.parity, "stopbits": wire.stop}
        loop, link = asyncio.get_running_loop(), cls()
        with _foreign("no_port"):
            opened = serial_asyncio_fast.create_serial_connection(loop, lambda: link, port, exclusive=True, **options)
            link._transport, _ = await opened
        link._wire = wire
        return link

    async def set(self, wire: Wire) -> None:
        if wire == self._wire:
            return
        with _foreign("closed"):
            port = self._transport.get_extra_info("serial")
            port.apply_settings({"baudrate": wire.baud, "parity": wire.parity, "stopbits": wire.stop})
        self._wire = wire


class TcpLink(StreamLink):
    """A TCP connection."""

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect; raises LinkError refused, or no_reply when nobody answers at that address."""
        try:
            with _foreign("refused"):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return (await asyncio.get_running_loop().create_connection(cls, host, port))[1]
        except TimeoutError:
            raise LinkError("no_reply", f"{host}:{port}") from None


@contextlib.contextmanager
def _foreign(reason: str) -> Iterator[None]:
    """Turn what libraries raise into LinkError; our own timeouts pass."""
    try:
        yield
    except TimeoutError:
        raise
    except FOREIGN as error:
        raise LinkError(reason, str(error)) from None
