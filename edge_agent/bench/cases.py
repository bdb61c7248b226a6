"""The questions that the time on a line is measured with: who asks, and the devices that answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from configs.text import both
from drivers.driver import Device
from drivers.profile import Item, Profile
from drivers.sim.faults import Faults
from drivers.sim.line import SharedLine
from drivers.sim.measured import Values
from drivers.sim.meter645 import Line645, Meter645
from drivers.sim.modbus_slave import Slave, SlaveLineRtu

REGISTERS = (1, 10, 60)
PHASES = (("a", 1), ("b", 2), ("c", 3))
VALUE = 1.0  # of every item
TITLE, SOURCE = both("bench"), "edge_agent/bench/cases.py, for measuring only"

_METERS: Mapping[str, Mapping[str, Item]] = {
    "energy": {"energy_import": Item("energy_import", di="00010000", bytes=4, decimals=2)},
    "frequency": {"frequency": Item("frequency", di="02800002", bytes=2, decimals=2)},
    "voltages": {f"voltage_{p}": Item("voltage", di=f"02010{n}00", bytes=2, decimals=1) for p, n in PHASES},
    "currents": {
        f"current_{p}": Item("current", di=f"02020{n}00", decimals=3, bytes=3, signed=True) for p, n in PHASES
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of question; the device's profile makes its driver ask it."""

    name: str
    device: Device


def cases() -> list[Case]:
    """DL/T 645 by single items and by what a meter tells as a block, Modbus RTU by the number of registers."""
    meters = [
        Case(f"dlt645-{name}", Device(name, Profile(TITLE, "dlt645-2007", SOURCE, dict(items)), f"{place:012}"))
        for place, (name, items) in enumerate(_METERS.items(), 1)
    ]
    return meters + [
        Case(f"rtu-{count}", Device(f"r{count}", Profile(TITLE, "modbus", SOURCE, _counts(count)), unit=count))
        for count in REGISTERS
    ]


def line() -> SharedLine:
    """All of them on one line."""
    devices = [case.device for case in cases()]
    meters = [Meter645(d.name, d.address, d.profile, _values(d)) for d in devices if d.address]
    slaves = [Slave(d.name, d.unit, d.profile, _values(d)) for d in devices if not d.address]
    return SharedLine([Line645(meters, Faults(), clock), SlaveLineRtu(slaves, Faults(), clock)])


def clock() -> int:
    """No value here depends on the time."""
    return 0


def _counts(count: int) -> dict[str, Item]:
    return {f"count_{i}": Item("count", register=i) for i in range(count)}


def _values(device: Device) -> Values:
    return lambda now: dict.fromkeys(device.profile.items, VALUE)
