"""CJ/T 188-2004 water and gas meters on one line: they answer reads and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from configs.quantity import quantities
from drivers.cjt188.codec import (
    ADDRESS,
    ANY_TYPE,
    COLD_WATER,
    DECIMALS,
    DIGITS,
    ERROR,
    METERED,
    READ,
    READ_ADDRESS,
    REPLY,
    WAKE_UP,
    Decoder,
    Frame,
    amount_bytes,
    encode,
    time_bytes,
)
from drivers.dlt645.codec import same_address
from drivers.profile import Profile
from drivers.sim.faults import US, Fault, Faults
from drivers.sim.measured import Measured, Values, cut
from drivers.sim.meter_line import MeterLine
from drivers.sim.world import ZONE

CLOCK_OFF_S = 3600
ENDS_AT = 10 ** (DIGITS - DECIMALS)  # where the wire's register returns to 0, in the wire's unit
FILLER = b"\xff"


@dataclass(frozen=True)
class Meter188:
    """One meter: an address, the profile that it fills and the values it measures, in the items' units.

    `order` is the only order of the identifier's bytes that it understands, None for both;
    `unit` is the unit of its reply; its clock shows the time of `zone`.
    """

    name: str
    address: str
    profile: Profile
    values: Values
    meter_type: int = COLD_WATER
    zone: tzinfo = ZONE
    order: bytes | None = None
    unit: str = "m3"

    def answer(self, frame: Frame, faults: Faults, now: int) -> Frame | None:
        """The reply to a frame; None when the meter stays silent, as it does for every other control."""
        if frame.is_reply or not same_address(frame.address, self.address):
            return None
        if frame.meter_type not in (self.meter_type, ANY_TYPE) or len(frame.data) != 3:
            return None
        di = frame.data[:2]
        if frame.control == READ_ADDRESS and di in (ADDRESS, ADDRESS[::-1]):
            return self._reply(READ_ADDRESS | REPLY, frame.data)
        if frame.control != READ or di not in ((METERED, METERED[::-1]) if self.order is None else (self.order,)):
            return None
        found = self._by_field(faults, now)
        status = bytes([int(found.get("status", 0)), 0])
        if faults.on(self.name, Fault.ERROR, now):
            return self._reply(READ | REPLY | ERROR, frame.data[2:] + status)
        behind = CLOCK_OFF_S if faults.on(self.name, Fault.CLOCK_OFF, now) else 0
        clock = datetime.fromtimestamp(now / US - behind, self.zone)
        volumes = self._volume(found, "volume") + self._volume(found, "settled_volume")
        return self._reply(READ | REPLY, frame.data + volumes + time_bytes(clock) + status)

    def _reply(self, control: int, data: bytes) -> Frame:
        return Frame(self.meter_type, self.address, control, data)

    def _by_field(self, faults: Faults, now: int) -> dict[str, float]:
        found = Measured(self.name, self.profile, self.values).at(now, faults)
        return {item.field: found[name] for name, item in self.profile.items.items() if name in found}

    def _volume(self, found: Mapping[str, float], field: str) -> bytes:
        """Five bytes, filled with FF where the meter measures no such thing."""
        if field not in found:
            return FILLER * 5
        item = next(item for item in self.profile.items.values() if item.field == field)
        factor = quantities()[item.quantity].factor
        in_unit = found[field] * (factor(item.unit) or 1.0) / (factor(self.unit) or 1.0)
        return amount_bytes(cut(in_unit, DECIMALS) % ENDS_AT, self.unit)


class Line188(MeterLine[Frame]):
    """The CJ/T 188 meters of a line."""

    def hunter(self) -> Decoder:
        return Decoder()

    def sent(self, frame: Frame) -> bytes:
        return WAKE_UP + encode(frame)
