"""Where plant.yaml says a device is must be where its protocol can reach it."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.problem import ConfigError
from drivers.wire import Wire
from edge_agent.site import PLANT_FILE, Site, open_site

HEAD = "site: {id: x, title: X, timezone: Asia/Shanghai}\nbuses: {line1: {serial: /dev/ttyS0}}\ndevices:\n"
URL = "opc.tcp://10.0.0.5:4840"
USER_PAIR = "user_certificate: secrets/u.der, user_key: secrets/u.key"


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
        "bus: line1, profile: sunspec, unit: 3, baud: 19200, parity: N",
        "bus: line1, profile: dlt645-2007-3ph, address: AAAAAAAA0161",
        f'url: "{URL}", profile: press-line, user: leafgate, password_file: secrets/p.txt',
        f'url: "{URL}", profile: press-line, security: Aes256_Sha256_RsaPss, mode: Sign, {USER_PAIR}',
    ],
)
def test_a_device_where_its_protocol_reaches_it_is_right(device: str, tmp_path: Path) -> None:
    assert site(tmp_path, device).device("d").profile


@pytest.mark.parametrize(
    ("device", "code"),
    [
        ("bus: line1, profile: cjt188-water, address: 000000000161", "bad_address"),
        ("host: 10.0.0.9, profile: cjt188-water, address: 00000012345671", "needs_bus"),
        (f'url: "{URL}", profile: sunspec', "needs_bus_or_host"),
        (f'url: "{URL}", profile: eastron-sdm630', "needs_bus_or_host"),
        ("bus: line1, profile: dlt645-2007-3ph, address: 0000A0000161", "bad_address"),
        ("bus: line1, profile: dlt645-2007-3ph, address: 0161", "bad_address"),
        ("bus: line1, profile: sunspec, unit: 0", "out_of_range"),
        ("host: 10.0.0.9, profile: eastron-sdm630, baud: 9600", "wire_needs_bus"),
        ("host: 10.0.0.9, profile: press-line", "needs_url"),
        ('url: "http://10.0.0.5", profile: press-line', "needs_url"),
        (f'url: "{URL}", host: 10.0.0.5, profile: press-line', "bus_or_host"),
        ("profile: press-line", "bus_or_host"),
        (f'url: "{URL}", profile: press-line, password: secret', "literal_secret"),
        ('url: "opc.tcp://bob:secret@10.0.0.5:4840", profile: press-line', "literal_secret"),
        ('url: "opc.tcp://:4840", profile: press-line', "needs_url"),
        ('url: "opc.tcp://10.0.0.5:99999", profile: press-line', "needs_url"),
        (f'url: "{URL}", profile: press-line, user: bob', "user_and_password"),
        (f'url: "{URL}", profile: press-line, user: b, password_file: /etc/passwd', "not_below_secrets"),
        (f'url: "{URL}", profile: press-line, user: b, password_file: secrets/../x', "not_below_secrets"),
        (f'url: "{URL}", profile: press-line, user: b, password_file: secrets/x, security: none', "password_in_clear"),
        (f'url: "{URL}", profile: press-line, user_certificate: secrets/u.der', "certificate_and_key"),
        (f'url: "{URL}", profile: press-line, user_certificate: u.der, user_key: secrets/k', "not_below_secrets"),
        (f'url: "{URL}", profile: press-line, user_certificate: secrets/u, user_key: pki/k', "not_below_secrets"),
        (f'url: "{URL}", profile: press-line, user: b, password_file: secrets/p, {USER_PAIR}', "one_user"),
        (f'url: "{URL}", profile: press-line, {USER_PAIR}, security: none', "certificate_in_clear"),
        ("bus: line1, profile: eastron-sdm630, address: 5", "not_by_address"),
        ("bus: line1, profile: eastron-sdm630, unit: 250", "out_of_range"),
        ('host: "10.0.0.1:502", profile: eastron-sdm630', "bad_host"),
        ('host: "http://10.0.0.1", profile: eastron-sdm630', "bad_host"),
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


def test_two_meters_are_never_told_apart_by_what_their_protocol_does_not_use(tmp_path: Path) -> None:
    """Both would be read as unit 1, and two meters would show one meter's values."""
    device = "bus: line1, profile: eastron-sdm630, address: "
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, device + "5", f"  e: {{{device}6}}")
    assert {p.code for p in caught.value.problems} == {"not_by_address", "same_place"}


