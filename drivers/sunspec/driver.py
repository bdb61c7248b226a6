"""One SunSpec device over Modbus TCP or RTU: finds its chain of models once, then reads what the profile needs.

At night an inverter withdraws its live values: they are absent because it is asleep, and its counter stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from drivers.bus import Line
from drivers.driver import Clock, Device
from drivers.error import DeviceError, LinkError
from drivers.reading import Kind, Quality, Reading
from drivers.round import Found, Rounds
from drivers.sunspec.chain import Model
from drivers.sunspec.definition import HEAD_WORDS, definition
from drivers.sunspec.models import check
from drivers.sunspec.plan import Plan, Question, plan, questions, words_of_counts
from drivers.sunspec.rest import DC_MODELS
from drivers.sunspec.source import MovedError, Source
from drivers.sunspec.values import Registers, counts, whole

COMMON = 1


class SunSpecDriver:
    """Asks for the items of the profile, model by model; see `drivers.driver.Driver` for the promise.

    To find the chain is one question: it is not cut by time, for half a chain tells nothing.
    """

    def __init__(self, device: Device, bus: Line, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._source = Source(bus, device.unit, device.timeout)
        self._items = device.profile.asked
        self._chain: list[Model] = []  # empty until it is found
        self._sure = False  # whether the device has answered ever since the chain was found
        self._fresh = False  # whether the chain was found in this very cycle
        self._asleep = False  # what its inverter model said last
        self._plans: dict[Question, Plan] = {}
        self._homeless: list[str] = []  # items without a model
        self._rounds = self._begun([])

    @property
    def unfinished(self) -> bool:
        return self._rounds.unfinished

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """Who the device says it is; one that refuses is there too."""
        unit = f"unit {self.device.unit}"
        try:
            common = next((m for m in await self._source.chain() if m.id == COMMON), None)
            layout = definition(COMMON)
            if common is None or layout is None:
                return unit
            registers = await self._source.head(common, min(HEAD_WORDS + common.length, layout.group.words))
        except DeviceError as error:
            return f"{unit} ({error.reason})"
        _, there = whole(layout, registers.pieces[0].data)
        words = [registers.text(there[name]) for name in ("Mn", "Md") if name in there]
        return " ".join(filter(None, [*words, unit]))

    async def read(self, until: float = math.inf) -> list[Reading]:
        try:
            found = await self._cycle(until)
        except (LinkError, DeviceError) as error:
            if isinstance(error, LinkError) and error.reason != "noise":
                raise
            found = self._all(self._items, Quality.BAD, error.reason)
        return [found[name] for name in self._items if name in found]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    async def _cycle(self, until: float) -> Found:
        """One cycle or the rest of one; where the chain moved it is found anew and read at once."""
        begins, self._fresh = not self.unfinished, False
        if not self._sure:
            await self._find()
        try:
            found = await self._rounds.cycle(self._ask, until)
        except MovedError:
            await self._find()
            found = await self._rounds.cycle(self._ask, until)
        return self._all(self._homeless, Quality.ABSENT, "no_model") | found if begins else found

    async def _find(self) -> None:
        """The chain; where it is another one than before, its questions begin anew."""
        check(self._items)
        chain = await self._source.chain()
        asked = questions(chain, self._items)
        if chain != self._chain or self.unfinished:
            self._chain, self._rounds = chain, self._begun(asked)
        self._plans.clear()
        self._homeless = [name for name in self._items if not any(name in question.names for question in asked)]
        self._fresh, self._sure = True, bool(asked)  # with nothing to read, only the walk shows that it is there

    def _begun(self, asked: list[Question]) -> Rounds[Question]:
        return Rounds(
            asked,
            failed=lambda question, why: self._all(question.names, Quality.BAD, why),
            absent=lambda question: self._all(question.names, Quality.ABSENT, "no_model"),
        )

    async def _ask(self, question: Question) -> Found:
        """The items of one model; raises MovedError unless the chain is fresh, for then to walk again is no use."""
        try:
            if question not in self._plans:
                self._plans[question] = await self._planned(question)
            how = self._plans[question]
            registers = await self._source.registers(question.model, how)
        except DeviceError as error:
            if isinstance(error, MovedError) and not self._fresh:
                raise
            return self._all(question.names, Quality.BAD, error.reason)
        except LinkError as error:
            self._sure = self._sure and error.reason == "noise"
            raise
        if how.rest is not None:
            self._asleep = how.rest.asleep(registers)
        return {name: self._value(name, question.model.id, how, registers) for name in question.names}

    async def _planned(self, question: Question) -> Plan:
        """How to read a question; where its groups are counted, the device is asked for the counts first."""
        layout, words = definition(question.model.id), words_of_counts(question, self._items)
        if layout is None or not words:
            return plan(question, self._items, {})
        return plan(question, self._items, counts(layout, await self._source.head(question.model, words)))

    def _value(self, name: str, model_id: int, how: Plan, registers: Registers) -> Reading:
        item, place = self._items[name], how.places.get(name)
        rests = self._asleep and (how.rest is not None or model_id in DC_MODELS)
        if rests and how.rest is not None and item.kind_or_default == Kind.GAUGE:
            return self._reading(name, None, Quality.ABSENT, "asleep")
        try:
            value = None if place is None else registers.value(place)
        except DeviceError as error:
            return self._reading(name, None, Quality.BAD, error.reason)
        if value is not None:
            return self._reading(name, value * how.times[name], Quality.GOOD, None)
        withdrawn = rests and item.kind_or_default != Kind.COUNTER
        return self._reading(name, None, Quality.ABSENT, "asleep" if withdrawn else "no_value")

    def _all(self, names: Iterable[str], quality: Quality, reason: str) -> Found:
        return {name: self._reading(name, None, quality, reason) for name in names}

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)
