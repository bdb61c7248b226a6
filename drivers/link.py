"""Bytes over a serial port or a TCP connection; every foreign exception ends here as a LinkError."""

from __future__ import annotations

import asyncio
import contextlib
import termios
from collections.abc import Iterator
from typing import Any, Protocol, Self

import serial_asyncio_fast

from drivers.error import LinkError

READ_SIZE = 4096
CONNECT_TIMEOUT_S = 5.0  # a TCP handshake in a plant network takes milliseconds
CLOSE_TIMEOUT_S = 1.0
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

    async def close(self) -> None: ...


class StreamLink:
    """A Link over a pair of asyncio streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def write(self, data: bytes) -> None:
        with _foreign("closed"):
            self._writer.write(data)
            await self._writer.drain()

    async def read(self, timeout_s: float) -> bytes:
        try:
            with _foreign("closed"):
                async with asyncio.timeout(max(timeout_s, 0.0)):
                    data = await self._reader.read(READ_SIZE)
        except TimeoutError:
            return b""
        if not data:
            raise LinkError("closed")
        return data

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(*FOREIGN, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._writer.wait_closed()


class SerialLink(StreamLink):
    """A serial port: 8 data bits, the rest as given."""

    @classmethod
    async def open(cls, port: str, baud: int, parity: str = "E", stop: int = 1) -> Self:
        """Open the port for us alone; raises LinkError no_port."""
        options: dict[str, Any] = {"baudrate": baud, "parity": parity, "stopbits": stop, "exclusive": True}
        with _foreign("no_port"):
            return cls(*await serial_asyncio_fast.open_serial_connection(url=port, **options))


class TcpLink(StreamLink):
    """A TCP connection."""

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect; raises LinkError refused, or no_reply when nobody answers at that address."""
        try:
            with _foreign("refused"):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return cls(*await asyncio.open_connection(host, port))
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
