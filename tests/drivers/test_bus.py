"""The bus: one question at a time, the silent gap, stale input thrown away, a lost line opened again."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from drivers.bus import Bus, StreamBus
from drivers.error import LinkError
from drivers.link import Link, SerialLink, TcpLink
from drivers.sim.carrier import MemoryLink
from drivers.wire import Wire
from tests.virtual import run


class Wait:
    """Takes the first bytes as the answer."""

    def feed(self, data: bytes) -> bytes | None:
        return data

    def flush(self) -> bytes | None:
        return None

    def damaged(self) -> bool:
        return False


class Cable:
    """A link that echoes, logs, holds stale input and can break."""

    def __init__(self, stale: bytes = b"", silent: bool = False, broken: bool = False) -> None:
        self.log: list[tuple[float, bytes]] = []
        self._input = [stale] if stale else []
        self.silent, self.broken, self.closed = silent, broken, False

    async def write(self, data: bytes) -> None:
        if self.broken:
            raise LinkError("closed")
        self.log.append((time.monotonic(), data))
        if not self.silent:
            self._input.append(b"re:" + data)

    async def read(self, timeout_s: float) -> bytes:
        if self.broken:
            raise LinkError("closed")
        if self._input:
            return self._input.pop(0)
        await asyncio.sleep(timeout_s)
        return b""

    async def set(self, wire: Wire) -> None:
        """A cable has no settings."""

    async def close(self) -> None:
        self.closed = True


def bus_over(*wires: Cable, kind: type[Bus] = Bus, gap_s: float = 0.0) -> Bus:
    left = list(wires)

    async def opened() -> Link:
        if not left:
            raise LinkError("no_port")
        return left.pop(0)

    return kind("test", opened, gap_s=gap_s, quiet_s=0.01)


async def test_questions_wait_for_each_other_and_for_the_gap() -> None:
    wire = Cable()
    bus = bus_over(wire, gap_s=0.02)
    answers = await asyncio.gather(*(bus.ask(bytes([i]), Wait(), 1.0) for i in range(4)))
    assert answers == [b"re:" + bytes([i]) for i in range(4)]
    times = [at for at, _ in wire.log]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.02


async def test_input_that_nobody_asked_for_is_thrown_away() -> None:
    bus = bus_over(Cable())
    await bus.ask(b"0", Wait(), 1.0)
    assert isinstance(bus._link, Cable)
    bus._link._input.append(b"late")
    assert await bus.ask(b"1", Wait(), 1.0) == b"re:1"


async def test_a_line_that_broke_while_idle_is_opened_again_at_once() -> None:
    first, second = Cable(), Cable()
    bus = bus_over(first, second)
    await bus.ask(b"0", Wait(), 1.0)
    first.broken = True
    assert await bus.ask(b"1", Wait(), 1.0) == b"re:1"
    assert first.closed
    assert [data for _, data in second.log] == [b"1"]


async def test_a_line_that_breaks_in_a_question_says_so_and_is_opened_on_the_next() -> None:
    bus = bus_over(Cable(broken=True), Cable())
    with pytest.raises(LinkError) as caught:
        await bus.ask(b"0", Wait(), 1.0)
    assert caught.value.reason == "closed"
    assert await bus.ask(b"1", Wait(), 1.0) == b"re:1"


async def test_a_serial_line_stays_open_through_silence_and_a_tcp_line_is_made_anew() -> None:
    for kind, stays in ((Bus, True), (StreamBus, False)):
        wire = Cable(silent=True)
        bus = bus_over(wire, kind=kind)
        for _ in range(3):
            with pytest.raises(LinkError, match="no_reply"):
                await bus.ask(b"0", Wait(), 0.001)
        assert wire.closed != stays


async def test_a_port_that_is_not_there_is_no_port() -> None:
    with pytest.raises(LinkError) as caught:
        await SerialLink.open("/dev/there-is-no-such-port", Wire())
    assert caught.value.reason == "no_port"


async def test_a_closed_tcp_port_is_refused() -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(LinkError) as caught:
        await TcpLink.open("127.0.0.1", port)
    assert caught.value.reason == "refused"


async def test_the_arguments_of_plant_yaml_reach_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudo terminal has no parity, so even parity is shown by what pyserial is given."""
    from drivers.build import serial_bus

    seen: dict[str, object] = {}

    async def opened(loop: object, protocol: object, url: str, **options: object) -> None:
        seen.update(options, url=url)
        raise OSError("stop here")

    monkeypatch.setattr("serial_asyncio_fast.create_serial_connection", opened)
    with pytest.raises(LinkError, match="no_port"):
        await serial_bus("line1", "/dev/ttyUSB7", Wire(2400, "E", 1)).connect()
    assert seen == {"url": "/dev/ttyUSB7", "baudrate": 2400, "parity": "E", "stopbits": 1, "exclusive": True}


def test_the_answer_to_a_question_that_was_cancelled_is_nobody_elses() -> None:
    """It may come as late as the question would have waited for it."""

    class Late:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            return [(0.9, b"re:" + data)]

    class Any:
        def feed(self, data: bytes) -> bytes | None:
            return data or None

        def flush(self) -> bytes | None:
            return None

        def damaged(self) -> bool:
            return False

    async def story() -> bytes:
        async def opened() -> Link:
            return MemoryLink(Late())

        bus = Bus("line", opened)
        asking = asyncio.create_task(bus.ask(b"Q1", Any(), 2.0))
        await asyncio.sleep(0.45)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return await bus.ask(b"Q2", Any(), 2.0)

    assert run(story()) == b"re:Q2"
