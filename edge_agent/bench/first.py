"""How long a site takes from the start of its agent to the first stored reading, beside the mere imports.

Both are processes of their own, taking turns. CPU decides; the wall shows what is waited for.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_agent.bench.field import follower, modbus_devices, nodes, opcua_server, slave
from edge_agent.bench.process import cpu_s
from edge_agent.bench.running import COMPILED, agent, devices, until_stored

TURNS = 5
ITEMS = 10
LIBRARIES = "asyncio, click, logging.handlers, msgspec, serial_asyncio_fast, sqlite3, yaml, zoneinfo"
AGENT = f"{LIBRARIES}, edge_agent.agent, edge_agent.cli, edge_agent.commands.run"  # what every agent imports
_SAY = "print(flush=True); import sys; sys.stdin.read()"

Cost = tuple[float, float]  # seconds of CPU, and on the wall


@dataclass(frozen=True, slots=True)
class FirstSample:
    """Seconds to the first stored reading and of the imports, and their ratios; medians."""

    site: str
    cpu_ratio: float
    wall_ratio: float
    cpu_s: float
    wall_s: float
    imports_cpu_s: float
    imports_wall_s: float


def measure(turns: int = TURNS) -> list[FirstSample]:
    """A site with OPC UA beside the libraries alone, and one with Modbus only beside all that it imports."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with opcua_server(folder, ITEMS) as url, devices(folder, 1, ITEMS) as ports:
            opcua = partial(_first, folder, follower(url), {"many": nodes(ITEMS)})
            modbus = partial(_first, folder, modbus_devices(ports, 1.0), {"slave": slave(ITEMS)})
            return [
                _compared("opcua", opcua, partial(_imports, folder, f"asyncua, {LIBRARIES}"), turns),
                _compared("modbus", modbus, partial(_imports, folder, f"{AGENT}, drivers.modbus.driver"), turns),
            ]


def _compared(site: str, first: Callable[[int], Cost], imports: Callable[[], Cost], turns: int) -> FirstSample:
    imports()  # reads the modules into the memory of the machine
    spent = [(*first(turn), *imports()) for turn in range(turns)]
    cpu, wall, imports_cpu, imports_wall = (statistics.median(column) for column in zip(*spent, strict=True))
    return FirstSample(site, cpu / imports_cpu, wall / imports_wall, cpu, wall, imports_cpu, imports_wall)


def _first(folder: Path, plant: str, profiles: dict[str, str], turn: int) -> Cost:
    """An agent on a fresh site, until a reading is on the disk."""
    site = folder / f"{next(iter(profiles))}-{turn}"
    begun = time.monotonic()
    with agent(site, plant, profiles) as process:
        until_stored(process, site)
        return cpu_s(process.pid), time.monotonic() - begun


def _imports(folder: Path, modules: str) -> Cost:
    begun = time.monotonic()
    words = [sys.executable, "-c", f"import {modules}; {_SAY}"]
    with subprocess.Popen(words, cwd=folder, env=COMPILED, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        cost = cpu_s(process.pid), time.monotonic() - begun
        process.communicate()
    return cost
