"""One DL/T 645-2007 meter: asks item by item and takes only the reply that is meant.

A reply counts when address, control and data identifier match; echoes, late replies and other
meters' replies are dropped and the waiting goes on.
"""

from __future__ import annotations

from configs.quantity import quantities
from drivers.answer import Answer
from drivers.bus import Bus
from drivers.dlt645.codec import (
    ERROR,
    NO_DATA,
    READ,
    REPLY,
    BadValueError,
    Decoder,
    Frame,
    number,
    read_request,
    same_address,
)
from drivers.driver import Clock, Device
from drivers.error import DeviceError, LinkError
from drivers.profile import Item
from drivers.reading import Quality, Reading

MOST_DAMAGED = 2  # damaged replies that end a cycle: each costs the line a timeout
LACKING_CYCLES = 240  # an item the meter lacks is asked again this much later; meters get replaced


class Reply(Answer[Frame]):
    """Waits for the reply to one read among everything else on the line."""

    def __init__(self, address: str, di: str) -> None:
        super().__init__(Decoder())
        self._address, self._di = address, bytes.fromhex(di)[::-1]

    def meant(self, frame: Frame) -> bool:
        if not same_address(self._address, frame.address):
            return False
        if frame.control == READ | REPLY | ERROR:
            return len(frame.data) == 1
        return frame.control == READ | REPLY and frame.data[:4] == self._di


class Dlt645Driver:
    """Reads every item of the profile once a cycle; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Bus, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._names = list(device.profile.items)
        self._first = 0  # the item that the next cycle begins with
        self._lacking: dict[str, int] = {}  # item to the cycles it is left out

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """The address that answers for the first item."""
        frame = await self._ask(self.device.profile.items[self._names[0]])
        return frame.address

    async def read(self) -> list[Reading]:
        found: dict[str, Reading] = {}
        heard, damaged = False, 0
        order = self._names[self._first :] + self._names[: self._first]
        if all(self._lacking.get(name) for name in order):
            self._lacking.clear()
        for place, name in enumerate(order):
            if self._left_out(name):
                found[name] = self._reading(name, None, Quality.ABSENT, "no_data")
                continue
            try:
                found[name] = await self._read(name)
                heard = True
            except LinkError as error:
                self._begin_after(name)
                if error.reason != "noise":
                    if not heard:
                        raise
                    found |= {n: self._reading(n, None, Quality.BAD, error.reason) for n in order[place:]}
                    break  # one silence ends the cycle, so that a dead meter costs its line one timeout
                found[name] = self._reading(name, None, Quality.BAD, "checksum")
                damaged += 1
                if damaged == MOST_DAMAGED:
                    found |= {n: self._reading(n, None, Quality.BAD, "checksum") for n in order[place:]}
                    break  # leave the line to the others
        return [found[name] for name in self._names]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    def _left_out(self, name: str) -> bool:
        left = self._lacking.get(name, 0)
        if left:
            self._lacking[name] = left - 1
        return left > 0

    def _begin_after(self, name: str) -> None:
        """So that an item that always fails costs the others nothing."""
        self._first = (self._names.index(name) + 1) % len(self._names)

    async def _ask(self, item: Item) -> Frame:
        request = read_request(self.device.address, item.di)
        frame = await self._bus.ask(request, Reply(self.device.address, item.di), self.device.timeout)
        if frame.is_error:
            raise DeviceError("no_data" if frame.data[0] & NO_DATA else "device_error", f"{frame.data[0]:02X}")
        return frame

    async def _read(self, name: str) -> Reading:
        item = self.device.profile.items[name]
        try:
            payload = (await self._ask(item)).data[4:]
            if len(payload) != item.bytes:
                raise BadValueError("wrong_length")
            value = number(payload, item.decimals, item.signed)
        except BadValueError as error:
            self._begin_after(name)
            return self._reading(name, None, Quality.BAD, error.reason)
        except DeviceError as error:
            if error.reason == "no_data":
                self._lacking[name] = LACKING_CYCLES
                return self._reading(name, None, Quality.ABSENT, error.reason)
            self._begin_after(name)
            return self._reading(name, None, Quality.BAD, error.reason)
        if value is None:
            return self._reading(name, None, Quality.ABSENT, "filler")
        factor = quantities()[item.quantity].factor(item.unit) or 1.0
        return self._reading(name, value * factor, Quality.GOOD, None)

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)
