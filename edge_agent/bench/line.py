"""How much longer a question and its answer take than the wire needs: our drivers on a line at its true pace.

The least time is calculated from the bytes of both ways, the silences that the protocol demands and
the delay of the simulated device; protocols.md, 4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from drivers.build import driver_for, serial_bus
from drivers.bus import Bus
from drivers.exchange import Exchange
from drivers.sim.paced import paced
from drivers.wire import Wire
from edge_agent.bench.cases import Case, cases, clock, line
from edge_agent.line_time import gap_s

BAUDS = (2400, 9600, 19200)
SECONDS = 2.0  # for each figure; at least one cycle


@dataclass(frozen=True, slots=True)
class LineFigure:
    """One question at one baud rate: seconds for each, measured and calculated, medians; how many were asked."""

    case: str
    baud: int
    measured_s: float
    least_s: float
    count: int

    @property
    def ratio(self) -> float:
        return self.measured_s / self.least_s


def measure(bauds: Sequence[int] = BAUDS, seconds: float = SECONDS) -> list[LineFigure]:
    """Every case at every baud rate. A pseudo terminal knows no parity: 8N2 stands for the 11 bits of 8E1."""
    return [figure for baud in bauds for figure in asyncio.run(_figures(Wire(baud, "N", 2), seconds))]


async def _figures(wire: Wire, seconds: float) -> list[LineFigure]:
    delay = gap_s(wire, "modbus")  # a device that keeps the silence of Modbus RTU and thinks no time
    with paced(line, wire, delay) as port:
        bus = serial_bus("bench", str(port), wire)
        try:
            return [await _figure(case, bus, wire, delay, seconds) for case in cases()]
        finally:
            await bus.close()


async def _figure(case: Case, bus: Bus, wire: Wire, delay: float, seconds: float) -> LineFigure:
    """Whole cycles until the time is over; the first one, which learns what the device refuses, does not count."""
    heard: list[Exchange] = []
    bus.tap = heard.append
    driver = driver_for(case.device, bus, clock)
    await driver.read()
    del heard[:-1]
    while len(heard) < 2 or heard[-1].ended - heard[0].ended < seconds:
        await driver.read()
    gap = gap_s(wire, case.device.profile.protocol)
    took = [after.ended - before.ended for before, after in pairwise(heard)]
    least = [e.wire_s + delay + gap for e in heard[1:]]
    return LineFigure(case.name, wire.baud, median(took), median(least), len(took))
