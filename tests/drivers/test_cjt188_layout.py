"""The CJ/T 188 layouts as data, and the profiles that name them: faults are found when a file is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs import FOLDER
from configs.load import load, load_folders, parse
from drivers.cjt188.layout import METERED, MONTH_ENDS, table, width
from drivers.cjt188.model import layout_of, meter_type
from drivers.profile import Profile
from drivers.profile_check import faults

SHIPPED = {
    name: loaded.value
    for name, loaded in load_folders([FOLDER / "devices"], Profile).items()
    if loaded.value.protocol == "cjt188-2004"
}
HEAD = "title: {zh: 表, en: meter}\nprotocol: cjt188-2004\nsource: test\n"
VOLUME = "items: {v: {quantity: water_volume, field: volume}}\n"


def problems(text: str) -> list[str]:
    return [problem.code for problem in faults(parse(HEAD + text, Profile, "test"))]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("field: status", []),
        ("field: status, bits: '3'", []),
        ("field: status, bits: 8-15", []),
        ("field: status, bits: x", ["bad_bits"]),
        ("field: status, bits: 7-0", ["bad_bits"]),
        ("field: status, bits: '20'", ["bad_bits"]),
        ("field: status, bits: 0-40", ["bad_bits"]),
        ("field: status, bits: 8-16", ["bad_bits"]),
    ],
)
def test_bits_are_those_of_both_status_bytes(item: str, found: list[str]) -> None:
    assert problems(f"items: {{s: {{quantity: device_state, {item}}}}}\n") == found


def test_only_a_status_has_bits() -> None:
    assert problems("items: {v: {quantity: water_volume, field: volume, bits: 0-7}}\n") == ["bad_bits"]


@pytest.mark.parametrize(
    ("name", "data_bytes"),
    [
        ("water", 0x16),
        ("heat", 0x2E),
        ("heat-unit-first", 0x2E),
        ("heat-cooling", 0x2E),
        ("heat-2bh", 0x2B),
        ("water-unit-first", 0x1D),
        ("no-unit", 0x09),
    ],
)
def test_a_layout_is_as_long_as_its_source_says(name: str, data_bytes: int) -> None:
    assert width(table().layouts[name].parts(METERED)) + 3 == data_bytes


@pytest.mark.parametrize(("di", "data_bytes"), [("8102", 0x12), ("8103", 4), ("8104", 4), ("8105", 0x12)])
def test_what_all_meters_answer_alike_is_as_long_as_its_source_says(di: str, data_bytes: int) -> None:
    assert width(table().layouts["water"].parts(di)) + 3 == data_bytes


def test_a_month_end_is_one_amount_of_eight_bytes() -> None:
    assert (MONTH_ENDS[0], MONTH_ENDS[-1], len(MONTH_ENDS)) == ("D120", "D12B", 12)
    for name in ("water", "heat"):
        assert {width(table().layouts[name].parts(di)) + 3 for di in MONTH_ENDS} == {8}


def test_every_layout_names_its_source_and_measures_what_has_units() -> None:
    for layout in table().layouts.values():
        assert layout.source
        for part in layout.current.values():
            assert (part.kind == "amount") == bool(part.measures)
            assert part.measures in ("", *table().units)


def test_the_makers_layouts_have_the_length_of_the_standard() -> None:
    """Which is why the length of a reply must not choose."""
    lengths = {name: width(layout.current) for name, layout in table().layouts.items()}
    assert lengths["heat"] == lengths["heat-unit-first"] == lengths["heat-cooling"]


@pytest.mark.parametrize(
    ("name", "code", "layout"),
    [
        ("cjt188-water", 0x10, "water"),
        ("cjt188-gas", 0x30, "water"),
        ("cjt188-heat", 0x20, "heat"),
        ("cjt188-heat-jy", 0x20, "heat-unit-first"),
        ("cjt188-cooling", 0x21, "heat"),
    ],
)
def test_a_shipped_profile_names_whom_it_asks_and_how_it_reads(name: str, code: int, layout: str) -> None:
    assert meter_type(SHIPPED[name]) == code
    assert layout_of(SHIPPED[name]) is table().layouts[layout]
    assert faults(load(FOLDER / "devices" / f"{name}.yaml", Profile)) == []


def test_every_shipped_profile_is_covered_here() -> None:
    assert sorted(SHIPPED) == ["cjt188-cooling", "cjt188-gas", "cjt188-heat", "cjt188-heat-jy", "cjt188-water"]


@pytest.mark.parametrize("code", ["10", "11", "12", "13", "20", "25", "30", "49", "AA"])
def test_a_profile_may_name_any_meter_type(code: str) -> None:
    assert problems(f'meter_type: "{code}"\nlayout: water\n' + VOLUME) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('meter_type: "50"\n' + VOLUME, "bad_meter_type"),
        ('meter_type: "1"\n' + VOLUME, "bad_meter_type"),
        ("layout: heet\n" + VOLUME, "no_layout"),
        ("items: {v: {quantity: water_volume, field: volumes}}\n", "no_part"),
        ("items: {v: {quantity: water_volume, field: clock}}\n", "no_part"),
        ("items: {v: {quantity: water_volume, field: volume, di: D120}}\n", "no_part"),
        ("items: {v: {quantity: water_volume, field: volume, di: A017}}\n", "no_identifier"),
        ("items: {v: {quantity: water_volume, field: volume, di: '00010000'}}\n", "no_identifier"),
        ("items: {v: {quantity: water_volume}}\n", "missing_key"),
    ],
)
def test_a_wrong_profile_is_found_before_it_reads(text: str, code: str) -> None:
    assert problems(text) == [code]


@pytest.mark.parametrize(
    ("quantity", "code"),
    [("water_volume", 0x10), ("gas_volume", 0x30), ("heat_energy", 0x20), ("cooling_energy", 0x21)],
)
def test_what_it_measures_decides_whom_a_profile_asks(quantity: str, code: int) -> None:
    field = "heat_energy" if code >> 4 == 2 else "volume"
    text = HEAD + f"items: {{v: {{quantity: {quantity}, field: {field}}}}}\n"
    profile = parse(text, Profile, "test").value
    assert meter_type(profile) == code
    assert problems(text.removeprefix(HEAD)) == []


def test_the_table_is_where_the_package_ships_it() -> None:
    assert Path(FOLDER / "cjt188.yaml").is_file()
