"""A SunSpec device on Modbus TCP: a chain with a vendor's model in it, asleep while there is no sun."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from drivers.driver import Clock
from drivers.modbus.pdu import EXCEPTION, MOST_REGISTERS
from drivers.profile import Profile
from drivers.sim.faults import Fault, Faults
from drivers.sim.measured import Measured, Values
from drivers.sim.modbus_slave import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Slave,
    SlaveLine,
)
from drivers.sim.sunspec_chain import SLEEPING, TRACKING, Shape, chain, pv
from drivers.sunspec.chain import BASES

IDENTITY = {"Mn": "Leafgate", "Md": "simulated inverter", "Vr": "1.0"}
LEAST_POWER_W = 500.0  # below it the inverter sleeps
COUNTER = "WH"
ALWAYS = {"Evt1": 0.0, "Evt2": 0.0}
READ_HOLDING = 3


@dataclass(frozen=True)
class SunSpecSlave(Slave):
    """One unit. `values` are items of the profile in the wire's unit; one that they leave out is not implemented."""

    shape: Shape = pv

    def answer(self, pdu: bytes, faults: Faults, now: int) -> bytes:
        """The registers of a read inside the chain, or an exception."""
        function = pdu[0]
        if function != READ_HOLDING:
            return bytes([function | EXCEPTION, ILLEGAL_FUNCTION])
        if faults.on(self.name, Fault.ERROR, now):
            return bytes([function | EXCEPTION, DEVICE_FAILURE])
        if len(pdu) != 5:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        start, count = struct.unpack(">HH", pdu[1:])
        if not 1 <= count <= MOST_REGISTERS:
            return bytes([function | EXCEPTION, ILLEGAL_VALUE])
        held, first = self.chain(faults, now), 2 * (start - BASES[0])
        if not 0 <= first <= len(held) - 2 * count:
            return bytes([function | EXCEPTION, ILLEGAL_ADDRESS])
        return bytes([function, 2 * count]) + held[first : first + 2 * count]

    def chain(self, faults: Faults, now: int) -> bytes:
        """All registers from the first base address on, at a time."""
        return chain(self.shape({**IDENTITY, "SN": self.name, "DA": self.unit, **self._points(faults, now)}))

    def _points(self, faults: Faults, now: int) -> dict[str, float]:
        """What model 103 shows; asleep only its counter and its state."""
        values = Measured(self.name, self.profile, self.values).at(now, faults)
        points = {item.point: values[name] for name, item in self.profile.items.items() if name in values}
        if points.get("W", 0.0) < LEAST_POWER_W:
            counted = {COUNTER: points[COUNTER]} if COUNTER in points else {}
            return {**counted, **ALWAYS, "St": SLEEPING}
        phases = [points[phase] for phase in ("AphA", "AphB", "AphC") if phase in points]
        return {"St": TRACKING, "A": math.fsum(phases), **points, **ALWAYS}


class Inverter(SlaveLine):
    """One TCP connection to one such unit."""

    def __init__(
        self,
        name: str,
        unit: int,
        profile: Profile,
        values: Values,
        faults: Faults,
        clock: Clock,
        shape: Shape = pv,
    ) -> None:
        self.slave = SunSpecSlave(name, unit, profile, values, shape)
        super().__init__([self.slave], faults, clock)
