"""Small worlds of DL/T 645: one simulated meter that can be told to deviate, and a driver that reads it."""

from __future__ import annotations

from typing import Any

from drivers.bus import Bus
from drivers.dlt645.codec import Decoder, Frame
from drivers.dlt645.driver import Dlt645Driver
from drivers.driver import Device
from drivers.profile import Profile
from drivers.reading import Reading
from drivers.sim.carrier import MemoryLink
from drivers.sim.electric import electric
from drivers.sim.faults import Faults
from drivers.sim.meter645 import Line645, Meter645
from drivers.sim.plant import shipped
from tests.drivers.conftest import TIMEOUT_S, bus_of, noon

ADDRESS = "201708176934"
BASE = {
    "power": -12.3456, "power_factor": -0.93, "frequency": 50.02, "energy_import": 844500.12, "energy_export": 77.5,
    "voltage_a": 230.1, "voltage_b": 231.2, "voltage_c": 232.3,
    "current_a": 1.234, "current_b": 2.345, "current_c": 3.456,
}  # fmt: skip
OF_1997 = {  # its power factor has no sign, its moments have no year
    "reactive_import": 12.5, "reactive_export": 0.5, "demand_import_time": 1051430.0,
    **dict.fromkeys(("power_factor", "power_factor_a", "power_factor_b", "power_factor_c"), 0.93),
}  # fmt: skip


def profile_of(edition: str = "2007", *names: str, phases: int = 3) -> Profile:
    """A shipped profile, with these of its items or all."""
    whole = shipped(f"dlt645-{edition}-{phases}ph")
    items = {name: whole.items[name] for name in names or whole.items}
    return Profile(whole.title, whole.protocol, "test", items)


def true_values(profile: Profile) -> dict[str, float]:
    """What the meter measures of the items of a profile."""
    found = electric(BASE) | (OF_1997 if profile.protocol == "dlt645-1997" else {})
    return {name: value for name, value in found.items() if name in profile.items}


class Heard:
    """A line that remembers what was asked on it and counts the bytes of both ways."""

    def __init__(self, line: Line645) -> None:
        self._line = line
        self.asked: list[Frame] = []
        self.bytes = 0

    @property
    def identifiers(self) -> list[str]:
        return [frame.data[: 4 if frame.control > 0x10 else 2][::-1].hex().upper() for frame in self.asked]

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        self.asked += Decoder().feed(data)
        sent = self._line.feed(data)
        self.bytes += len(data) + sum(len(reply) for _, reply in sent)
        return sent


def world(
    profile: Profile, address: str = ADDRESS, wake_up: bytes = b"\xfe" * 4, lacking: tuple[str, ...] = (), **told: Any
) -> tuple[Dlt645Driver, Heard, Faults]:
    """A driver of the meter at `address`; `told` are the deviations of the meter."""
    faults = Faults()
    measured = {name: value for name, value in true_values(profile).items() if name not in lacking}
    meter = Meter645("m", ADDRESS, profile, lambda _: measured, **told)
    heard = Heard(Line645([meter], faults, noon, wake_up))
    bus: Bus = bus_of(MemoryLink(heard, piece=5), quiet_s=0.0)
    return Dlt645Driver(Device("m", profile, address, timeout=TIMEOUT_S), bus, noon), heard, faults


def by_item(readings: list[Reading]) -> dict[str, Reading]:
    return {r.tag.removeprefix("m."): r for r in readings}
