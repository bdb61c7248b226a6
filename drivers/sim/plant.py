"""Plant A wired: the world, two DL/T 645 meters on one line and a PV meter on Modbus TCP."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from configs import FOLDER
from configs.load import load
from drivers.driver import Clock
from drivers.profile import Profile
from drivers.sim.calendar import chance
from drivers.sim.carrier import MemoryLink, serve_pty, serve_tcp
from drivers.sim.faults import Faults
from drivers.sim.meter645 import Line645, Meter645
from drivers.sim.modbus_slave import Slave, SlaveLine
from drivers.sim.world import US, World

HOST = "127.0.0.1"
SERIAL_NAME = "line1"
ADDRESSES = {"m1": "000000000161", "m2": "000000000162"}
CT = {"m1": 800.0, "m2": 500.0}  # 4000/5 A and 2500/5 A at 400 V
PV, PV_UNIT = "pv", 1
DEVICES = (*ADDRESSES, PV)
WOBBLE_US = 10 * US  # voltage and frequency move this often
POWER_FACTOR = 0.93


def shipped(name: str) -> Profile:
    """A profile of configs/devices."""
    return load(FOLDER / "devices" / f"{name}.yaml", Profile).value


@dataclass(frozen=True, slots=True)
class Address:
    """Where a served plant is reached."""

    serial: Path
    host: str
    port: int


class Plant:
    """The devices of Plant A. `faults` may be changed while it runs."""

    def __init__(self, world: World, clock: Clock, faults: Faults | None = None) -> None:
        self.world, self.clock = world, clock
        self.faults = faults or Faults()
        meter = shipped("dlt645-2007-3ph")
        self.line = Line645(
            [
                Meter645("m1", ADDRESSES["m1"], meter, self.grid),
                Meter645("m2", ADDRESSES["m2"], meter, self.press),
            ],
            self.faults,
            clock,
        )
        self._slaves = [Slave(PV, PV_UNIT, shipped("eastron-sdm630"), self.pv)]

    def memory_line(self, piece: int = 4096) -> MemoryLink:
        """The DL/T 645 line without a port."""
        return MemoryLink(self.line, piece)

    def memory_slave(self, piece: int = 4096) -> MemoryLink:
        """The Modbus TCP connection without a socket."""
        return MemoryLink(self.connection(), piece)

    def connection(self) -> SlaveLine:
        """What stands behind one TCP connection."""
        return SlaveLine(self._slaves, self.faults, self.clock)

    @contextlib.asynccontextmanager
    async def serve(self, folder: Path, port: int = 0) -> AsyncIterator[Address]:
        """A real serial port below `folder` and a real socket on loopback, until the block ends."""
        self.world.energy(self.clock())  # the past is summed before anybody waits for an answer
        async with (
            serve_pty(self.line, folder / SERIAL_NAME) as serial,
            serve_tcp(self.connection, HOST, port) as bound,
        ):
            yield Address(serial, HOST, bound)

    def grid(self, at: int) -> dict[str, float]:
        """The grid meter: forward is import, reverse is export; secondary side."""
        power, energy = self.world.power(at), self.world.energy(at)
        return _meter(at, CT["m1"], power.grid_import - power.grid_export, energy.grid_import, energy.grid_export)

    def press(self, at: int) -> dict[str, float]:
        """The meter of the press line; secondary side."""
        return _meter(at, CT["m2"], self.world.power(at).press, self.world.energy(at).press, 0.0)

    def pv(self, at: int) -> dict[str, float]:
        """The PV meter: generation flows towards the grid, so it is export and its power is negative."""
        values = _meter(at, 1.0, -self.world.power(at).pv, 0.0, self.world.energy(at).pv)
        amps = {f"current_{p}": abs(values[f"current_{p}"]) for p in "abc"}
        return values | amps | {"power": values["power"] * 1000.0}  # the wire carries W


def _meter(at: int, ct: float, power: float, imported: float, exported: float) -> dict[str, float]:
    """Three balanced phases of a meter behind current transformers; power in kW, energy in kWh."""
    beat = at // WOBBLE_US
    volts = {p: 230.0 + 6.0 * (chance(beat, salt) - 0.5) for p, salt in (("a", 11), ("b", 12), ("c", 13))}
    values = {f"voltage_{p}": round(v, 1) for p, v in volts.items()}
    amps = power * 1000.0 / ct / 3 / POWER_FACTOR
    values |= {f"current_{p}": amps / v for p, v in volts.items()}
    return values | {
        "energy_import": imported / ct,
        "energy_export": exported / ct,
        "power": power / ct,
        "power_factor": math.copysign(POWER_FACTOR, power),
        "frequency": 50.0 + 0.06 * (chance(beat, 14) - 0.5),
    }


def float32(value: float) -> float:
    """A value as a float32 register carries it."""
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


def fragment(where: Address) -> str:
    """What to paste into plant.yaml to read this plant."""
    return f"""\
buses:
  line1: {{serial: "{where.serial}", baud: 9600, parity: N}}
devices:
  m1: {{bus: line1, profile: dlt645-2007-3ph, address: {ADDRESSES["m1"]}, poll: 15s, ct: {CT["m1"]:g}}}
  m2: {{bus: line1, profile: dlt645-2007-3ph, address: {ADDRESSES["m2"]}, poll: 15s, ct: {CT["m2"]:g}}}
  pv: {{host: {where.host}, port: {where.port}, profile: eastron-sdm630, unit: {PV_UNIT}, poll: 5s}}
meters:
  grid:   {{tag: m1.energy_import, carrier: electricity, flow: grid_import}}
  export: {{tag: m1.energy_export, carrier: electricity, flow: grid_export}}
  pv:     {{tag: pv.energy_export, carrier: electricity, flow: pv_generation}}
  gas:    {{tag: manual.gas, carrier: natural_gas, flow: purchase}}
  press:  {{tag: m2.energy_import, carrier: electricity, level: 2, parent: grid}}
manual:
  gas:          {{quantity: gas_volume, kind: counter}}
  pieces:       {{quantity: production, kind: amount}}
  output_value: {{quantity: output_value, kind: amount}}
"""
