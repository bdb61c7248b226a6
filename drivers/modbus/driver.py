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
from drivers.quotient import quotients
from drivers.reading import Quality, Reading
from drivers.round import Found, Rounds

BUSY_WAIT_S = 0.1  # what a device that is busy gets before it is asked once more
LACKS = "illegal_address"
TOO_MUCH = (LACKS, "illegal_value")  # refusals that a shorter read may not meet
GOOD, BAD, ABSENT = Quality.GOOD, Quality.BAD, Quality.ABSENT
UNUSABLE = {"not_a_number": ABSENT}  # an infinity; what else cannot be a value is bad


class ModbusDriver:
    """Reads the items of the profile; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Line, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._unit = Unit(bus, device.unit, device.timeout)
        self._items = device.profile.items
        self._asked = {name: item for name, item in self._items.items() if not item.quotient}
        self._computed = {name: item for name, item in self._items.items() if item.quotient}
        self._tags = {name: f"{device.name}.{name}" for name in self._items}
        self._rounds = self._planned()
        self._until, self._answered = math.inf, False  # of the present cycle
        self._fields = {name: _field(self._tags[name], item) for name, item in self._asked.items()}

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
        found |= quotients(self._computed, self._tags, found)
        readings = [found[name] for name in self._items if name in found]
        if not self._answered and not self._rounds.unfinished and all(r.reason == LACKS for r in readings):
            self._rounds = self._planned()  # it refuses everything: it is starting, or is another device
        return readings

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    def _plan(self) -> list[Block]:
        return plan(self._asked, self.device.profile.reads, question_cost(self._bus.wire))

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
        parts = split(block, self._asked)
        if not parts:
            self._rounds.rest(block)
            return self._lacking(block)
        self._rounds.replace(block, parts)
        return {}

    def _values(self, block: Block, data: bytes) -> Found:
        self._answered = True
        now, registers, start = self._clock(), block.registers(data), 2 * block.start
        found: Found = {}
        for name in block.names:
            tag, value_at, place = self._fields[name]
            try:
                value = value_at(registers, place - start)
            except DeviceError as error:
                found[name] = Reading(tag, None, UNUSABLE.get(error.reason, BAD), error.reason, now, now)
                continue
            if value is None:
                found[name] = Reading(tag, None, ABSENT, "no_value", now, now)
            else:
                found[name] = Reading(tag, value, GOOD, None, now, now)
        return found

    def _failed(self, block: Block, reason: str) -> Found:
        return self._none(block, BAD, reason)

    def _lacking(self, block: Block) -> Found:
        return self._none(block, ABSENT, LACKS)

    def _none(self, block: Block, quality: Quality, reason: str) -> Found:
        now = self._clock()
        return {name: Reading(self._tags[name], None, quality, reason, now, now) for name in block.names}


def _field(tag: str, item: Item) -> tuple[str, Callable[[bytes, int], float | None], int]:
    """Tag, how its value is read in the quantity's unit, and the byte at which its registers begin."""
    factor = quantities()[item.quantity].factor(item.unit) or 1.0
    return tag, Coding(item, factor).value, 2 * (item.register or 0)
