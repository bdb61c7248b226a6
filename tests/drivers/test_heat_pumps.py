"""The heat pumps' profiles against registers as their sources print them, and the COP that is computed."""

from __future__ import annotations

import pytest

from configs.quantity import quantities
from drivers.modbus.value import Coding
from drivers.profile import Item
from drivers.quotient import AT_REST, quotients
from drivers.reading import Quality, Reading
from drivers.round import Found
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
        ("lg-therma-v", "flow", "00A7", 1.002),  # 16.7 L/min
    ],
)
def test_a_register_means_what_its_source_says(profile: str, item: str, registers: str, value: float | None) -> None:
    found = shipped(profile).items[item]
    coding = Coding(found, quantities()[found.quantity].factor(found.unit) or 1.0)
    assert coding.value(bytes.fromhex(registers)) == (value if value is None else pytest.approx(value))


ITEMS = {"heat": Item("heat_power"), "power": Item("power"), "cop": Item("cop", quotient=["heat", "power"])}
TAGS = {name: f"hp.{name}" for name in ITEMS}


def read(heat: float | None, power: float | None, quality: Quality = Quality.GOOD) -> Found:
    return {"heat": _reading("heat", heat, quality), "power": _reading("power", power, Quality.GOOD)}


def _reading(name: str, value: float | None, quality: Quality) -> Reading:
    if value is None:
        return Reading(TAGS[name], None, Quality.BAD, "checksum", 7, 7)
    return Reading(TAGS[name], value, quality, None, 7, 7)


def test_the_cop_is_heat_through_power_of_one_reading() -> None:
    assert quotients(ITEMS, TAGS, read(8.4, 2.0)) == {"cop": Reading("hp.cop", 4.2, Quality.GOOD, None, 7, 7)}


def test_a_cop_is_no_better_than_what_it_rests_on() -> None:
    assert quotients(ITEMS, TAGS, read(8.4, 2.0, Quality.UNCERTAIN))["cop"].quality == Quality.UNCERTAIN
    for found in (read(None, 2.0), read(8.4, None)):
        cop = quotients(ITEMS, TAGS, found)["cop"]
        assert (cop.value, cop.quality, cop.reason) == (None, Quality.BAD, "checksum")


def test_a_heat_pump_at_rest_has_no_cop() -> None:
    cop = quotients(ITEMS, TAGS, read(0.0, AT_REST / 2))["cop"]
    assert (cop.value, cop.quality, cop.reason) == (None, Quality.ABSENT, "at_rest")


def test_of_a_cycle_that_did_not_read_both_nothing_is_said() -> None:
    found = read(8.4, 2.0)
    del found["power"]
    assert quotients(ITEMS, TAGS, found) == {}
