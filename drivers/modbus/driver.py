"""One Modbus device, over RTU or TCP: the items of its profile, block by block."""

from __future__ import annotations

import math

from configs.quantity import quantities
from drivers.bus import Bus
from drivers.driver import Clock, Device
from drivers.error import DeviceError, LinkError
from drivers.modbus.pdu import number
from drivers.modbus.plan import Block, plan, singly
from drivers.modbus.unit import Unit
from drivers.reading import Quality, Reading

MOST_DAMAGED = 2  # damaged replies that end a cycle: each costs the line a timeout


class ModbusDriver:
    """Reads every item of the profile once a cycle; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Bus, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._unit = Unit(bus, device.unit, device.timeout)
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
        heard, damaged = False, 0
        for place, block in enumerate(order):
            try:
                found |= await self._read(block)
                heard = True
            except LinkError as error:
                self._first = (self._blocks.index(block) + 1) % len(self._blocks)
                noise = error.reason == "noise"
                if not noise and not heard:
                    raise
                damaged += noise
                if noise and damaged < MOST_DAMAGED:
                    found |= self._all(block, Quality.BAD, error.reason)
                    continue
                for left in order[place:]:
                    found |= self._all(left, Quality.BAD, error.reason)
                break  # silence or too much damage: leave the line to the others
        return [found[name] for name in self._items]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    async def _ask(self, block: Block) -> bytes:
        return await self._unit.read(block.function, block.start, block.count)

    async def _read(self, block: Block) -> dict[str, Reading]:
        try:
            data = await self._ask(block)
        except DeviceError as error:
            if error.reason != "illegal_address":
                return self._all(block, Quality.BAD, error.reason)
            if len(block.names) == 1:
                return self._all(block, Quality.ABSENT, error.reason)
            return await self._split(block)
        return {name: self._value(name, block.cut(data, self._items[name])) for name in block.names}

    async def _split(self, block: Block) -> dict[str, Reading]:
        """Some devices refuse a read that touches a register they lack: from now on each item alone."""
        found: dict[str, Reading] = {}
        for single in singly(block, self._items):
            found |= await self._read(single)
        place = self._blocks.index(block)
        self._blocks = [*self._blocks[:place], *singly(block, self._items), *self._blocks[place + 1 :]]
        self._first = 0
        return found

    def _value(self, name: str, raw: bytes) -> Reading:
        item = self._items[name]
        value = number(raw, item)
        if value is None:
            return self._reading(name, None, Quality.ABSENT, "no_value")
        value *= quantities()[item.quantity].factor(item.unit) or 1.0
        if not math.isfinite(value):
            return self._reading(name, None, Quality.BAD, "not_a_number")
        return self._reading(name, value, Quality.GOOD, None)

    def _all(self, block: Block, quality: Quality, reason: str) -> dict[str, Reading]:
        return {name: self._reading(name, None, quality, reason) for name in block.names}

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)
