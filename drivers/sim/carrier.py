"""How simulated devices are reached: in memory, over a pseudo terminal, over a TCP socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

from drivers.wire import Wire

READ_SIZE = 4096


class Responder(Protocol):
    """Devices on one line, without I/O."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        """Take what the master sent; answer the replies, each with its delay in seconds."""
        ...


class MemoryLink:
    """A Link straight into a Responder; `piece` cuts every reply into pieces of that many bytes."""

    def __init__(self, responder: Responder, piece: int = READ_SIZE) -> None:
        self._responder, self._piece = responder, piece
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        for delay, reply in self._responder.feed(data):
            if delay:
                asyncio.get_running_loop().call_later(delay, self._arrive, reply)
            else:
                self._arrive(reply)

    async def read(self, timeout_s: float) -> bytes:
        if not self._arrived.empty():
            return self._arrived.get_nowait()
        try:
            async with asyncio.timeout(max(timeout_s, 0.0)):
                return await self._arrived.get()
        except TimeoutError:
            return b""

    async def set(self, wire: Wire) -> None:
        """Memory has no line settings."""

    async def close(self) -> None:
        """Nothing to give back."""

    def _arrive(self, reply: bytes) -> None:
        for i in range(0, len(reply), self._piece):
            self._arrived.put_nowait(reply[i : i + self._piece])


@contextlib.asynccontextmanager
async def serve_pty(responder: Responder, path: Path) -> AsyncIterator[Path]:
    """A serial port at `path`, a symbolic link to a pseudo terminal; the baud rate has no effect there."""
    loop = asyncio.get_running_loop()
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)

    def send(data: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads, or the port is gone
            os.write(master, data)

    def receive() -> None:
        for delay, reply in responder.feed(os.read(master, READ_SIZE)):
            loop.call_later(delay, send, reply)

    loop.add_reader(master, receive)
    _point(path, os.ttyname(slave))
    try:
        yield path
    finally:
        loop.remove_reader(master)
        _point(path, None)
        os.close(slave)
        os.close(master)


def _point(path: Path, target: str | None) -> None:
    """Make the link point to a terminal, or remove it."""
    path.unlink(missing_ok=True)
    if target is not None:
        path.symlink_to(target)


@contextlib.asynccontextmanager
async def serve_tcp(responder: Callable[[], Responder], host: str, port: int) -> AsyncIterator[int]:
    """A TCP server with a fresh Responder for each connection; gives the port, chosen when 0 was asked for."""
    loop = asyncio.get_running_loop()
    open_now: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    def send(writer: asyncio.StreamWriter, data: bytes) -> None:
        if not writer.is_closing():
            writer.write(data)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        device = responder()
        open_now[asyncio.current_task()] = writer
        try:
            while data := await reader.read(READ_SIZE):
                for delay, reply in device.feed(data):
                    loop.call_later(delay, send, writer, reply)
        except ConnectionError:
            pass
        finally:
            open_now.pop(asyncio.current_task(), None)
            writer.close()

    # Begun inside the try: cancelled while it begins, it would leave its socket open.
    server = await asyncio.start_server(connected, host, port, start_serving=False)
    try:
        await server.start_serving()
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_now.values():
            writer.close()
        await asyncio.gather(*filter(None, open_now))
        await server.wait_closed()
