"""The simulated devices of `leafgate bench agent`, in a process of their own: FOLDER DEVICES ITEMS METERS.

So many Modbus TCP slaves, each on a port of its own and with so many one-register items, and so many
DL/T 645 meters on one serial line at FOLDER. The ports are printed once all of them answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from functools import partial
from pathlib import Path

from configs.text import both
from drivers.profile import Item, Profile
from drivers.sim.carrier import serve_pty, serve_tcp
from drivers.sim.faults import Faults
from drivers.sim.line import SharedLine
from drivers.sim.measured import Values
from drivers.sim.meter645 import Line645, Meter645
from drivers.sim.modbus_slave import Slave, SlaveLine

HOST = "127.0.0.1"
LINE = "line"  # the serial port in the folder
TITLE, SOURCE = both("bench"), "edge_agent/bench/devices.py, for measuring only"
DI = {"energy_import": "00010000", "frequency": "02800002"}
SPREAD = 400  # what a register shows moves within so much


def clock() -> int:
    """Microseconds UTC."""
    return time.time_ns() // 1000


def values(items: int) -> Values:
    """Registers that change from second to second, each in its own way."""
    return lambda now: {f"v{n}": float((now // 1_000_000 * (n + 1) + 37 * n) % SPREAD) for n in range(items)}


def metered(now: int) -> dict[str, float]:
    """A meter under a steady load."""
    return {"energy_import": now // 1_000_000 % 1_000_000 / 100, "frequency": 50.0}


def registers(items: int) -> Profile:
    """So many items, each one register."""
    return Profile(TITLE, "modbus", SOURCE, {f"v{n}": Item("count", register=n) for n in range(items)})


def meter() -> Profile:
    """A meter's register and its frequency."""
    energy, frequency = DI["energy_import"], DI["frequency"]
    items = {
        "energy_import": Item("energy_import", di=energy, bytes=4, decimals=2),
        "frequency": Item("frequency", di=frequency, bytes=2, decimals=2),
    }
    return Profile(TITLE, "dlt645-2007", SOURCE, items)


def address(number: int) -> str:
    """Of a meter."""
    return f"{number + 1:012}"


async def serve(folder: Path, devices: int, items: int, meters: int) -> None:
    """Answer until cancelled."""
    faults = Faults()
    async with contextlib.AsyncExitStack() as stack:
        slave = Slave("slave", 1, registers(items), values(items))
        line = partial(SlaveLine, [slave], faults, clock)
        ports = [await stack.enter_async_context(serve_tcp(line, HOST, 0)) for _ in range(devices)]
        metering = [Meter645(f"m{n}", address(n), meter(), metered) for n in range(meters)]
        if meters:
            await stack.enter_async_context(serve_pty(SharedLine([Line645(metering, faults, clock)]), folder / LINE))
        print(json.dumps(ports), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    place, *counts = sys.argv[1:]
    asyncio.run(serve(Path(place), *map(int, counts)))
