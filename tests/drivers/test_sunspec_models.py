"""What a profile may say of SunSpec models, where points stand, and what their registers mean."""

from __future__ import annotations

import subprocess
import sys

import pytest

from configs import FOLDER
from configs.load import load_folders
from drivers.error import DeviceError, ProfileError
from drivers.profile import Item, Profile
from drivers.sim.sunspec_chain import filled
from drivers.sunspec.coding import CODINGS, TEXTS, is_number, number, text
from drivers.sunspec.definition import definition, described
from drivers.sunspec.models import check, factor
from drivers.sunspec.places import path_of, places
from drivers.sunspec.values import whole

PROFILES = load_folders([FOLDER / "devices"], Profile)


def value(model_id: int, path: str, length: int = 50, **raws: float) -> float | None:
    layout = definition(model_id)
    assert layout is not None
    registers, there = whole(layout, filled(model_id, length, raws))
    return registers.value(there[path])


def test_the_definitions_are_read_without_importing_the_package_that_ships_them() -> None:
    code = (
        "import sys; from drivers.sunspec.definition import definition\n"
        "import drivers.sunspec.driver, drivers.sunspec.explain\n"
        "assert definition(103) and definition(714)\n"
        "assert not [name for name in sys.modules if name.startswith('sunspec2')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_point_of_every_definition_has_a_type_that_we_read_and_a_factor_that_is_there() -> None:
    assert len(described()) > 100
    for model_id in described():
        layout = definition(model_id)
        assert layout is not None
        assert [point.name for point in layout.group.points[:2]] == ["ID", "L"]
        for place in places(layout, 2000, {}).values():
            assert is_number(place.point.type) or place.point.type in (*TEXTS, "pad")
            assert isinstance(place.point.sf, int) or (place.factor is not None) == bool(place.point.sf)


@pytest.mark.parametrize("name", [name for name, p in PROFILES.items() if p.value.protocol == "sunspec"])
def test_a_shipped_profile_names_points_that_exist(name: str) -> None:
    check(PROFILES[name].value.items)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Item("power", unit="W", point="Watts", models=[103]), r"x: 103.Watts \(W\?\)"),
        (Item("power", unit="W", point="WphC", models=[103]), r"x: 103.WphC"),
        (Item("power", unit="kW", point="W", models=[103]), r"x: 103.W kW \(W\)"),
        (Item("voltage", point="W", models=[103]), r"x: 103.W V \(W\)"),
        (Item("power", unit="W", point="W"), "models"),
        (Item("power", unit="W", point="W", models=[9999]), "9999.W"),
        (Item("power_factor", point="PF", models=[103]), r"103.PF 1 \(%\)"),
        (Item("count", point="Mn", models=[1]), "1.Mn"),
        (Item("current", point="DCAmp", module=1, models=[160]), r"160.DCAmp\[1\] \(DCA\?\)"),
        (Item("count", point="PF", models=[704]), "704.PF"),  # four groups have one
    ],
)
def test_an_item_that_cannot_be_right_is_named_with_what_would_be(item: Item, said: str) -> None:
    with pytest.raises(ProfileError, match=said) as caught:
        check({"x": item})
    assert caught.value.reason == "no_point"


def test_every_fault_of_a_profile_is_told_at_once() -> None:
    items = {"a": Item("power", point="Watt", models=[103]), "b": Item("power", point="Wx", models=[203])}
    with pytest.raises(ProfileError, match=r"a: .*; b: "):
        check(items)


def test_a_unit_that_is_left_out_is_the_definitions() -> None:
    for quantity, point, times in [
        ("power", "W", 0.001),
        ("energy_export", "WH", 0.001),
        ("temperature", "TmpCab", 1.0),
    ]:
        item = Item(quantity, point=point, models=[103])
        check({"x": item})
        assert factor(item, 103) == times


