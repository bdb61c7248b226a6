"""A Modbus TCP device that holds given registers, and the chains that tests put there."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from drivers.bus import StreamBus
from drivers.driver import Device
from drivers.error import LinkError
from drivers.modbus.tcp import Decoder, Frame, encode
from drivers.sim.carrier import MemoryLink
from drivers.sim.plant import shipped
from drivers.sim.sunspec_chain import filled
from drivers.sunspec.chain import HEAD, LAST_ID, MARKER
from drivers.sunspec.driver import SunSpecDriver
from drivers.wire import Wire
from tests.drivers.conftest import noon, stream_bus

END = HEAD.pack(LAST_ID, 0)
LENGTHS = {1: 66, 101: 50, 102: 50, 103: 50, 111: 60, 112: 60, 113: 60, 160: 8}


class Held:
    """Answers reads inside `blocks` (first register to bytes), refuses the rest; counts what it was asked."""

    def __init__(self, blocks: Mapping[int, bytes], refusal: int = 2) -> None:
        self.blocks, self.refusal = dict(blocks), refusal
        self.asked: list[tuple[int, int]] = []
        self.silent_at: Callable[[int, int], bool] = lambda start, count: False
        self._decoder = Decoder(replies=False)

    def registers(self, start: int, count: int) -> bytes | None:
        for first, data in self.blocks.items():
            place = 2 * (start - first)
            if 0 <= place <= len(data) - 2 * count:
                return data[place : place + 2 * count]
        return None

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent = []
        for frame in self._decoder.feed(data):
            function, start, count = struct.unpack(">BHH", frame.pdu)
            self.asked.append((start, count))
            found = self.registers(start, count)
            pdu = bytes([function | 0x80, self.refusal]) if found is None else bytes([function, len(found)]) + found
            if not self.silent_at(start, count):
                sent.append((0.0, encode(Frame(frame.transaction, frame.unit, pdu))))
        return sent


class Cable:
    """A Link to a device that is cut after `left` more questions."""

    def __init__(self, device: Held, left: int) -> None:
        self._link, self.left = MemoryLink(device), left

    async def write(self, data: bytes) -> None:
        if self.left <= 0:
            raise LinkError("closed")
        self.left -= 1
        await self._link.write(data)

    async def read(self, timeout_s: float) -> bytes:
        return await self._link.read(timeout_s)

    async def set(self, wire: Wire) -> None:
        await self._link.set(wire)

    async def close(self) -> None:
        await self._link.close()


def chain(*models: bytes, end: bytes = END) -> bytes:
    """A marker, models and an end."""
    return b"".join([MARKER, *models, end])


def unknown(model_id: int = 64201, length: int = 4) -> bytes:
    """A model that nobody knows, full of marks that must not be taken for a head."""
    return HEAD.pack(model_id, length) + (END * length)[: 2 * length]


def model(model_id: int = 103, length: int | None = None, **points: float) -> bytes:
    """A model with raw values by point; the others are not implemented."""
    return filled(model_id, LENGTHS[model_id] if length is None else length, points)


def driver_of(device: Held, timeout: float = 0.05) -> SunSpecDriver:
    return driver_on(stream_bus(lambda: MemoryLink(device, piece=7)), timeout)


def driver_on(bus: StreamBus, timeout: float = 0.05) -> SunSpecDriver:
    return SunSpecDriver(Device("inv", shipped("sunspec"), unit=3, timeout=timeout), bus, noon)
