"""The heat pumps' profiles against registers as their sources print them."""

from __future__ import annotations

import pytest

from configs.quantity import quantities
from drivers.modbus.value import Coding
from drivers.sim.plant import shipped

NONE = None


@pytest.mark.parametrize(
    ("profile", "item", "registers", "value"),
    [
        ("nibe-s", "outdoor_temperature", "FFEC", -2.0),
        ("nibe-s", "outdoor_temperature", "8000", NONE),
        ("nibe-s", "flow", "00FA", 1.5),  # 25.0 L/min
        ("nibe-s", "power", "009B 0000", 1.55),
        ("nibe-s", "power", "FFFF FFFF", NONE),
        ("nibe-s", "alarm_number", "0000", 0.0),
        ("lambda-eureka", "water_out", "0DAC", 35.0),
        ("lambda-eureka", "source_in", "FE0C", -5.0),
        ("lambda-eureka", "heat_power", "0055", 8.5),
        ("lambda-eureka", "power", "06A4", 1.7),
        ("lambda-eureka", "cop", "01F4", 5.0),
        ("idm-navigator", "water_out", "0000 420C", 35.0),
        ("idm-navigator", "heat_energy", "5000 4643", 45000.0),  # 12500 kWh
        ("idm-navigator", "state", "0008", 8.0),
        ("idm-navigator", "state", "FFFF", NONE),
        ("stiebel-isg", "water_in", "0136", 31.0),
        ("stiebel-isg", "water_in", "8000", NONE),
        ("stiebel-isg", "heating_pressure", "00B4", 180.0),  # 1.80 bar
        ("stiebel-isg", "energy_import", "0237 000B", 11567.0),  # 567 kWh and 11 MWh
        ("stiebel-isg", "heat_energy", "0000 0001", 3600.0),
        ("daikin-homehub", "water_out", "0DE3", 35.55),
        ("daikin-homehub", "outdoor_temperature", "8000", NONE),
        ("daikin-homehub", "power", "0085", 1.33),
        ("lg-therma-v", "water_in", "00C2", 19.4),
        ("lg-therma-v", "outdoor_temperature", "FFF6", -1.0),
        *(("lg-therma-v", t, "FD7A", NONE) for t in ("water_in", "water_out", "hot_water", "outdoor_temperature")),
        ("lg-therma-v", "hot_water", "0BB8", NONE),
        ("lg-therma-v", "flow", "00A7", 1.002),  # 16.7 L/min
    ],
)
def test_a_register_means_what_its_source_says(profile: str, item: str, registers: str, value: float | None) -> None:
    found = shipped(profile).items[item]
    coding = Coding(found, quantities()[found.quantity].factor(found.unit) or 1.0)
    assert coding.value(bytes.fromhex(registers)) == (value if value is None else pytest.approx(value))
