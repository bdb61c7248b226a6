"""A TCP door before a server: it can hold everything back, throw everybody out, and be shut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

READ_SIZE = 65536
LOOK_S = 0.05  # how often it looks whether it still holds back


class Relay:
    """Carries bytes between clients and the server at an inner port; `is_held` says when it does not."""

    def __init__(self, host: str, inner: int, is_held: Callable[[], bool]) -> None:
        self._host, self._inner, self._is_held = host, inner, is_held
        self._open: dict[asyncio.Task[None] | None, tuple[asyncio.StreamWriter, ...]] = {}

    @contextlib.asynccontextmanager
    async def served(self, port: int) -> AsyncIterator[int]:
        """Listen until the block ends, on a port of its own choice when 0 was asked for."""
        # Begun inside the try: cancelled while it begins, it would leave its socket open.
        server = await asyncio.start_server(self._connected, self._host, port, start_serving=False)
        try:
            await server.start_serving()
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await self.drop()
            await server.wait_closed()

    async def drop(self) -> None:
        """Close every connection there is."""
        for writers in self._open.values():
            for writer in writers:
                writer.transport.abort()
        await asyncio.gather(*filter(None, self._open), return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._open[task] = (writer,)
        inner = None
        try:
            inner_reader, inner = await asyncio.open_connection(self._host, self._inner)
            self._open[task] = (writer, inner)
            await asyncio.gather(self._carry(reader, inner), self._carry(inner_reader, writer))
        except OSError:
            pass  # one side is gone, so is the other
        finally:
            self._open.pop(task, None)
            for one in filter(None, (writer, inner)):
                one.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ_SIZE):
            while self._is_held() and not writer.is_closing():  # noqa: ASYNC110  a schedule decides
                await asyncio.sleep(LOOK_S)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
