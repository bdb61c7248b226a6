"""What `leafgate scan` prints of a search, without any line: the fragment to paste, the remarks, the exit code."""

from __future__ import annotations

from pathlib import Path

import yaml

from drivers.error import LinkError
from drivers.wire import Wire
from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.scan.found import Found, Progress
from edge_agent.scan.fragment import fragment
from edge_agent.scan.outcome import remarks, verdict
from edge_agent.scan.place import Place
from edge_agent.scan.search import Options, Scan
from edge_agent.scan.settings import Settings
from edge_agent.site import open_site
from edge_agent.texts import Texts

ZH = Texts("zh")
FAST, SLOW = Wire(9600, "N"), Wire(2400, "E")
BLIND = Place("/dev/ttyUSB0", "serial", port="/dev/ttyUSB0")


def unit(number: int, wire: Wire | None = FAST, place: str = BLIND.name) -> Found:
    return Found("modbus", place, unit=number, wire=wire)


def printed(found: list[Found], place: Place = BLIND) -> str:
    return "\n".join(fragment(found, [place], [], lambda code: ZH(f"scan.note.{code}"))) + "\n"


def searched(place: Place = BLIND) -> Scan:
    return Scan([place], {}, Options(), Progress(lambda step: None))


def test_settings_stand_on_the_bus_and_only_where_they_differ_on_a_device() -> None:
    told = yaml.safe_load(printed([unit(1, SLOW), unit(2), unit(3)]))
    assert told["buses"]["line1"] == {"serial": "/dev/ttyUSB0", "baud": 9600, "parity": "N"}
    assert [d.get("baud") for d in told["devices"].values()] == [2400, None, None]


def test_devices_at_other_settings_than_their_bus_in_plant_yaml_say_so() -> None:
    place = Place("line1", "serial", port="/dev/ttyUSB0", wires=(FAST,), bus="line1", own=SLOW)
    (device,) = yaml.safe_load(printed([unit(2, place="line1")], place))["devices"].values()
    assert (device["baud"], device["parity"]) == (9600, "N")


def test_an_unknown_profile_is_sound_yaml_and_check_names_the_device(tmp_path: Path) -> None:
    out = printed([unit(4)])
    assert "请选定设备模板" in out
    assert yaml.safe_load(out)["devices"]["d1"]["profile"] == "?"
    assert main(["init", str(tmp_path / "site")]) == Exit.DONE
    plant = tmp_path / "site" / "plant.yaml"
    plant.write_text(plant.read_text(encoding="utf-8") + out, encoding="utf-8")
    assert main(["-C", str(tmp_path / "site"), "check"]) == Exit.SITE


def test_a_fragment_is_appended_to_a_new_site_as_it_is(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "site")]) == Exit.DONE
    plant = tmp_path / "site" / "plant.yaml"
    found = unit(4)
    found.profiles = ["eastron-sdm630"]
    plant.write_text(plant.read_text(encoding="utf-8") + printed([found]), encoding="utf-8")
    site = open_site(tmp_path / "site")
    assert (list(site.plant.buses), site.plant.devices["d1"].unit) == (["line1"], 4)


def test_a_search_that_broke_off_is_incomplete_and_leaves_with_6() -> None:
    scan = searched()
    scan.progress.found.append(unit(4))
    scan.errors[BLIND.name], scan.broken[BLIND.name] = LinkError("closed", "(5, 'Input/output error')"), (3, 5)
    (said,) = remarks(scan, (), ZH)
    assert "第 3/5 步时中断，结果不完整" in said
    assert "(5," not in said
    assert verdict(scan, interrupted=False) == Exit.UNHEALTHY
    assert verdict(scan, interrupted=True) == 130


def test_what_was_left_out_is_said() -> None:
    scan = searched()
    settings = scan.settings[BLIND.name] = Settings(BLIND)
    settings.refused.append(SLOW)
    settings.answered(FAST)
    settings.of("modbus")
    scan.silent[BLIND.name] = {1: 0.3, 2: 0.08, 3: 1.0}
    refused, one, slow = remarks(scan, (), ZH)
    assert "不接受 2400 8E1" in refused
    assert "9600 8N1" in one
    assert "2 个 Modbus 单元没有应答，每个单元等了 0.08 s；慢设备请加 --timeout 1.2 再搜" in slow


def test_a_port_that_takes_no_setting_is_a_plain_sentence() -> None:
    scan = searched(Place("line1", "serial", port="x", wires=(SLOW,)))
    scan.errors["line1"] = LinkError("no_port", "(22, 'Invalid argument')")
    (said,) = remarks(scan, (), ZH)
    assert "不接受 2400 8E1" in said
    assert "22" not in said
