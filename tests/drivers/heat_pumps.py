"""Simulated heat pumps and bare registers on a Modbus RTU line."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.driver import Device
from drivers.profile import Item, Profile
from drivers.sim.faults import Faults
from drivers.sim.modbus_slave import Slave, SlaveLineRtu
from drivers.sim.plant import shipped
from tests.drivers.conftest import LATE_S, noon

# Registers of a running unit with 10 kW: register_dump.txt, named as a source in the profile.
DUMP = {100: 29, 101: 3, 104: 28, 105: 32, 107: 4, 124: 0, 138: 107, 143: 0, 144: 31718, 148: 349, 150: 87, 151: 401}
# What they mean, but colder outside.
HEAT_PUMP = {
    "compressor_frequency": 29.0,
    "mode": 3.0,
    "water_in": 28.0,
    "water_out": 32.0,
    "outdoor_temperature": -1.0,
    "error": 0.0,
    "flow": 1.07,
    "energy_import": 317.18,
    "heat_power": 3.49,
    "power": 0.87,
    "cop": 4.01,
}
TIMEOUT_S = 0.08
MIDEA = shipped("midea-m-thermal")


def profile(*registers: int, function: int = 3) -> Profile:
    """Each of these registers, or bits, as it stands."""
    items = {f"r{r}": Item("count", register=r, function=function) for r in registers}  # type: ignore[arg-type]
    return Profile(MIDEA.title, "modbus", "test", items)


def slave(name: str, unit: int, values: Mapping[str, float], shape: Profile | None = None) -> Slave:
    return Slave(name, unit, shape or MIDEA, lambda at: values)


def heat_pumps(faults: Faults | None = None) -> SlaveLineRtu:
    pumps = [slave("hp1", 1, HEAT_PUMP), slave("hp2", 2, HEAT_PUMP | {"water_out": 45.0})]
    return SlaveLineRtu(pumps, faults or Faults(late_s=LATE_S), noon)


def heat_pump(unit: int = 1, timeout: float = TIMEOUT_S) -> Device:
    return Device(f"hp{unit}", MIDEA, unit=unit, timeout=timeout)
