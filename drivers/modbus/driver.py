"""One Modbus TCP device: asks block by block and takes only the reply that is meant.

Transaction and unit must match, so a late reply is never taken for the next one.
"""

from __future__ import annotations

import itertools

from configs.quantity import quantities
from drivers.answer import Answer
from drivers.bus import Bus
from drivers.driver import Clock, Device
from drivers.error import DeviceError, LinkError
from drivers.modbus.codec import BIT_FUNCTIONS, EXCEPTION, REASONS, Decoder, Frame, number, read_request
from drivers.modbus.plan import Block, plan, singly
from drivers.reading import Quality, Reading

# Numbers are unique in the process, so devices that share a connection cannot mix up replies.
_transactions = itertools.count(1)


class Reply(Answer[Frame]):
    """Waits for the reply to one read among everything else on the connection."""

    def __init__(self, transaction: int, unit: int, block: Block) -> None:
        super().__init__(Decoder())
        self._transaction, self._unit, self._block = transaction, unit, block

    def meant(self, frame: Frame) -> bool:
        if (frame.transaction, frame.unit) != (self._transaction, self._unit):
            return False
        block = self._block
        if frame.pdu[0] == block.function | EXCEPTION:
            return True
        size = (block.count + 7) // 8 if block.function in BIT_FUNCTIONS else 2 * block.count
        return frame.pdu[0] == block.function and frame.pdu[1] == size


class ModbusDriver:
    """Reads every item of the profile once a cycle; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Bus, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._items = device.profile.items
        self._blocks = plan(self._items)
        self._first = 0  # the block that the next cycle begins with

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """Asks for the first block; a device that refuses it is there too."""
        try:
            await self._ask(self._blocks[0])
        except DeviceError as error:
            return f"unit {self.device.unit} ({error.reason})"
        return f"unit {self.device.unit}"

    async def read(self) -> list[Reading]:
        found: dict[str, Reading] = {}
        order = self._blocks[self._first :] + self._blocks[: self._first]
        heard = False
        for place, block in enumerate(order):
            try:
                found |= await self._read(block)
                heard = True
            except LinkError as error:
                self._first = (self._blocks.index(block) + 1) % len(self._blocks)
                if error.reason != "noise":
                    if not heard:
                        raise
                    for left in order[place:]:
                        found |= self._all(left, Quality.BAD, error.reason)
                    break  # one silence ends the cycle, so that a dead device costs its line one timeout
                found |= self._all(block, Quality.BAD, "noise")
                heard = True
        return [found[name] for name in self._items]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    async def _ask(self, block: Block) -> bytes:
        transaction, unit = next(_transactions) & 0xFFFF, self.device.unit
        request = read_request(transaction, unit, block.function, block.start, block.count)
        frame = await self._bus.ask(request, Reply(transaction, unit, block), self.device.timeout)
        if not frame.pdu[0] & EXCEPTION:
            return frame.pdu[2:]
        reason = REASONS.get(frame.pdu[1], "device_error")
        if reason == "no_reply":
            raise LinkError(reason, f"gateway, exception {frame.pdu[1]:02X}")
        raise DeviceError(reason, f"exception {frame.pdu[1]:02X}")

    async def _read(self, block: Block) -> dict[str, Reading]:
        try:
            data = await self._ask(block)
        except DeviceError as error:
            if error.reason != "illegal_address":
                return self._all(block, Quality.BAD, error.reason)
            if len(block.names) == 1:
                return self._all(block, Quality.ABSENT, error.reason)
            place = self._blocks.index(block)
            self._blocks = [*self._blocks[:place], *singly(block, self._items), *self._blocks[place + 1 :]]
            self._first = 0
            return self._all(block, Quality.BAD, error.reason)
        return {name: self._value(name, block.cut(data, self._items[name])) for name in block.names}

    def _value(self, name: str, raw: bytes) -> Reading:
        item = self._items[name]
        value = number(raw, item)
        if value is None:
            return self._reading(name, None, Quality.ABSENT, "no_value")
        factor = quantities()[item.quantity].factor(item.unit) or 1.0
        return self._reading(name, value * factor, Quality.GOOD, None)

    def _all(self, block: Block, quality: Quality, reason: str) -> dict[str, Reading]:
        return {name: self._reading(name, None, quality, reason) for name in block.names}

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)
