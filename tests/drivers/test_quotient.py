"""A quotient is made of two readings of one cycle, whichever driver they come from and however it is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from drivers.build import driver_for
from drivers.bus import Bus
from drivers.driver import Device
from drivers.link import Link
from drivers.opcua.driver import OpcUaDriver
from drivers.profile import Item, Profile
from drivers.quotient import AT_REST, US, Quotients
from drivers.reading import Quality, Reading
from drivers.sim.plant import shipped
from tests.drivers.conftest import noon
from tests.drivers.heat_pumps import MIDEA

COP = Item("cop", quotient=["heat", "power"])
PROFILE = Profile(
    MIDEA.title,
    "modbus",
    "test",
    {"cop": COP, "heat": Item("heat_power", register=1), "power": Item("power", register=2)},
)
HEAT, POWER = "hp.heat", "hp.power"


def quotients(held: bool = False) -> Quotients:
    return Quotients(Device("hp", PROFILE), held)


def reading(tag: str, value: float | None, at: int = 7, quality: Quality = Quality.GOOD) -> Reading:
    if value is None:
        return Reading(tag, None, Quality.BAD, "checksum", at, at)
    return Reading(tag, value, quality, None, at, at)


def cops(readings: Iterable[Reading]) -> list[float | None]:
    return [r.value for r in readings if r.tag == "hp.cop"]


def test_the_cop_is_heat_through_power_of_one_cycle() -> None:
    told = [reading(HEAT, 8.4), reading(POWER, 2.0)]
    assert quotients().added(told) == [*told, Reading("hp.cop", 4.2, Quality.GOOD, None, 7, 7)]


def test_a_cut_cycle_gives_it_with_its_second_part() -> None:
    parts = quotients()
    assert cops(parts.added([reading(POWER, 2.0, 5)])) == []
    assert parts.added([reading(HEAT, 8.0, 9)])[-1] == Reading("hp.cop", 4.0, Quality.GOOD, None, 9, 9)


def test_no_reading_is_used_in_two_cycles() -> None:
    """Of a heat pump that starts, the heat of now through the power of before would be a marvel."""
    parts = quotients()
    parts.added([reading(HEAT, 0.2), reading(POWER, 0.1)])
    assert cops(parts.added([reading(HEAT, 8.0)])) == []
    assert cops(parts.added([reading(POWER, 2.0)])) == [4.0]


def test_parts_that_are_far_apart_make_none() -> None:
    parts, long = quotients(), int(COP.max_age * US) + 1
    parts.added([reading(HEAT, 8.0, 0)])
    assert cops(parts.added([reading(POWER, 2.0, long)])) == []
    assert cops(parts.added([reading(HEAT, 6.0, long)])) == [3.0]


def test_where_readings_stand_each_change_makes_one() -> None:
    parts = quotients(held=True)
    parts.added([reading(HEAT, 8.0, 0), reading(POWER, 2.0, 0)])
    assert parts.tags == {HEAT, POWER}
    changes = [reading(HEAT, 6.0, 900 * US), reading("hp.other", 1.0), reading(HEAT, 4.0, 901 * US)]
    assert [r.value for r in parts.made_of(changes)] == [3.0, 2.0]


def test_it_is_no_better_than_what_it_rests_on() -> None:
    (*_, cop) = quotients().added([reading(HEAT, 8.4, quality=Quality.UNCERTAIN), reading(POWER, 2.0)])
    assert (cop.value, cop.quality) == (4.2, Quality.UNCERTAIN)
    for heat, power in ((None, 2.0), (8.4, None)):
        (*_, cop) = quotients().added([reading(HEAT, heat), reading(POWER, power)])
        assert (cop.value, cop.quality, cop.reason) == (None, Quality.BAD, "checksum")


def test_a_heat_pump_at_rest_has_none() -> None:
    (*_, cop) = quotients().added([reading(HEAT, 0.0), reading(POWER, AT_REST / 2)])
    assert (cop.value, cop.quality, cop.reason) == (None, Quality.ABSENT, "at_rest")


def test_without_quotients_readings_pass_as_they_are() -> None:
    told = [reading(HEAT, 8.4), reading(POWER, 2.0)]
    assert Quotients(Device("hp", shipped("eastron-sdm630"))).added(told) == told


PLACES: dict[str, tuple[str, Item]] = {
    "modbus": ("", Item("power", register=1)),
    "dlt645-2007": ("000000000161", Item("power", di="02030000")),
    "cjt188-2004": ("00051812000177", Item("water_volume", field="volume")),
    "sunspec": ("", Item("power", point="W", models=[103])),
    "mbus": ("1", Item("power", record="power")),
}


@pytest.mark.parametrize("protocol", PLACES)
def test_no_driver_knows_of_an_item_without_a_place(protocol: str) -> None:
    """With no item but a quotient beside one that is read, every driver asks what it asks without it."""
    address, item = PLACES[protocol]

    async def asked(items: dict[str, Item]) -> list[bytes]:
        said: list[bytes] = []
        driver = driver_for(Device("d", _profile(protocol, items), address, timeout=0.01), _deaf(said), noon)
        with pytest.raises(Exception, match="no_reply"):
            await driver.read()
        return said

    plain = asyncio.run(asked({"a": item}))
    assert plain == asyncio.run(asked({"cop": Item("cop", quotient=["a", "a"]), "a": item}))


def test_nor_does_that_of_opc_ua() -> None:
    items = {"cop": Item("cop", quotient=["a", "a"]), "a": Item("power", node="ns=2;i=7")}
    driver = OpcUaDriver(Device("d", _profile("opcua", items)), noon)
    assert driver._story.tags == ["d.a"]


def _profile(protocol: str, items: dict[str, Item]) -> Profile:
    return Profile(MIDEA.title, protocol, "test", items)  # type: ignore[arg-type]


def _deaf(said: list[bytes]) -> Bus:
    class Deaf:
        async def write(self, data: bytes) -> None:
            said.append(data)

        async def read(self, timeout_s: float) -> bytes:
            await asyncio.sleep(max(timeout_s, 0.0))
            return b""

        async def set(self, wire: object) -> None: ...

        async def close(self) -> None: ...

    async def opened() -> Link:
        return Deaf()

    return Bus("deaf", opened, quiet_s=0.0, frame_gap_s=0.001)
