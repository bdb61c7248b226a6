"""One SunSpec inverter: finds the chain of models once, then reads each model it needs as a whole.

Values and scale factors come from the same question. At night an inverter withdraws its live values:
they are absent because it is asleep, and its counter stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from configs.quantity import quantities
from drivers.bus import Bus
from drivers.driver import Clock, Device
from drivers.error import DeviceError, LinkError
from drivers.modbus.unit import Unit
from drivers.reading import Kind, Quality, Reading
from drivers.sunspec.chain import BASES, Model, Span, spans, walk
from drivers.sunspec.models import Layout, check, layouts

READ_HOLDING = 3
COMMON = 1
LIVE = ("W", "A")  # mandatory: an inverter that has neither does not work
STATE = "St"
OFF, SLEEPING, SHUTTING_DOWN, FAULT = 1, 2, 6, 7  # St of models 101-103 and 111-113
REFUSED = ("illegal_function", "illegal_address", "illegal_value")  # it has nothing there


class _Moved(DeviceError):
    """A model does not stand where the chain had it."""


class SunSpecDriver:
    """Reads every item of the profile once a cycle; see `drivers.driver.Driver` for the promise."""

    def __init__(self, device: Device, bus: Bus, clock: Clock) -> None:
        self.device = device
        self._bus, self._clock = bus, clock
        self._unit = Unit(bus, device.unit, device.timeout)
        self._items = device.profile.items
        self._bases: tuple[int, ...] = BASES
        self._chain: list[Model] = []  # empty until it is found
        self._first = 0  # the model that the next cycle begins with

    async def connect(self) -> None:
        await self._bus.connect()

    async def probe(self) -> str:
        """Who the device says it is; one that refuses is there too."""
        unit = f"unit {self.device.unit}"
        try:
            common = next((m for m in await self._walked() if m.id == COMMON), None)
            if common is None:
                return unit
            layout = layouts()[COMMON]
            data = await self._whole(common, layout)
        except DeviceError as error:
            return f"{unit} ({error.reason})"
        return " ".join(filter(None, [layout.text(data, "Mn"), layout.text(data, "Md"), unit]))

    async def read(self) -> list[Reading]:
        try:
            found = await self._twice()
        except (LinkError, DeviceError) as error:
            if isinstance(error, LinkError) and error.reason != "noise":
                raise
            found = self._all(self._items, Quality.BAD, error.reason)
        return [found[name] for name in self._items]

    async def close(self) -> None:
        """Nothing to give back: the bus belongs to all devices on it."""

    async def _twice(self) -> dict[str, Reading]:
        """One cycle; where the chain moved it is found anew and read at once."""
        try:
            return await self._cycle()
        except _Moved:
            self._chain = []
            return await self._cycle()

    async def _cycle(self) -> dict[str, Reading]:
        fresh = not self._chain
        chain = self._chain or await self._walked()
        homes = self._homes(chain)
        self._chain = chain if homes else []  # with nothing to read, only the walk shows that the device is there
        found = self._all(self._items, Quality.ABSENT, "no_model")
        start = self._first % max(len(homes), 1)
        order = homes[start:] + homes[:start]
        for place, (model, names) in enumerate(order):
            try:
                found |= await self._read(model, names, fresh)
            except LinkError as error:
                if error.reason == "noise":
                    found |= self._all(names, Quality.BAD, "noise")
                    continue
                self._chain, self._first = [], start + place + 1
                if place == 0:
                    raise
                for _, left in order[place:]:
                    found |= self._all(left, Quality.BAD, error.reason)
                break  # one silence ends the cycle, so that a dead device costs its line one timeout
        return found

    async def _walked(self) -> list[Model]:
        """The chain of the device; a base that stays silent comes last next time."""
        check(self._items)
        steps = walk(self._bases)
        try:
            span = next(steps)
            while True:
                span = steps.send(await self._try(span))
        except StopIteration as end:
            chain: list[Model] = end.value
            return chain

    async def _try(self, span: Span) -> bytes | None:
        """The registers, or None where the device has none."""
        try:
            return await self._unit.read(READ_HOLDING, span.start, span.count)
        except DeviceError as error:
            if error.reason in REFUSED:
                return None
            raise
        except LinkError:
            if span.start in self._bases:
                place = self._bases.index(span.start) + 1
                self._bases = self._bases[place:] + self._bases[:place]
            raise

    def _homes(self, chain: list[Model]) -> list[tuple[Model, list[str]]]:
        """The models to read, each with the items that it holds."""
        homes: dict[Model, list[str]] = {}
        for name, item in self._items.items():
            model = next((m for wanted in item.models for m in chain if m.id == wanted), None)
            if model is not None:
                homes.setdefault(model, []).append(name)
        return list(homes.items())

    async def _whole(self, model: Model, layout: Layout) -> bytes:
        """The registers of a model from its head on; raises _Moved when another one stands there."""
        data = b""
        for span in spans(model, layout.size):
            try:
                data += await self._unit.read(READ_HOLDING, span.start, span.count)
            except DeviceError as error:
                raise _Moved(error.reason, error.detail) if error.reason in REFUSED else error from None
            if not data.startswith(model.head):
                raise _Moved("device_error", f"model {model.id} is not at {model.start}")
        return data

    async def _read(self, model: Model, names: list[str], fresh: bool) -> dict[str, Reading]:
        """The items of one model; raises _Moved unless the chain is fresh, for then to walk again is no use."""
        layout = layouts()[model.id]
        try:
            data = await self._whole(model, layout)
        except DeviceError as error:
            if isinstance(error, _Moved) and not fresh:
                raise
            return self._all(names, Quality.BAD, error.reason)
        asleep = _asleep(layout, data)
        return {name: self._value(name, layout, data, asleep) for name in names}

    def _value(self, name: str, layout: Layout, data: bytes, asleep: bool) -> Reading:
        item = self._items[name]
        try:
            value = layout.value(data, item.point)
        except DeviceError as error:
            return self._reading(name, None, Quality.BAD, error.reason)
        if asleep and (item.kind_or_default == Kind.GAUGE or (value is None and item.point == STATE)):
            return self._reading(name, None, Quality.ABSENT, "asleep")
        if value is None:
            return self._reading(name, None, Quality.ABSENT, "no_value")
        factor = quantities()[item.quantity].factor(item.unit) or 1.0
        return self._reading(name, value * factor, Quality.GOOD, None)

    def _all(self, names: Iterable[str], quality: Quality, reason: str) -> dict[str, Reading]:
        return {name: self._reading(name, None, quality, reason) for name in names}

    def _reading(self, name: str, value: float | None, quality: Quality, reason: str | None) -> Reading:
        now = self._clock()
        return Reading(f"{self.device.name}.{name}", value, quality, reason, now, now)


def _asleep(layout: Layout, data: bytes) -> bool:
    """Whether the inverter says that it rests, or has withdrawn its live values without a fault."""
    if STATE not in layout.points:
        return False
    state = layout.value(data, STATE)
    if state in (OFF, SLEEPING, SHUTTING_DOWN):
        return True
    return state != FAULT and not any(layout.has(data, point) for point in LIVE)
