"""One CJ/T 188-2004 meter of water, gas, heat or cold: one question a cycle, month ends in turn.

A reply counts when address, medium, control, data identifier and serial number match; echoes,
late replies and other meters' replies are dropped and the waiting goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from configs.quantity import quantities
from drivers.answer import Answer
from drivers.bus import Line
from drivers.cjt188.codec import ANY_TYPE, ECHO, ERROR, READ, REPLY, Decoder, Frame, read_request
from drivers.cjt188.layout import METERED, Part, pieces, width
from drivers.cjt188.model import identifier, layout_of, meter_type
from drivers.cjt188.value import Value, status_number, value_of
from drivers.dlt645.codec import same_address
from drivers.driver import Clock, Device
from drivers.error import DeviceError, DriverError, LinkError
from drivers.profile import Item
from drivers.reading import Quality, Reading
from drivers.round import Found, Rounds
from drivers.said import Said

REFUSAL_SIZE = 3  # serial number and two bytes of status
LACKING = "no_data"
SILENT_ASKS = 3  # in a row, after which the meter may be another one, of a maker with the other order


@dataclass(frozen=True)
class Question:
    """One data identifier and the items that its reply holds."""

    di: str
    names: tuple[str, ...]
    low: bool


class Reply(Answer[Frame]):
    """Waits for the reply to one read among everything else on the line."""

    def __init__(self, meter_type: int, address: str, di: bytes, serial: int) -> None:
        super().__init__(Decoder())
        self._type, self._address = meter_type, address
        self._serial = bytes([serial])
        self._echoes = (di + self._serial, di[::-1] + self._serial)

    def meant(self, frame: Frame) -> bool:
        if not same_address(self._address, frame.address) or not self._same_medium(frame.meter_type):
            return False
        echoed = frame.data[:ECHO] in self._echoes
        if frame.control == READ | REPLY | ERROR:  # some makers repeat the identifier in it
            return echoed or (len(frame.data) == REFUSAL_SIZE and frame.data[:1] == self._serial)
        return frame.control == READ | REPLY and echoed

    def _same_medium(self, meter_type: int) -> bool:
        """A hot water meter may answer for 11H what was asked of 10H."""
        return ANY_TYPE in (meter_type, self._type) or meter_type >> 4 == self._type >> 4


class Cjt188Driver:
    """Reads the items of the profile; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Line, clock: Clock) -> None:
        self.device = device
        self._bus, self._said = bus, Said(device, clock)
        self._items = device.profile.asked
        self._type, self._layout = meter_type(device.profile), layout_of(device.profile)
        self._rounds = Rounds(self._questions(), self._failed, self._lacking)
        self._serial = 0
        self._turned, self._agreed = False, False  # makers differ in the order of the identifier's bytes
        self._silent = 0  # questions in a row that nothing usable answered

    @property
    def unfinished(self) -> bool:
        return self._rounds.unfinished

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """The address that answers, to whichever order of the data identifier."""
        try:
            return (await self._exchange(METERED)).address
        except DriverError:
            if self._agreed:
                raise
        return (await self._exchange(METERED)).address

    async def read(self, until: float = math.inf) -> list[Reading]:
        found = await self._rounds.cycle(self._ask, until)
        return [found[name] for name in self._items if name in found]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    def _questions(self) -> list[Question]:
        """One for each identifier; it is low when all of its items are."""
        by_di: dict[str, list[str]] = {}
        for name, item in self._items.items():
            by_di.setdefault(identifier(item), []).append(name)
        return [
            Question(di, tuple(names), all(self._items[name].priority == "low" for name in names))
            for di, names in by_di.items()
        ]

    async def _ask(self, question: Question) -> Found:
        """Of the status in a refusal no bit says why; a meter that has its register lacks the rest."""
        try:
            body = (await self._exchange(question.di)).data[ECHO:]
        except DeviceError as error:
            if question.di == METERED:
                return self._failed(question, error.reason)
            self._rounds.rest(question)
            return self._lacking(question)
        parts = self._layout.parts(question.di)
        if len(body) != width(parts):
            return self._failed(question, "wrong_length")
        told = {name: (part, raw) for name, part, raw in pieces(parts, body)}
        return {name: self._value(name, *told[self._items[name].field]) for name in question.names}

    async def _exchange(self, di: str) -> Frame:
        """One question; until one is answered, and after a lasting silence, the next one takes the other
        order of the identifier."""
        turned = self._turned
        if not self._agreed:
            self._turned = not turned
        wire = bytes.fromhex(di)[:: -1 if turned else 1]
        self._serial = (self._serial + 1) & 0xFF
        request = read_request(self._type, self.device.address, wire, self._serial)
        reply = Reply(self._type, self.device.address, wire, self._serial)
        try:
            frame = await self._bus.ask(request, reply, self.device.timeout)
        except LinkError as error:
            if error.reason in ("no_reply", "noise"):
                self._silent += 1
                self._agreed = self._agreed and self._silent < SILENT_ASKS
            raise
        self._silent = 0
        if frame.is_error:
            raise DeviceError("device_error", f"status {frame.data[1:].hex().upper()}")
        self._turned, self._agreed = turned, True
        return frame

    def _value(self, name: str, part: Part, raw: bytes) -> Reading:
        item = self._items[name]
        if part.kind == "status":
            found = Value(status_number(raw, item.bits))
        else:
            found = _in_unit(item, value_of(part, raw, self._layout.unit_first))
        if found.number is not None and found.reason is None:
            return self._said.good(name, found.number)
        reason = found.reason or "filler"
        return self._said.none(name, Quality.ABSENT if reason == "filler" else Quality.BAD, reason)

    def _failed(self, question: Question, reason: str) -> Found:
        return self._said.all(question.names, Quality.BAD, reason)

    def _lacking(self, question: Question) -> Found:
        return self._said.all(question.names, Quality.ABSENT, LACKING)


def _in_unit(item: Item, found: Value) -> Value:
    """In the quantity's unit, by the unit that the reply tells: meters of one maker differ in it."""
    if found.reason is not None or found.number is None:
        return found
    factor = quantities()[item.quantity].factor(found.unit) if found.unit else None
    return Value(None, found.unit, "wrong_unit") if factor is None else Value(found.number * factor, found.unit)
