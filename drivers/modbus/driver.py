"""One Modbus device, over RTU or TCP: the items of its profile, block by block."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from configs.quantity import quantities
from drivers.bus import Line
from drivers.driver import Clock, Device
from drivers.error import DeviceError
from drivers.modbus.identity import says
from drivers.modbus.plan import Block, plan, question_cost, split
from drivers.modbus.unit import Unit
from drivers.modbus.value import Coding
from drivers.profile import Item
from drivers.reading import Quality, Reading
from drivers.round import Found, Rounds
from drivers.said import Said

BUSY_WAIT_S = 0.1  # what a device that is busy gets before it is asked once more
LACKS = "illegal_address"
TOO_MUCH = (LACKS, "illegal_value")  # refusals that a shorter read may not meet
BAD, ABSENT = Quality.BAD, Quality.ABSENT
UNUSABLE = {"not_a_number": ABSENT}  # an infinity says that there is no value; what else cannot be one is bad


class ModbusDriver:
    """Reads the items of the profile; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Line, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._unit = Unit(bus, device.unit, device.timeout)
        self._items = device.profile.asked
        self._said = Said(device, clock)
        self._value_at = {name: _value_at(item) for name, item in self._items.items()}
        self._rounds = self._planned()
        self._until, self._answered = math.inf, False  # of the present cycle

    @property
    def unfinished(self) -> bool:
        return self._rounds.unfinished

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """What the device says it is, or asks for a block; a device that refuses is there too."""
        unit = f"unit {self.device.unit}"
        try:
            if self.device.profile.identity:
                said = await says(self._unit, self.device.profile.identity)
                return " ".join([*filter(None, said.values()), unit])
            first = self._plan()[0]
            await self._unit.read(first.function, first.start, first.count)
        except DeviceError as error:
            return f"{unit} ({error.reason})"
        return unit

    async def read(self, until: float = math.inf) -> list[Reading]:
        if not self._rounds.unfinished:
            self._answered = False
        self._until = until
        found = await self._rounds.cycle(self._ask, until)
        readings = [found[name] for name in self._items if name in found]
        if not self._answered and not self._rounds.unfinished and all(r.reason == LACKS for r in readings):
            self._rounds = self._planned()  # it refuses everything: it is starting, or is another device
        return readings

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    def _plan(self) -> list[Block]:
        return plan(self._items, self.device.profile.reads, question_cost(self._bus.wire))

    def _planned(self) -> Rounds[Block]:
        return Rounds(self._plan(), self._failed, self._lacking)

    async def _ask(self, block: Block) -> Found:
        try:
            data = await self._unit.read(block.function, block.start, block.count)
        except DeviceError as error:
            return await self._refused(block, error.reason)
        return self._values(block, data)

    async def _refused(self, block: Block, reason: str) -> Found:
        """One that is busy is asked once more, if there is time; of one that refuses so long a read, or a
        register in it, from now on the parts are asked."""
        if reason == "busy" and asyncio.get_running_loop().time() + BUSY_WAIT_S < self._until:
            await asyncio.sleep(BUSY_WAIT_S)
            try:
                return self._values(block, await self._unit.read(block.function, block.start, block.count))
            except DeviceError as error:
                reason = error.reason
        if reason not in TOO_MUCH:
            return self._failed(block, reason)
        parts = split(block, self._items)
        if not parts:
            self._rounds.rest(block)
            return self._lacking(block)
        self._rounds.replace(block, parts)
        return {}

    def _values(self, block: Block, data: bytes) -> Found:
        self._answered = True
        said, registers, start = self._said, block.registers(data), block.start
        now = said.clock()
        found: Found = {}
        for name in block.names:
            register, value_at = self._value_at[name]
            try:
                value = value_at(registers, 2 * (register - start))
            except DeviceError as error:
                found[name] = said.none(name, UNUSABLE.get(error.reason, BAD), error.reason, now)
                continue
            found[name] = said.good(name, value, now) if value is not None else said.none(name, ABSENT, "no_value", now)
        return found

    def _failed(self, block: Block, reason: str) -> Found:
        return self._said.all(block.names, BAD, reason)

    def _lacking(self, block: Block) -> Found:
        return self._said.all(block.names, ABSENT, LACKS)


def _value_at(item: Item) -> tuple[int, Callable[[bytes, int], float | None]]:
    """The register at which an item begins, and how its value is read in the quantity's unit."""
    factor = quantities()[item.quantity].factor(item.unit) or 1.0
    return item.register or 0, Coding(item, factor).value
