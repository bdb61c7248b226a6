"""An adapter that is pulled and plugged again under its by-id name; and a converter that is restarted."""

from __future__ import annotations

import asyncio
import os
import termios
from pathlib import Path

import pytest

from drivers.build import serial_bus, tunnel_bus
from drivers.bus import Bus
from drivers.error import LinkError
from drivers.sim.carrier import serve_pty, serve_tcp
from drivers.sim.plant import HOST
from drivers.wire import Wire

WIRE = Wire(9600, "N", 1)  # a pseudo terminal takes no parity


class Echo:
    """A device that gives back what it is asked."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, data)]


class Whole:
    """Takes anything as the answer."""

    def feed(self, data: bytes) -> bytes | None:
        return data or None

    def flush(self) -> bytes | None:
        return None

    def damaged(self) -> bool:
        return False


async def reason(bus: Bus) -> str:
    """Why a question has no answer; empty when it has."""
    try:
        await bus.ask(b"?", Whole(), 0.2)
    except LinkError as error:
        return error.reason
    return ""


async def test_an_adapter_plugged_in_again_is_used_again(tmp_path: Path) -> None:
    by_id = tmp_path / "usb-adapter-port0"
    bus = serial_bus("line1", str(by_id), WIRE)
    for _ in range(3):
        async with serve_pty(Echo(), by_id):
            reasons = [await reason(bus) for _ in range(2)]
            assert reasons[-1] == ""
        assert {await reason(bus) for _ in range(3)} <= {"closed", "no_port"}
    await bus.close()


class Silent:
    """A device that never answers."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return []


async def test_an_adapter_pulled_in_the_middle_of_a_question_ends_it(tmp_path: Path) -> None:
    by_id = tmp_path / "usb-adapter-port0"
    bus = serial_bus("line1", str(by_id), WIRE)
    async with serve_pty(Silent(), by_id):
        asking = asyncio.create_task(bus.ask(b"?", Whole(), 5.0))
        await asyncio.sleep(0.05)
    with pytest.raises(LinkError) as caught:
        async with asyncio.timeout(2.0):
            await asking
    assert caught.value.reason == "closed"
    await bus.close()


async def test_a_converter_that_was_restarted_is_used_again() -> None:
    async with serve_tcp(Echo, HOST, 0) as port:
        bus = tunnel_bus("line2", HOST, port, WIRE)
        assert await reason(bus) == ""
    assert await reason(bus) in ("closed", "refused")
    async with serve_tcp(Echo, HOST, port):
        assert await reason(bus) == ""
        await bus.close()


async def test_two_devices_of_a_line_are_asked_with_line_settings_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is set before the question; a pseudo terminal takes the speed although nothing comes of it."""
    by_id = tmp_path / "usb-adapter-port0"
    bus = serial_bus("line1", str(by_id), WIRE)
    slow, fast = Wire(2400, "N", 2), Wire(19200, "N", 1)
    seen: list[int] = []
    async with serve_pty(Echo(), by_id):
        for wire in (slow, fast, fast, slow):
            await bus.ask(b"?", Whole(), 0.2, wire, 0.0)
            seen.append(_speed(by_id))
        await bus.close()
    assert seen == [2400, 19200, 19200, 2400]


def _speed(port: Path) -> int:
    """The speed that the port is set to, bits a second."""
    handle = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        code = termios.tcgetattr(handle)[4]
    finally:
        os.close(handle)
    return {termios.B2400: 2400, termios.B9600: 9600, termios.B19200: 19200}[code]
