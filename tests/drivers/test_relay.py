"""The door before a simulated server: it carries, holds back, throws out and shuts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from drivers.sim.carrier import serve_tcp
from drivers.sim.relay import Relay

HOST = "127.0.0.1"


class Parrot:
    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, data)]


class Door:
    """A relay before a server that says everything back."""

    def __init__(self, inner: int) -> None:
        self.held = False
        self.relay = Relay(HOST, inner, lambda: self.held)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with serve_tcp(Parrot, HOST, 0) as inner:
        yield Door(inner)


@contextlib.asynccontextmanager
async def caller(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_it_carries_both_ways_and_holds_back_without_losing(door: Door) -> None:
    async with door.relay.served(0) as port, caller(port) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        door.held = True
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        door.held = False
        assert await reader.readexactly(3) == b"two"


async def test_it_shuts_and_throws_out_even_while_it_holds_back(door: Door) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(2.0), door.relay.served(0) as port:
            reader, writer = await stack.enter_async_context(caller(port))
            door.held = True
            writer.write(b"lost")
            await asyncio.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)


async def test_a_server_that_is_gone_closes_the_door_for_each_caller() -> None:
    async with serve_tcp(Parrot, HOST, 0) as inner:
        relay = Relay(HOST, inner, lambda: False)
    async with relay.served(0) as port, caller(port) as (reader, _):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
