"""What a real agent costs while it works: CPU without work and with a thousand readings a second, and memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

from edge_agent.bench.devices import DI, LINE
from edge_agent.bench.opcua_client import NAMESPACE
from edge_agent.bench.process import cpu_s, memory_mb, written
from edge_agent.bench.running import HOST, agent, devices, running, until_stored

WARM_UP_S = 3.0  # after the first readings: what a start leaves to do is no part of the running
METER_ITEMS = len(DI)

Process = Popen[bytes]


@dataclass(frozen=True, slots=True)
class Running:
    """An agent over a time: share of a core, CPU of a reading, megabytes held and held at most."""

    share: float
    sample_us: float | None  # None where there are no readings to speak of
    rss_mb: float
    peak_mb: float
    written_bytes: float  # by a second
    seconds: float


def idle(seconds: float, warm_up_s: float = WARM_UP_S) -> list[tuple[str, Running]]:
    """Two agents side by side: without any device, and with one that is read once a minute."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        none, one = folder / "none", folder / "one"
        with (
            devices(folder, 1, 1) as ports,
            agent(none, "", {}) as without,
            agent(one, modbus_devices(ports, 60.0), {"slave": slave(1)}) as asking,
        ):
            until_stored(asking, one)
            time.sleep(warm_up_s)
            found = _watched([without, asking], seconds)
    return [("no-device", found[0]), ("one-device-60s", found[1])]


def modbus(slaves: int, items: int, seconds: float, meters: int = 0, warm_up_s: float = WARM_UP_S) -> Running:
    """One that reads so many Modbus TCP devices of so many registers every second, and meters on a serial line."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with devices(folder, slaves, items, meters) as ports:
            plant = modbus_devices(ports, 1.0) + meter_devices(folder / LINE, meters)
            profiles = {"slave": slave(items), "meter": METER}
            with agent(folder / "site", plant, profiles) as process:
                until_stored(process, folder / "site", slaves * items + meters * METER_ITEMS)
                time.sleep(warm_up_s)
                return _watched([process], seconds, slaves * items)[0]


def opcua(values: int, seconds: float, warm_up_s: float = WARM_UP_S) -> Running:
    """One that follows so many values of one server, each new every second."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with opcua_server(folder, values) as url, agent(folder / "site", follower(url), {"many": nodes(values)}) as one:
            until_stored(one, folder / "site", values)
            time.sleep(warm_up_s)
            return _watched([one], seconds, values)[0]


@contextmanager
def opcua_server(folder: Path, values: int) -> Iterator[str]:
    """asyncua's server in a process of its own; gives its address."""
    words = [sys.executable, "-m", "edge_agent.bench.opcua_server", str(values), "1.0"]
    with running(words, folder) as serving:
        assert serving.stdout is not None
        yield json.loads(serving.stdout.readline())["url"]


def modbus_devices(ports: list[int], poll_s: float) -> str:
    """Devices of plant.yaml, each at a port of its own."""
    lines = [f"  d{n}: {{host: {HOST}, port: {port}, profile: slave, poll: {poll_s}s}}" for n, port in enumerate(ports)]
    return "devices:\n" + "\n".join(lines) + "\n"


def meter_devices(port: Path, meters: int) -> str:
    """Meters that follow the devices of plant.yaml, and their line. A pseudo terminal knows no parity."""
    if not meters:
        return ""
    lines = [f'  m{n}: {{bus: line, profile: meter, address: "{n + 1:012}", poll: 5s}}' for n in range(meters)]
    return "\n".join([*lines, f"buses:\n  line: {{serial: {port}, baud: 9600, parity: N, stop: 2}}\n"])


def follower(url: str) -> str:
    """One server of plant.yaml."""
    return f"devices:\n  server: {{url: '{url}', security: none, profile: many, poll: 15s}}\n"


def slave(items: int) -> str:
    """The profile of a Modbus device."""
    return _HEAD.format("modbus") + "".join(f"  v{n}: {{quantity: count, register: {n}}}\n" for n in range(items))


def nodes(values: int) -> str:
    """The profile of an OPC UA server."""
    named = ((f"n{n}", f"nsu={NAMESPACE};s=N{n}") for n in range(values))
    return _HEAD.format("opcua") + "".join(f"  {name}: {{quantity: count, node: '{node}'}}\n" for name, node in named)


_HEAD = "title: {{zh: 测试, en: bench}}\nprotocol: {}\nsource: for measuring only\nitems:\n"
METER = _HEAD.format("dlt645-2007") + "".join(
    f"  {name}: {{quantity: {name}, di: '{di}'}}\n" for name, di in DI.items()
)


def _watched(agents: list[Process], seconds: float, samples_a_second: int = 0) -> list[Running]:
    """What each spends from now on for so long."""
    begun, before = time.monotonic(), [(cpu_s(p.pid), written(p.pid)[0]) for p in agents]
    time.sleep(seconds)
    took, after = time.monotonic() - begun, [(cpu_s(p.pid), written(p.pid)[0]) for p in agents]
    found = []
    for process, (cpu, wrote), (cpu_then, wrote_then) in zip(agents, after, before, strict=True):
        share = (cpu - cpu_then) / took
        each = share / samples_a_second * 1e6 if samples_a_second else None
        rss, peak = memory_mb(process.pid), memory_mb(process.pid, "VmHWM")
        found.append(Running(share, each, rss, peak, (wrote - wrote_then) / took, took))
    return found