@pytest.mark.parametrize(
    ("model_id", "point", "module", "path"),
    [
        (103, "W", 0, "W"),
        (160, "DCA", 2, "module[2].DCA"),
        (160, "DCA", 0, "module[1].DCA"),
        (160, "module[3].DCA", 0, "module[3].DCA"),
        (714, "DCA", 0, "DCA"),
        (714, "Prt.DCA", 2, "Prt[2].DCA"),
        (704, "PFWAbs.PF", 0, "PFWAbs.PF"),
        (705, "Crv.Pt[3].V", 2, "Crv[2].Pt[3].V"),
        (707, "MustTrip.Pt.Tms", 4, "Crv[4].MustTrip.Pt[1].Tms"),
        (103, "W", 2, "W"),  # of the second model 103
        (103, "W[1]", 0, None),
        (160, "module.W", 1, None),
        (160, "other[2].DCA", 0, None),
    ],
)
def test_a_point_is_found_by_its_last_parts(model_id: int, point: str, module: int, path: str | None) -> None:
    layout = definition(model_id)
    assert layout is not None
    assert path_of(layout, point, module) == path


def test_groups_repeat_as_their_count_or_the_length_says_and_never_past_the_end() -> None:
    mppt, curves = definition(160), definition(705)
    assert mppt is not None
    assert curves is not None
    two = places(mppt, 8 + 2 * 20 + 3, {})
    assert (two["module[2].DCA"].offset, "module[3].DCA" in two) == (10 + 20 + 9, False)
    laid = places(curves, 400, {"NCrv": 2, "NPt": 3})
    size = laid["Crv[2].ActPt"].offset - laid["Crv[1].ActPt"].offset
    assert size == laid["Crv[1].Pt[1].V"].offset - laid["Crv[1].ActPt"].offset + 3 * 2
    assert not [path for path in laid if path.startswith(("Crv[3]", "Crv[1].Pt[4]"))]
    assert places(curves, 13 + 2, {"NCrv": 9, "NPt": 9}).keys() == places(curves, 13 + 2, {}).keys()


def test_a_value_is_the_one_that_the_device_shows() -> None:
    """Powers of ten round once: 2301 with a factor of -1 is 230.1, not 230.10000000000002."""
    assert value(103, "PhVphA", PhVphA=2301, V_SF=-1) == 230.1
    assert value(103, "WH", WH=1, WH_SF=10) == 1e10
    assert value(103, "W", W=-3, W_SF=-10) == -3e-10
    with pytest.raises(DeviceError):
        value(103, "W", W=-3, W_SF=12)
    assert value(307, "TmpAmb", 11, TmpAmb=-215) == -21.5  # the power of ten is part of the definition


@pytest.mark.parametrize("kind", list(CODINGS))
def test_registers_that_are_cut_short_or_not_implemented_are_no_number(kind: str) -> None:
    lacking = filled_with(kind)
    assert number(kind, lacking) is None
    assert number(kind, lacking[:-2]) is None
    assert number(kind, b"") is None


def filled_with(kind: str) -> bytes:
    size = {"16": 2, "32": 4, "64": 8}.get(kind[-2:], 2)
    return CODINGS[kind][1].to_bytes(size, "big")


@pytest.mark.parametrize(
    ("kind", "raw", "shown"),
    [
        ("string", b"SMA\0\0\0", "SMA"),
        ("string", b"  ABC ", "ABC"),
        ("string", bytes(8), None),
        ("ipaddr", bytes([192, 168, 0, 17]), "192.168.0.17"),
        ("ipaddr", bytes(4), None),
        ("ipv6addr", bytes.fromhex("fe80000000000000000000000000beef"), "fe80:0000:0000:0000:0000:0000:0000:beef"),
        ("eui48", bytes.fromhex("000040ada9957600")[:8], "40:AD:A9:95:76:00"),
        ("eui48", b"\0\0" + b"\xff" * 6, None),
        ("eui48", bytes(8), None),
    ],
)
def test_texts_and_addresses_are_read(kind: str, raw: bytes, shown: str | None) -> None:
    assert text(kind, raw) == shown
