"""Where plant.yaml says a device is must be where its protocol can reach it."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.problem import ConfigError
from edge_agent.site import PLANT_FILE, Site, open_site

HEAD = "site: {id: x, title: X, timezone: Asia/Shanghai}\nbuses: {line1: {serial: /dev/ttyS0}}\ndevices:\n"
URL = "opc.tcp://10.0.0.5:4840"


def site(folder: Path, device: str, *more: str) -> Site:
    (folder / PLANT_FILE).write_text(HEAD + f"  d: {{{device}}}\n" + "\n".join(more), encoding="utf-8")
    return open_site(folder)


@pytest.mark.parametrize(
    "device",
    [
        "bus: line1, profile: dlt645-2007-3ph, address: 000000000161",
        "bus: line1, profile: cjt188-water, address: AAAAAAAAAAAAAA",
        "bus: line1, profile: eastron-sdm630, unit: 7",
        "host: 10.0.0.9, profile: eastron-sdm630",
        "host: 10.0.0.9, profile: sunspec",
        f'url: "{URL}", profile: press-line, user: leafgate, password_file: secrets/p.txt',
    ],
)
def test_a_device_where_its_protocol_reaches_it_is_right(device: str, tmp_path: Path) -> None:
    assert site(tmp_path, device).device("d").profile


@pytest.mark.parametrize(
    ("device", "code"),
    [
        ("bus: line1, profile: cjt188-water, address: 000000000161", "bad_address"),
        ("host: 10.0.0.9, profile: cjt188-water, address: 00000012345671", "needs_bus"),
        ("bus: line1, profile: sunspec", "needs_host"),
        (f'url: "{URL}", profile: sunspec', "needs_host"),
        (f'url: "{URL}", profile: eastron-sdm630', "needs_host"),
        ("host: 10.0.0.9, profile: press-line", "needs_url"),
        ('url: "http://10.0.0.5", profile: press-line', "needs_url"),
        (f'url: "{URL}", host: 10.0.0.5, profile: press-line', "bus_or_host"),
        ("profile: press-line", "bus_or_host"),
        (f'url: "{URL}", profile: press-line, password: secret', "literal_secret"),
    ],
)
def test_a_device_out_of_reach_is_named_with_its_line(device: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, device)
    assert (code, 4) in [(p.code, p.line) for p in caught.value.problems]


def test_two_units_share_a_line_and_two_devices_never_a_place(tmp_path: Path) -> None:
    unit = "bus: line1, profile: eastron-sdm630, unit: "
    assert len(site(tmp_path, unit + "4", f"  e: {{{unit}5}}").plant.devices) == 2
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, unit + "4", f"  e: {{{unit}4}}")
    assert [p.code for p in caught.value.problems] == ["same_place"]


def test_the_power_of_a_meter_must_be_a_power(tmp_path: Path) -> None:
    meter = "meters: {m: {tag: d.energy_import, carrier: electricity, flow: grid_import, power: d.voltage_a}}"
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, "host: 10.0.0.9, profile: eastron-sdm630", meter)
    assert [p.code for p in caught.value.problems] == ["no_power_tag"]


@pytest.mark.parametrize(
    ("item", "code"),
    [("quantity: power, node: Power", "bad_node"), ("quantity: power", "missing_key")],
)
def test_a_profile_with_an_unreadable_node_is_refused(item: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "devices").mkdir()
    text = f"title: {{zh: X, en: X}}\nprotocol: opcua\nsource: a/b\nitems:\n  p: {{{item}}}\n"
    (tmp_path / "devices" / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, f'url: "{URL}", profile: mine')
    assert [(p.code, p.line) for p in caught.value.problems] == [(code, 5)]


def test_a_profile_with_a_sunspec_point_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "devices").mkdir()
    item = "quantity: power, unit: W, point: Watts, models: [103]"
    text = f"title: {{zh: X, en: X}}\nprotocol: sunspec\nsource: a/b\nitems:\n  p: {{{item}}}\n"
    (tmp_path / "devices" / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, "host: 10.0.0.9, profile: mine")
    assert [p.code for p in caught.value.problems] == ["no_point"]