def test_a_wildcard_address_is_for_the_only_device_of_a_bus(tmp_path: Path) -> None:
    device = "bus: line1, profile: dlt645-2007-3ph, address: "
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, device + "AAAAAAAAAAAA", f"  e: {{{device}000000000161}}")
    assert [p.code for p in caught.value.problems] == ["wildcard_not_alone"]


def test_a_serial_port_belongs_to_one_bus(tmp_path: Path) -> None:
    (tmp_path / PLANT_FILE).write_text(HEAD.split("buses")[0] + "buses: {a: {serial: /dev/x}, b: {serial: /dev/x}}\n")
    with pytest.raises(ConfigError) as caught:
        open_site(tmp_path)
    assert [p.code for p in caught.value.problems] == ["same_place"]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("p: {quantity: power, register: 1, scale: 0}", "scale_zero"),
        ("p: {quantity: energy_import, register: 1, modulus: -1}", "out_of_range"),
        ("link: {quantity: power, register: 1}", "bad_item_name"),
        ("a b: {quantity: power, register: 1}", "bad_item_name"),
    ],
)
def test_a_profile_that_gives_wrong_values_is_refused(item: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "devices").mkdir()
    text = f"title: {{zh: X, en: X}}\nprotocol: modbus\nsource: a/b\nitems:\n  {item}\n"
    (tmp_path / "devices" / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, "host: 10.0.0.9, profile: mine")
    assert [p.code for p in caught.value.problems] == [code]


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


@pytest.mark.parametrize(
    ("buses", "code"),
    [
        ("{a: {baud: 9600}}", "serial_or_host"),
        ("{a: {serial: /dev/ttyS0, host: 10.0.0.5}}", "serial_or_host"),
        ("{a: {host: 10.0.0.5}, b: {host: 10.0.0.5}}", "same_place"),
        ("{a: {serial: /dev/ttyS0}, b: {serial: /dev/ttyS0}}", "same_place"),
        ('{a: {host: "10.0.0.5:4001"}}', "bad_host"),
    ],
)
def test_a_bus_is_at_one_place_that_it_shares_with_none(buses: str, code: str, tmp_path: Path) -> None:
    (tmp_path / PLANT_FILE).write_text(HEAD.splitlines()[0] + f"\nbuses: {buses}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        open_site(tmp_path)
    assert [p.code for p in caught.value.problems] == [code]


def test_a_device_may_need_other_line_settings_than_its_bus(tmp_path: Path) -> None:
    found = site(tmp_path, "bus: line1, profile: eastron-sdm630, baud: 9600, parity: N").device("d")
    assert found.wire == Wire(9600, "N", 1)


def test_a_meter_of_another_medium_or_protocol_may_have_the_same_number(tmp_path: Path) -> None:
    water = "bus: line1, profile: cjt188-water, address: 00000012345671"
    others = (
        "g: {bus: line1, profile: cjt188-gas, address: 00000012345671}",
        "m: {bus: line1, profile: mbus-heat, address: 4}",
        "r: {bus: line1, profile: eastron-sdm630, unit: 4}",
    )
    assert len(site(tmp_path, water, *(f"  {other}" for other in others)).plant.devices) == 4


def test_two_meters_of_one_number_are_refused_whatever_their_edition(tmp_path: Path) -> None:
    one = "bus: line1, profile: dlt645-2007-3ph, address: 000000000161"
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, one, "  e: {bus: line1, profile: dlt645-1997-3ph, address: 000000000161}")
    assert [p.code for p in caught.value.problems] == ["same_place"]


def test_a_ratio_on_a_meter_that_reports_the_primary_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, "bus: line1, profile: eastron-sdm630, unit: 7, ct: 80")
    assert [p.code for p in caught.value.problems] == ["ratio_of_primary"]
