"""One M-Bus meter: one readout a cycle, whose telegrams carry every item of the profile."""

from __future__ import annotations

import math
from dataclasses import dataclass

from configs.quantity import quantities
from drivers.bus import Line
from drivers.driver import Clock, Device
from drivers.error import DeviceError, ProfileError
from drivers.mbus.address import Address, address_of, maker_of
from drivers.mbus.measure import measured
from drivers.mbus.readout import Readout
from drivers.mbus.record_name import RecordName, record_of
from drivers.mbus.telegram import Telegram, records
from drivers.reading import Quality, Reading
from drivers.round import Found, Rounds


@dataclass(frozen=True, slots=True)
class Question:
    """The readout, which answers every item at once."""

    names: tuple[str, ...]
    low: bool


class MBusDriver:
    """Reads every item of the profile once a cycle; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, line: Line, clock: Clock) -> None:
        self.device = device
        self._line, self._clock = line, clock
        items = device.profile.asked
        self._records = {name: _record(item.record) for name, item in items.items()}
        self._readout = Readout(line, _address(device.address), device.timeout)
        low = bool(items) and all(item.priority == "low" for item in items.values())
        self._rounds = Rounds([Question(tuple(items), low)], self._failed, lambda question: {})

    @property
    def unfinished(self) -> bool:
        return self._rounds.unfinished

    async def connect(self) -> None:
        await self._line.connect()

    async def probe(self) -> str:
        """Who answers: identification, maker, version and medium, from the first telegram."""
        try:
            (telegram, *_) = await self._readout.telegrams(lambda found: True)
        except DeviceError as error:
            return f"{self.device.address} ({error.reason})"
        who = telegram.header.secondary
        if who is None:
            return self.device.address
        if telegram.is_fixed:
            return who.identification
        return f"{who} ({maker_of(bytes.fromhex(who.manufacturer))})"

    async def read(self, until: float = math.inf) -> list[Reading]:
        found = await self._rounds.cycle(self._ask, until)
        return [found[name] for name in self.device.profile.items if name in found]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    async def _ask(self, question: Question) -> Found:
        try:
            telegrams = await self._readout.telegrams(self._is_enough)
        except DeviceError as error:
            return self._failed(question, error.reason)
        said = records(telegrams)
        status = [word for telegram in telegrams for word in telegram.header.status_codes]
        items = self.device.profile.items
        return {
            name: self._reading(name, *measured(record, quantities()[items[name].quantity], said, status))
            for name, record in self._records.items()
        }

    def _is_enough(self, telegrams: list[Telegram]) -> bool:
        """Whether no item waits for a further telegram."""
        have = {record.name for record in records(telegrams)}
        return have.issuperset(self._records.values())

    def _failed(self, question: Question, reason: str) -> Found:
        return {name: self._reading(name, None, Quality.BAD, reason) for name in question.names}

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)


def _address(text: str) -> Address:
    try:
        return address_of(text)
    except ValueError as error:
        raise ProfileError("bad_mbus_address", text) from error


def _record(text: str) -> RecordName:
    try:
        return record_of(text)
    except ValueError as error:
        raise ProfileError("bad_record", text) from error
