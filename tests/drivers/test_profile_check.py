"""What is found wrong with quotients and with moments."""

from __future__ import annotations

import pytest

from configs.load import parse
from drivers.profile import Profile
from drivers.profile_check import faults

PARTS = {
    "modbus": ("register: 1", "register: 2"),
    "dlt645-2007": ('di: "02030000"', 'di: "02030100"'),
    "sunspec": ("point: W, models: [103]", "point: W, models: [103]"),
    "mbus": ("record: power", "record: power/max"),
}


def problems(protocol: str, *items: str) -> list[str]:
    head = f"title: {{zh: X, en: X}}\nprotocol: {protocol}\nsource: a/b\nitems:\n"
    return [p.code for p in faults(parse(head + "".join(f"  {item}\n" for item in items), Profile, "x.yaml"))]


def quotient(protocol: str, first: str = "", second: str = "", own: str = "") -> list[str]:
    one, other = PARTS[protocol]
    return problems(
        protocol,
        f"a: {{quantity: power, {one}{first}}}",
        f"b: {{quantity: power, {other}{second}}}",
        f"cop: {{quantity: cop, quotient: [a, b]{own}}}",
    )


LOW = ", priority: low"


@pytest.mark.parametrize(
    ("first", "second", "own", "found"),
    [
        ("", "", "", []),
        (LOW, "", "", ["quotient_of_low"]),
        ("", LOW, "", ["quotient_of_low"]),
        (LOW, LOW, "", ["quotient_of_low"] * 2),
        ("", "", ", register: 3", ["quotient_with_place"]),
        ("", "", ", register: 0", ["quotient_with_place"]),
    ],
)
def test_a_quotient_is_of_two_items_that_every_cycle_reads(first: str, second: str, own: str, found: list[str]) -> None:
    assert quotient("modbus", first, second, own) == found


@pytest.mark.parametrize("protocol", PARTS)
def test_a_quotient_is_of_items_of_any_protocol(protocol: str) -> None:
    assert quotient(protocol) == []


@pytest.mark.parametrize(
    ("protocol", "item", "found"),
    [
        ("dlt645-1997", 'quantity: moment_of_year, di: "B010"', []),
        ("dlt645-1997", 'quantity: moment, di: "B010"', ["wrong_moment"]),
        ("dlt645-1997", 'quantity: demand, di: "B010"', ["wrong_moment"]),
        ("dlt645-1997", 'quantity: moment_of_year, di: "A010"', ["wrong_moment"]),
        ("dlt645-2007", 'quantity: moment, di: "01010000", part: time', []),
        ("dlt645-2007", 'quantity: moment, di: "01010000"', ["wrong_moment"]),
        ("dlt645-2007", 'quantity: moment_of_year, di: "01010000", part: time', ["wrong_moment"]),
        ("dlt645-2007", 'quantity: demand, di: "01010000"', []),
        ("dlt645-2007", 'quantity: moment, di: "04000106"', []),
        ("dlt645-2007", 'quantity: moment, di: "04000B01"', ["wrong_moment"]),  # day and hour
        ("dlt645-2007", 'quantity: moment, di: "0EF00001"', []),  # a maker's own: nobody knows better
    ],
)
def test_a_moment_has_the_quantity_that_shows_it_right(protocol: str, item: str, found: list[str]) -> None:
    assert problems(protocol, f"m: {{{item}}}") == found
