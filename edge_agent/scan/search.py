"""The whole search: every place, every protocol on it, every line setting until something answers.

It only asks for addresses and values. What is found is told at once through Progress, so that an
interrupted search keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.build import driver_for
from drivers.bus import Bus, Port
from drivers.cjt188.model import meter_type
from drivers.driver import Device
from drivers.error import DriverError, LinkError
from drivers.modbus.unit import Unit
from drivers.profile import Profile
from drivers.wire import Wire
from edge_agent.line_fault import refuses_settings
from edge_agent.line_time import gap_s
from edge_agent.scan import cjt188, dlt645, mbus, modbus
from edge_agent.scan.any_unit import AnyUnit
from edge_agent.scan.found import Found, Progress
from edge_agent.scan.place import Place
from edge_agent.scan.recognise import by_models, recognised
from edge_agent.scan.settings import Settings

NAMELESS = "unit "  # what the driver of a device without a name says
RECOGNISE_TIMEOUT_S = 1.0  # a whole answer of a slow meter


@dataclass(frozen=True, slots=True)
class Options:
    """What to look for, and how patiently; an empty choice is all."""

    protocols: Sequence[str] = ()
    units: Sequence[int] = ()  # of Modbus, and primary addresses of M-Bus
    timeout_s: float | None = None  # to the first byte of an answer; learnt or by protocol when left out

    def wanted(self, place: Place) -> list[str]:
        """What to look for at a place; SunSpec is found behind Modbus units."""
        wanted = {"modbus" if p == "sunspec" else p for p in self.protocols}
        return [p for p in place.protocols if not wanted or p in wanted]


@dataclass
class Scan:
    """One search; `devices` are templates for OPC UA servers by url, with users and certificates."""

    places: Sequence[Place]
    profiles: Mapping[str, Profile]
    options: Options
    progress: Progress
    devices: Mapping[str, Device] = field(default_factory=dict)
    errors: dict[str, DriverError] = field(default_factory=dict)  # places that could not be searched to the end
    broken: dict[str, tuple[int, int]] = field(default_factory=dict)  # of them those begun: the step, of how many
    silent: dict[str, dict[int, float]] = field(default_factory=dict)  # Modbus units, and the seconds each was given
    settings: dict[str, Settings] = field(default_factory=dict)  # by place

    async def run(self) -> None:
        """Search every place; a place that cannot be opened is remembered in `errors`."""
        self.progress.phases = sum(len(place.wires_for(p)) for place in self.places for p in self.options.wanted(place))
        for place in self.places:
            try:
                await (self._server(place) if place.kind == "opcua" else self._line(place))
            except DriverError as error:
                self.errors[place.name] = error
                if self.progress.is_at(place.name) and place.kind != "opcua" and not refuses_settings(error):
                    self.broken[place.name] = self.progress.phase, self.progress.phases

    async def _line(self, place: Place) -> None:
        bus, settings = place.open(), Settings(place)
        self.settings[place.name] = settings
        try:
            await bus.connect()
            for protocol in self.options.wanted(place):
                planned, begun = len(place.wires_for(protocol)), self.progress.phase
                for wire in settings.of(protocol):
                    if await self._accepted(place, bus, protocol, wire):
                        if any(f.is_device and (f.place, f.wire) == (place.name, wire) for f in self.progress.found):
                            settings.answered(wire)  # noise alone says nothing of the other protocols
                        break
                self.progress.skip(planned - (self.progress.phase - begun))
        finally:
            await bus.close()

    async def _accepted(self, place: Place, bus: Bus, protocol: str, wire: Wire | None) -> bool:
        """Whether anything answered; a setting that the port refuses is left out, unless it is the only one."""
        try:
            return await self._look(place, bus, protocol, wire)
        except LinkError as error:
            if wire is None or not refuses_settings(error) or len(place.wires) == 1:
                raise
            self.settings[place.name].refused.append(wire)
            return False

    async def _look(self, place: Place, bus: Bus, protocol: str, wire: Wire | None) -> bool:
        """Search one protocol at one setting; whether anything answered."""
        before = len(self.progress.found)
        line = Port(bus, wire, gap_s(wire, protocol) if wire else 0.0)
        bus.tap = None
        match protocol:
            case "dlt645-2007" | "dlt645-1997":
                await self._dlt645(place, bus, line, protocol, wire)
            case "cjt188-2004":
                await self._cjt188(place, bus, line, wire)
            case "modbus":
                await self._modbus(place, bus, line, wire)
            case "mbus":
                await self._mbus(place, bus, line, wire)
        return len(self.progress.found) > before

    async def _dlt645(self, place: Place, bus: Bus, line: Port, edition: str, wire: Wire | None) -> None:
        step = self.progress
        step.begin(place.name, edition, wire, dlt645.QUESTIONS)
        wait = self.options.timeout_s or dlt645.TIMEOUT_S
        search = dlt645.Search645(line, edition, step.more, step.asked, wait)
        async for address in search.addresses():
            found = Found(edition, place.name, address, wire=wire)
            found.profiles = await self._recognised(bus, found)
            step.take(found)
        if search.collided:
            step.take(Found(edition, place.name, wire=wire, notes=["collision"]))

    async def _cjt188(self, place: Place, bus: Bus, line: Port, wire: Wire | None) -> None:
        step = self.progress
        step.begin(place.name, "cjt188-2004", wire, cjt188.QUESTIONS)
        meters, collided = await cjt188.search(line, step.asked, self.options.timeout_s or cjt188.TIMEOUT_S)
        for meter in meters:
            found = Found("cjt188-2004", place.name, meter.address, wire=wire, says=f"type {meter.meter_type:02X}")
            found.profiles = await self._recognised(bus, found, meter.medium)
            step.take(found)
        if collided:
            step.take(Found("cjt188-2004", place.name, wire=wire, notes=["collision"]))

    async def _modbus(self, place: Place, bus: Bus, line: Port, wire: Wire | None) -> None:
        numbers = list(self.options.units or (modbus.TCP_UNITS if bus.is_stream else modbus.SERIAL_UNITS))
        self.progress.begin(place.name, "modbus", wire, len(numbers))
        first = modbus.TCP_TIMEOUT_S if bus.is_stream else modbus.SERIAL_TIMEOUT_S
        timeout = modbus.Timeout(self.options.timeout_s or first)
        any_unit, told = AnyUnit(line, timeout.seconds), False
        async for number in modbus.units(bus, line, numbers, timeout, self.progress.asked):
            answers_any = bus.is_stream and await any_unit.answers_as(number)
            if answers_any and told:
                continue
            found = await self._unit(place, bus, line, number, wire)
            found.notes += ["any_unit"] if answers_any else []
            told = told or answers_any
            self.progress.take(found)
        await self._again(place, bus, line, timeout, wire)

    async def _again(self, place: Place, bus: Bus, line: Port, timeout: modbus.Timeout, wire: Wire | None) -> None:
        """Give the units that said nothing the time of a slow one, where that is soon done and none was chosen."""
        others = 1 if self.settings[place.name].heard else len(place.wires_for("modbus"))
        slow = [] if self.options.timeout_s else timeout.again(others)
        self.progress.more(len(slow))
        async for number in modbus.units(bus, line, slow, timeout, self.progress.asked):
            self.progress.take(await self._unit(place, bus, line, number, wire))
        self.silent[place.name] = timeout.silent

    async def _unit(self, place: Place, bus: Bus, line: Port, number: int, wire: Wire | None) -> Found:
        """What stands behind a unit that answered."""
        chain = await modbus.models(Unit(line, number, RECOGNISE_TIMEOUT_S))
        found = Found("sunspec" if chain else "modbus", place.name, unit=number, wire=wire)
        found.models = [model.id for model in chain]
        found.profiles = by_models(self.profiles, found.models) if chain else await self._recognised(bus, found)
        found.says = await self._said(bus, found)
        return found

    async def _mbus(self, place: Place, bus: Bus, line: Port, wire: Wire | None) -> None:
        wait = self.options.timeout_s or mbus.timeout_s(wire.baud if wire else 2400)
        self.progress.begin(place.name, "mbus", wire, 1)
        somebody = await mbus.is_anyone(line, wait)
        self.progress.asked()
        if not somebody:
            return
        addresses = [a for a in self.options.units or mbus.ADDRESSES if a in mbus.ADDRESSES]
        self.progress.more(len(addresses))
        async for meter in mbus.search(line, addresses, wait, self.progress.asked):
            found = Found("mbus", place.name, meter.wanted, wire=wire, says=meter.says)
            found.profiles = await self._recognised(bus, found) if meter.says else []
            found.notes = [] if meter.says else ["collision"]
            self.progress.take(found)

    async def _server(self, place: Place) -> None:
        from edge_agent.scan import opcua  # half a second of imports, for servers only

        if not self.options.wanted(place):
            return
        self.progress.begin(place.name, "opcua", None, 1)
        server = await opcua.search(self.devices[place.url], self.progress.asked)
        found = Found("opcua", place.name, says=server.offer.name, server=server)
        self.progress.take(found)

    async def _recognised(self, bus: Bus, found: Found, medium: int | None = None) -> list[str]:
        """The profiles that fit; of CJ/T 188 only those for what the meter measures are tried."""
        profiles = {n: p for n, p in self.profiles.items() if p.protocol == found.protocol}
        if medium is not None:
            profiles = {n: p for n, p in profiles.items() if cjt188.medium(meter_type(p)) == medium}
        if not profiles:
            return []
        return await recognised(bus, self._device(found, next(iter(profiles.values()))), profiles)

    async def _said(self, bus: Bus, found: Found) -> str:
        """What a recognised device says of itself."""
        if not found.profiles:
            return ""
        device = self._device(found, self.profiles[found.profiles[0]])
        try:
            says = await driver_for(device, bus, lambda: 0).probe()
        except DriverError:
            return ""
        return "" if says.startswith(NAMELESS) else says

    def _device(self, found: Found, profile: Profile) -> Device:
        wait = max(self.options.timeout_s or 0.0, RECOGNISE_TIMEOUT_S)
        return Device("scan", profile, found.address, found.unit or 0, wait, wire=found.wire)
