"""A line with CJ/T 188 meters of every kind in memory, and the drivers that read them."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from drivers.cjt188.codec import Decoder, Frame
from drivers.cjt188.driver import Cjt188Driver
from drivers.driver import Device
from drivers.profile import Item, Profile
from drivers.reading import Reading
from drivers.sim.carrier import MemoryLink
from drivers.sim.faults import Faults
from drivers.sim.meter188 import Line188, Meter188
from drivers.sim.plant import shipped
from tests.drivers.conftest import LATE_S, NOON, TIMEOUT_S, bus_of, noon

ADDRESS, OTHER = "00051812000177", "00051812000178"
WATER = shipped("cjt188-water")
GAS, HEAT, JY = shipped("cjt188-gas"), shipped("cjt188-heat"), shipped("cjt188-heat-jy")
HOUR = 3_600_000_000


def counted(at: int) -> dict[str, float]:
    """One m3 an hour since a past noon; the settlement day is past."""
    return {"volume": 1234.56 + (at - NOON) / HOUR, "settled_volume": 1000.0, "status": 0.0}


def gas(at: int) -> dict[str, float]:
    return {"volume": 77.25 + (at - NOON) / HOUR, "settled_volume": 70.0, "status": 4.0}


def heat(at: int) -> dict[str, float]:
    """Thirty kilowatts since a past noon, in the units of the profile."""
    return {
        "heat_energy": 5000.0 + 30 * (at - NOON) / HOUR,
        "settled_heat": 3600.0,
        "heat_power": 30.5,
        "flow": 1.2345,
        "volume": 321.5 + (at - NOON) / HOUR,
        "supply_temperature": 61.25,
        "return_temperature": 40.5,
        "hours": 2761.0,
        "status": 4.0,
        "maker_status": 5.0,
    }


SEEN = {  # the same in the units of the quantities
    "h1.heat_energy": 18000.0,
    "h1.settled_heat": 3600.0,
    "h1.heat_power": 30.5,
    "h1.flow": 1.2345,
    "h1.volume": 321.5,
    "h1.supply_temperature": 61.25,
    "h1.return_temperature": 40.5,
    "h1.hours": 2761.0,
    "h1.status": 4.0,
    "h1.maker_status": 5.0,
}
PROFILES = {"w1": WATER, "w2": WATER, "g1": GAS, "h1": HEAT, "j1": JY}
MAIN = {"w1": "volume", "g1": "volume", "h1": "heat_energy", "j1": "heat_energy"}


class Bench:
    """One line with water meters w1 and w2, a gas meter g1 and heat meters h1 and j1, and the bus to ask them."""

    def __init__(self, piece: int = 7) -> None:
        self.faults = Faults(late_s=LATE_S)
        self.meters = [
            Meter188("w1", ADDRESS, WATER, counted),
            Meter188("w2", OTHER, WATER, lambda at: counted(at) | {"volume": 5.0}),
            Meter188("g1", ADDRESS, GAS, gas),
            Meter188("h1", ADDRESS, HEAT, heat),
            Meter188("j1", OTHER, JY, heat, units={"energy": "MWh"}),
        ]
        self.line = Line188(self.meters, self.faults, noon)
        self.asked: list[Frame] = []
        self.bus = bus_of(MemoryLink(self, piece))

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        self.asked += Decoder().feed(data)
        return self.line.feed(data)

    def driver(self, name: str = "w1", timeout: float = TIMEOUT_S, profile: Profile | None = None) -> Cjt188Driver:
        address = OTHER if name in ("w2", "j1") else ADDRESS
        return Cjt188Driver(Device(name, profile or PROFILES[name], address, timeout=timeout), self.bus, noon)

    def change(self, **fields: object) -> None:
        self.meters[0] = replace(self.meters[0], **fields)  # type: ignore[arg-type]


MONTHS = msgspec.structs.replace(
    WATER,
    items={
        **WATER.items,
        "last_month": Item("settled_volume", field="settled_volume", di="D120", priority="low"),
        "a_year_ago": Item("settled_volume", field="settled_volume", di="D12B", priority="low"),
    },
)


def values(readings: list[Reading]) -> dict[str, float | None]:
    return {r.tag: r.value for r in readings}
