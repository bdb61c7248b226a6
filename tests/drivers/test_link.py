"""A TCP link: what came is read, silence takes as long as was asked for, and an end of the line is an error."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from drivers.error import LinkError
from drivers.link import KEPT, TcpLink

HOST = "127.0.0.1"


@contextlib.asynccontextmanager
async def joined() -> AsyncIterator[tuple[TcpLink, asyncio.StreamWriter]]:
    """A link, and the writer at its far end."""
    far: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far.set_result(writer)

    server = await asyncio.start_server(connected, HOST, 0)
    link = await TcpLink.open(HOST, server.sockets[0].getsockname()[1])
    try:
        yield link, await far
    finally:
        await link.close()
        (await far).close()
        server.close()
        await server.wait_closed()


async def test_silence_takes_as_long_as_each_read_asked_for() -> None:
    """One timer serves many reads: a shorter time after a longer one counts, and a longer one after a shorter."""
    async with joined() as (link, far):
        loop = asyncio.get_running_loop()
        far.write(b"a")
        assert await link.read(60.0) == b"a"
        for timeout_s in (0.02, 0.005, 0.06):
            begun = loop.time()
            assert await link.read(timeout_s) == b""
            assert loop.time() - begun >= timeout_s - 1e-4
        with pytest.raises(StopIteration) as said:  # it never gives way to the loop, which would take time
            link.read(0.0).send(None)
        assert said.value.value == b""


async def test_what_came_before_the_end_is_read_first_and_then_the_end_is_an_error() -> None:
    async with joined() as (link, far):
        far.write(b"last words")
        far.close()
        await far.wait_closed()
        assert await link.read(1.0) == b"last words"
        for _ in range(2):
            with pytest.raises(LinkError, match="closed"):
                await link.read(1.0)
        with pytest.raises(LinkError, match="closed"):
            await link.write(b"?")


async def test_of_what_nobody_reads_only_the_newest_is_kept() -> None:
    """A peer that babbles on an idle line; a frame at the end of it is whole."""
    link = TcpLink()
    frame = bytes(range(256))
    for _ in range(100):
        link.data_received(b"\x55" * 4096)
        assert len(link._arrived) <= 2 * KEPT
    link.data_received(frame)
    data = await link.read(1.0)
    assert KEPT <= len(data) <= 2 * KEPT
    assert data.endswith(b"\x55" + frame)
    link.data_received(frame)
    assert await link.read(1.0) == frame


async def test_a_read_that_is_given_up_loses_nothing() -> None:
    async with joined() as (link, far):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await link.read(60.0)
        far.write(b"late")
        assert await link.read(1.0) == b"late"
