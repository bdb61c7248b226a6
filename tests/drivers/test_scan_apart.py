"""Who is told apart in a search: units behind a gateway, orders of CJ/T 188, M-Bus addresses of plant.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.modbus.tcp import Decoder, Frame, encode
from drivers.sim.carrier import MemoryLink, Responder
from drivers.sim.faults import Faults
from drivers.sim.meter188 import Line188, Meter188
from drivers.sim.modbus_slave import SlaveLine
from edge_agent.scan.found import Found
from edge_agent.scan.known import mark_known
from edge_agent.site import Site, open_site
from tests.drivers.bench188 import ADDRESS, WATER, counted
from tests.drivers.conftest import noon
from tests.drivers.heat_pumps import profile, slave
from tests.drivers.test_scan import Memory, line_of, search

SHAPE = profile(0, 1)


def behind_gateway(units: range) -> list[tuple[int | None, list[str]]]:
    line = SlaveLine([slave(f"d{u}", u, {"r0": 1.0, "r1": 2.0}, SHAPE) for u in units], Faults(), noon)
    return told_apart(line)


def told_apart(responder: Responder) -> list[tuple[int | None, list[str]]]:
    place = Memory("10.0.0.5", "tcp", host="10.0.0.5", link=lambda: MemoryLink(responder))
    found, _ = search(place, "modbus", units=range(1, 33), profiles={})
    return [(f.unit, f.notes) for f in found]


@pytest.mark.parametrize("units", [range(1, 9), range(2, 9), range(1, 33)])
def test_every_unit_behind_a_gateway_is_a_device(units: range) -> None:
    assert behind_gateway(units) == [(unit, []) for unit in units]


class Gateway:
    """Two devices, and for every other unit the gateway itself; the first register of all counts the questions."""

    def __init__(self, *units: int) -> None:
        self._units, self._asked = units, 0

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        (asked,) = Decoder(replies=False).feed(data)
        self._asked += 1
        number = asked.unit if asked.unit in self._units else 255
        count = int.from_bytes(asked.pdu[3:5], "big")
        words = [self._asked if not place else number + place for place in range(count)]
        body = b"".join(word.to_bytes(2, "big") for word in words)
        return [(0.0, encode(Frame(asked.transaction, asked.unit, bytes([asked.pdu[0], len(body)]) + body)))]


def test_a_device_that_does_not_look_at_the_unit_is_one_though_its_values_change() -> None:
    assert told_apart(Gateway()) == [(1, ["any_unit"])]


def test_devices_behind_a_gateway_that_answers_for_all_others_are_found_beside_it() -> None:
    assert told_apart(Gateway(3, 7)) == [(1, ["any_unit"]), (3, []), (7, [])]


@pytest.mark.parametrize("order", ["901F", "1F90"])
def test_a_meter_is_recognised_in_whichever_order_it_wants_the_identifier(order: str) -> None:
    line = Line188([Meter188("w1", ADDRESS, WATER, counted, order=bytes.fromhex(order))], Faults(), noon)
    found, _ = search(line_of(line), "cjt188-2004")
    assert [(f.address, f.profiles) for f in found] == [(ADDRESS, ["cjt188-water"])]


PLANT = """
site: {{id: x, title: X, timezone: Asia/Shanghai, language: en}}
buses: {{line1: {{serial: /dev/null}}}}
devices: {{h1: {{bus: line1, profile: mbus-heat, address: "{address}"}}}}
"""


@pytest.mark.parametrize(
    ("configured", "found", "says", "is_known"),
    [
        ("5", "5", "", True),
        ("5", "6", "", False),
        ("254", "5", "", True),
        ("12345678FFFFFFFF", "123456782D2C3404", "", True),
        ("1234FFFFFFFFFFFF", "5", "123456782D2C3404 (KAM)", True),
        ("12345678FFFFFF07", "123456782D2C3404", "", False),
        ("12345678FFFFFFFF", "5", "", False),
    ],
)
def test_an_m_bus_meter_is_known_by_its_own_kind_of_address(
    tmp_path: Path, configured: str, found: str, says: str, is_known: bool
) -> None:
    one = Found("mbus", "line1", found, says=says)
    mark_known([one], site_of(tmp_path, configured))
    assert (one.known_as == "h1") == is_known


def site_of(folder: Path, address: str) -> Site:
    (folder / "plant.yaml").write_text(PLANT.format(address=address), encoding="utf-8")
    return open_site(folder)
