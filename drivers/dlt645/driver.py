"""One DL/T 645 meter of either edition: asks block by block, and item by item where the meter wants that.

A reply counts when address, control and data identifier match; echoes, late replies and other
meters' replies are dropped and the waiting goes on.
"""

from __future__ import annotations

import math

from configs.quantity import quantities
from drivers.bcd import BadValueError
from drivers.bus import Line
from drivers.dlt645.codec import NO_DATA, Frame, read_next_request, read_request
from drivers.dlt645.plan import Question, plan, singly
from drivers.dlt645.reply import Reply
from drivers.dlt645.table import known
from drivers.dlt645.value import value, value_size
from drivers.driver import Clock, Device
from drivers.error import DeviceError
from drivers.reading import Quality, Reading
from drivers.round import Found, Rounds
from drivers.said import Said

LACKS = "no_data"
MOST_FOLLOWING = 8  # frames after the first: the longest block, of 64 demands, needs two


class Dlt645Driver:
    """Reads the items of the profile; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Line, clock: Clock) -> None:
        self.device = device
        self._bus, self._said = bus, Said(device, clock)
        self._items = device.profile.asked
        self._rounds = self._whole()
        self._reasons: set[str | None] = set()  # of all readings of the present cycle

    @property
    def unfinished(self) -> bool:
        return self._rounds.unfinished

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """The address that answers for the first item, even with a refusal."""
        di = next(iter(self._items.values())).di
        reply = Reply(self.device.address, di)
        frame = await self._bus.ask(read_request(self.device.address, di), reply, self.device.timeout)
        return frame.address

    async def read(self, until: float = math.inf) -> list[Reading]:
        if not self.unfinished:
            self._reasons.clear()
        found = await self._rounds.cycle(self._ask, until)
        self._reasons.update(r.reason for r in found.values())
        if not self.unfinished and self._reasons == {"device_error"}:
            self._rounds = self._whole()  # it refused everything, which says nothing about blocks
        return [found[name] for name in self._items if name in found]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    def _whole(self) -> Rounds[Question]:
        return Rounds(plan(self._items), self._failed, self._absent)

    async def _ask(self, question: Question) -> Found:
        try:
            payload = await self._payload(question.di)
        except DeviceError as error:
            return self._refused(question, error.reason)
        except BadValueError as error:
            return self._said.all(question.names, Quality.BAD, error.reason)
        if not question.is_block:
            return {name: self._value(name, payload) for name in question.names}
        block = known(question.di)
        if block is None or not block.fits(len(payload)):
            return self._split(question)
        return {name: self._value(name, self._cut(name, payload, place)) for name, place in question.places}

    async def _payload(self, di: str) -> bytes:
        """The data of one identifier, of all frames that it takes; raises DeviceError, BadValueError, LinkError."""
        address = self.device.address
        frame, data = await self._exchange(read_request(address, di), Reply(address, di))
        for sequence in range(1, MOST_FOLLOWING + 1):
            if not frame.has_more:
                return data
            request = read_next_request(address, di, sequence)
            frame, more = await self._exchange(request, Reply(address, di, sequence))
            data += more
        if frame.has_more:
            raise BadValueError("wrong_length")
        return data

    async def _exchange(self, request: bytes, reply: Reply) -> tuple[Frame, bytes]:
        frame = await self._bus.ask(request, reply, self.device.timeout)
        if frame.is_error:
            raise DeviceError(LACKS if frame.data[0] & NO_DATA else "device_error", f"{frame.data[0]:02X}")
        return frame, reply.payload(frame)

    def _refused(self, question: Question, reason: str) -> Found:
        if question.is_block:
            return self._split(question)
        if reason != LACKS:
            return self._said.all(question.names, Quality.BAD, reason)
        self._rounds.rest(question)
        return self._absent(question)

    def _split(self, question: Question) -> Found:
        """Some meters know no blocks: from now on each item alone."""
        self._rounds.replace(question, singly(question.names, self._items))
        return {}

    def _cut(self, name: str, payload: bytes, place: int) -> bytes:
        size = value_size(self._items[name])
        return payload[place * size :][:size]

    def _value(self, name: str, raw: bytes) -> Reading:
        if not raw:
            return self._said.none(name, Quality.ABSENT, LACKS)
        item = self._items[name]
        try:
            found = value(item, raw)
        except BadValueError as error:
            return self._said.none(name, Quality.BAD, error.reason)
        if found is None:
            return self._said.none(name, Quality.ABSENT, "filler")
        factor = quantities()[item.quantity].factor(item.unit) or 1.0
        return self._said.good(name, found * factor)

    def _failed(self, question: Question, reason: str) -> Found:
        return self._said.all(question.names, Quality.BAD, "checksum" if reason == "noise" else reason)

    def _absent(self, question: Question) -> Found:
        return self._said.all(question.names, Quality.ABSENT, LACKS)
