"""CJ/T 188-2004 meters of water, gas, heat and cold on one line: they answer reads and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from configs.quantity import quantities
from drivers.cjt188.codec import (
    ADDRESS,
    ANY_TYPE,
    ECHO,
    ERROR,
    READ,
    READ_ADDRESS,
    REPLY,
    WAKE_UP,
    Decoder,
    Frame,
    encode,
)
from drivers.cjt188.layout import METERED, Measure, Part
from drivers.cjt188.model import identifier, layout_of, meter_type
from drivers.cjt188.value import time_bytes, value_bytes
from drivers.dlt645.codec import same_address
from drivers.profile import Item, Profile
from drivers.sim.faults import US, Fault, Faults
from drivers.sim.measured import Measured, Values, cut
from drivers.sim.meter_line import MeterLine
from drivers.sim.world import ZONE

CLOCK_OFF_S = 3600
UNITS: Mapping[Measure, str] = {"volume": "m3", "energy": "kWh", "power": "kW", "flow": "m3/h"}  # of the wire


@dataclass(frozen=True)
class Meter188:
    """One meter: an address, the profile that it fills and the values it measures, in the items' units.

    `order` is the only order of the identifier's bytes that it understands, None for both; `units`
    are those of its replies where they are not UNITS; its clock shows the time of `zone`.
    """

    name: str
    address: str
    profile: Profile
    values: Values
    zone: tzinfo = ZONE
    order: bytes | None = None
    units: Mapping[Measure, str] = field(default_factory=dict)

    def answer(self, frame: Frame, faults: Faults, now: int) -> Frame | None:
        """The reply to a frame; None when the meter stays silent, as it does for every other control."""
        if frame.is_reply or not same_address(frame.address, self.address) or len(frame.data) != ECHO:
            return None
        if frame.meter_type not in (meter_type(self.profile), ANY_TYPE):
            return None
        di = self._known(frame)
        if di is None:
            return None
        if frame.control == READ_ADDRESS:
            return self._reply(READ_ADDRESS | REPLY, frame.data)
        if faults.on(self.name, Fault.ERROR, now):
            return self._reply(READ | REPLY | ERROR, frame.data[2:] + self._status(self._items(METERED), faults, now))
        return self._reply(READ | REPLY, frame.data + self._body(di, faults, now))

    def _known(self, frame: Frame) -> str | None:
        """The identifier that is asked for; None when the meter does not understand the question."""
        asked = frame.data[:2]
        if frame.control == READ_ADDRESS:
            return "810A" if asked in (ADDRESS, ADDRESS[::-1]) else None
        known = {identifier(item) for item in self.profile.items.values()} | {METERED}
        for di in known if frame.control == READ else ():
            wire = bytes.fromhex(di)
            turned = self.order is not None and self.order != bytes.fromhex(METERED)
            allowed = (wire, wire[::-1]) if self.order is None else (wire[:: -1 if turned else 1],)
            if asked in allowed:
                return di
        return None

    def _reply(self, control: int, data: bytes) -> Frame:
        return Frame(meter_type(self.profile), self.address, control, data)

    def _items(self, di: str) -> dict[str, Item]:
        return {name: item for name, item in self.profile.items.items() if identifier(item) == di}

    def _body(self, di: str, faults: Faults, now: int) -> bytes:
        items = self._items(di)
        by_field = {item.field: name for name, item in items.items()}
        found = Measured(self.name, self.profile, self.values).at(now, faults)
        body = b""
        for part_name, part in layout_of(self.profile).parts(di).items():
            if part.kind == "clock":
                behind = CLOCK_OFF_S if faults.on(self.name, Fault.CLOCK_OFF, now) else 0
                body += time_bytes(datetime.fromtimestamp(now / US - behind, self.zone))
            elif part.kind == "status":
                body += self._status(items, faults, now)
            else:
                name = by_field.get(part_name, "")
                body += self._bytes(part, items.get(name), found.get(name))
        return body

    def _bytes(self, part: Part, item: Item | None, value: float | None) -> bytes:
        """One part as the wire has it, filled with FF where the meter measures no such thing."""
        unit = self.units.get(part.measures, UNITS.get(part.measures, ""))
        if item is not None and value is not None:
            factor = quantities()[item.quantity].factor
            value *= (factor(item.unit) or 1.0) / (factor(unit) or 1.0)
            value = cut(value, part.decimals) % 10 ** (2 * part.size - part.decimals)
        return value_bytes(part, value, unit, layout_of(self.profile).unit_first)

    def _status(self, items: Mapping[str, Item], faults: Faults, now: int) -> bytes:
        found = Measured(self.name, self.profile, self.values).at(now, faults)
        status = 0
        for name, item in items.items():
            if item.field == "status":
                status |= int(found.get(name, 0)) << int(item.bits.partition("-")[0] or 0)
        return status.to_bytes(2, "little")


class Line188(MeterLine[Frame]):
    """The CJ/T 188 meters of a line."""

    def hunter(self) -> Decoder:
        return Decoder()

    def sent(self, frame: Frame) -> bytes:
        return WAKE_UP + encode(frame)
