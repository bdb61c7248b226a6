"""One CJ/T 188-2004 water or gas meter: one question a cycle, whose reply carries every item.

A reply counts when address, medium, control, data identifier and serial number match; echoes,
late replies and other meters' replies are dropped and the waiting goes on.
"""

from __future__ import annotations

from configs.quantity import quantities
from drivers.answer import Answer
from drivers.bus import Bus
from drivers.cjt188.codec import (
    ANY_TYPE,
    COLD_WATER,
    ECHO,
    ERROR,
    GAS,
    METERED,
    METERED_SIZE,
    READ,
    REPLY,
    SETTLED,
    STATUS,
    VOLUME,
    Decoder,
    Frame,
    amount,
    read_request,
)
from drivers.dlt645.codec import BadValueError, same_address
from drivers.driver import Clock, Device
from drivers.error import DeviceError, DriverError
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading

REFUSAL_SIZE = 3  # SER and two bytes of status
FIELDS = {"volume": VOLUME, "settled_volume": SETTLED}


class Reply(Answer[Frame]):
    """Waits for the reply to one read among everything else on the line."""

    def __init__(self, meter_type: int, address: str, serial: int) -> None:
        super().__init__(Decoder())
        self._type, self._address, self._serial = meter_type, address, serial

    def meant(self, frame: Frame) -> bool:
        if not same_address(self._address, frame.address) or not self._same_medium(frame.meter_type):
            return False
        if frame.control == READ | REPLY | ERROR:
            return len(frame.data) == REFUSAL_SIZE and frame.data[0] == self._serial
        echoes = [di + bytes([self._serial]) for di in (METERED, METERED[::-1])]
        return frame.control == READ | REPLY and frame.data[ECHO] in echoes

    def _same_medium(self, meter_type: int) -> bool:
        """A hot water meter may answer for 11H what was asked of 10H."""
        return meter_type == ANY_TYPE or meter_type >> 4 == self._type >> 4


class Cjt188Driver:
    """Reads every item of the profile once a cycle; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Bus, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._type = _meter_type(device.profile)
        self._serial = 0
        self._di, self._agreed = METERED, False  # makers differ in the order of its two bytes

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """The address that answers, to whichever order of the data identifier."""
        try:
            return (await self._ask()).address
        except DriverError:
            if self._agreed:
                raise
        return (await self._ask()).address

    async def read(self) -> list[Reading]:
        items = self.device.profile.items.items()
        try:
            data = (await self._ask()).data
            if len(data) != METERED_SIZE:
                raise BadValueError("wrong_length")
        except (BadValueError, DeviceError) as error:
            return [self._reading(name, None, Quality.BAD, error.reason) for name, _ in items]
        return [self._value(name, item, data) for name, item in items]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    async def _ask(self) -> Frame:
        """One question; as long as none was answered, the next one takes the other order of the identifier.

        Of the status in a refusal no bit says that an item is lacking, so every refusal is a device_error.
        """
        di = self._di
        if not self._agreed:
            self._di = di[::-1]
        self._serial = (self._serial + 1) & 0xFF
        request = read_request(self._type, self.device.address, di, self._serial)
        reply = Reply(self._type, self.device.address, self._serial)
        frame = await self._bus.ask(request, reply, self.device.timeout)
        if frame.is_error:
            raise DeviceError("device_error", f"status {frame.data[1:].hex().upper()}")
        self._di, self._agreed = di, True
        return frame

    def _value(self, name: str, item: Item, data: bytes) -> Reading:
        try:
            value = _status(data[STATUS]) if item.field == "status" else _volume(item, data[FIELDS[item.field]])
        except BadValueError as error:
            return self._reading(name, None, Quality.BAD, error.reason)
        if value is None:
            return self._reading(name, None, Quality.ABSENT, "filler")
        return self._reading(name, value, Quality.GOOD, None)

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)


def _meter_type(profile: Profile) -> int:
    """What the profile measures decides whom its questions are for."""
    return GAS if any(item.quantity == "gas_volume" for item in profile.items.values()) else COLD_WATER


def _volume(item: Item, payload: bytes) -> float | None:
    """In the quantity's unit, by the unit byte of the reply alone: meters of one maker differ in it."""
    found = amount(payload)
    if found is None:
        return None
    value, unit = found
    factor = quantities()[item.quantity].factor(unit)
    if factor is None:
        raise BadValueError("wrong_unit")
    return value * factor


def _status(payload: bytes) -> float | None:
    """The first byte as it came, which the standard defines; the second is the maker's own."""
    return None if payload[0] == 0xFF else float(payload[0])
