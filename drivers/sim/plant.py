"""Plant A wired: one world, nine devices, and the lines on which they are reached."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from configs import FOLDER
from configs.load import load
from drivers.driver import Clock
from drivers.profile import Profile
from drivers.sim.address import Address
from drivers.sim.carrier import MemoryLink, serve_pty, serve_tcp
from drivers.sim.cut import cuttable
from drivers.sim.faults import Fault, Faults
from drivers.sim.inverter import Inverter
from drivers.sim.line import SharedLine
from drivers.sim.measured import Measured
from drivers.sim.measures import Measures
from drivers.sim.meter188 import Line188, Meter188
from drivers.sim.meter645 import Line645, Meter645
from drivers.sim.modbus_slave import Slave, SlaveLine, SlaveLineRtu
from drivers.sim.world import World

if TYPE_CHECKING:
    from drivers.sim.press_server import PressServer

PROFILES = {
    "m1": "dlt645-2007-3ph",
    "m2": "dlt645-2007-3ph",
    "m3": "dlt645-2007-3ph",
    "m4": "eastron-sdm630",
    "m5": "eastron-sdm630",
    "w1": "cjt188-water",
    "inv1": "sunspec",
    "hp1": "midea-m-thermal",
    "press": "press-line",
}
HOST = "127.0.0.1"
LINE = "line1"
ADDRESSES = {"m1": "000000000161", "m2": "000000000162", "m3": "000000000163"}
WATER_ADDRESS = "00000012345671"
UNITS = {"m4": 4, "m5": 5}
INVERTER_UNIT = HEAT_PUMP_UNIT = 1
USER, PASSWORD = "leafgate", "leafgate-sim"  # of the simulated OPC UA server, which listens on loopback only

_ON_THE_LINE = (
    Fault.SILENT, Fault.LATE, Fault.NOISY, Fault.ECHO, Fault.CHECKSUM, Fault.ERROR, Fault.FROZEN, Fault.SWAPPED,
)  # fmt: skip
_OVER_TCP = (
    Fault.SILENT, Fault.LATE, Fault.NOISY, Fault.CHECKSUM, Fault.ERROR, Fault.FROZEN, Fault.SWAPPED, Fault.BUS_CUT,
)  # fmt: skip
# What each device, and the line, can do wrong.
ABLE: dict[str, tuple[Fault, ...]] = {
    LINE: (Fault.BUS_CUT,),
    **dict.fromkeys(ADDRESSES, (*_ON_THE_LINE, Fault.ROLLOVER)),
    **dict.fromkeys(UNITS, _ON_THE_LINE),
    "w1": (*_ON_THE_LINE, Fault.ROLLOVER, Fault.CLOCK_OFF),
    "inv1": _OVER_TCP,
    "hp1": _OVER_TCP,
    "press": (
        Fault.SILENT, Fault.ERROR, Fault.FROZEN, Fault.SWAPPED, Fault.CLOCK_OFF, Fault.CERT_UNTRUSTED,
        Fault.RESTARTED, Fault.BUS_CUT,
    ),
}  # fmt: skip


def shipped(name: str) -> Profile:
    """A profile of configs/devices."""
    return load(FOLDER / "devices" / f"{name}.yaml", Profile).value


class Plant:
    """The devices of Plant A. `faults` and `clock` may be changed while it runs."""

    def __init__(self, world: World, clock: Clock, faults: Faults | None = None) -> None:
        self.world, self.clock = world, clock
        self.faults = faults or Faults()
        self.measures = Measures(world)
        self.line = SharedLine([self._meters(), self._rtu(), self._water()])

    def now(self) -> int:
        """What the clock says; every device asks here."""
        return self.clock()

    def _meters(self) -> Line645:
        profile = shipped("dlt645-2007-3ph")
        meters = [Meter645(name, address, profile, self.measures.of(name)) for name, address in ADDRESSES.items()]
        return Line645(meters, self.faults, self.now)

    def _rtu(self) -> SlaveLineRtu:
        profile = shipped("eastron-sdm630")
        slaves = [Slave(name, unit, profile, self.measures.of(name)) for name, unit in UNITS.items()]
        return SlaveLineRtu(slaves, self.faults, self.now)

    def _water(self) -> Line188:
        meter = Meter188("w1", WATER_ADDRESS, shipped("cjt188-water"), self.measures.of("w1"), zone=self.world.zone)
        return Line188([meter], self.faults, self.now)

    def memory_line(self, piece: int = 4096) -> MemoryLink:
        """The serial line without a port."""
        return MemoryLink(self.line, piece)

    def inverter(self) -> Inverter:
        """What stands behind one connection to the inverter."""
        profile = shipped("sunspec")
        return Inverter("inv1", INVERTER_UNIT, profile, self.measures.of("inv1"), self.faults, self.now)

    def heat_pump(self) -> SlaveLine:
        """What stands behind one connection to the heat pump."""
        slave = Slave("hp1", HEAT_PUMP_UNIT, shipped("midea-m-thermal"), self.measures.of("hp1"))
        return SlaveLine([slave], self.faults, self.now)

    @contextlib.asynccontextmanager
    async def serve(self, folder: Path, port: int = 0) -> AsyncIterator[Address]:
        """A real serial port below `folder` and real sockets on loopback, until the block ends.

        The inverter gets `port`, the heat pump and the OPC UA server the next two; 0 chooses any.
        """
        self._prepare(folder)
        inverter, heat_pump, opcua = (port + i if port else 0 for i in range(3))
        async with (
            cuttable(lambda _: serve_pty(self.line, folder / LINE), self._cut(LINE)) as serial,
            cuttable(lambda was: serve_tcp(self.inverter, HOST, was or inverter), self._cut("inv1")) as inverter_port,
            cuttable(lambda was: serve_tcp(self.heat_pump, HOST, was or heat_pump), self._cut("hp1")) as heat_pump_port,
            self._press().serve(folder / "pki", opcua) as url,
        ):
            yield Address(serial, HOST, inverter_port, heat_pump_port, url, USER, PASSWORD)

    def _prepare(self, folder: Path) -> None:
        """The past is summed before anybody waits for an answer."""
        folder.mkdir(parents=True, exist_ok=True)
        self.world.energy(self.now())

    def _press(self) -> PressServer:
        from drivers.sim.press_server import PressServer  # half a second of imports, for a served plant only

        measured = Measured("press", shipped("press-line"), self.measures.of("press"))
        return PressServer(measured, self.faults, self.now, PASSWORD)

    def _cut(self, name: str) -> Callable[[], bool]:
        return lambda: self.faults.on(name, Fault.BUS_CUT, self.now())
