"""leafgate scan: what stands on a line, as lines to paste into plant.yaml, found by reads alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import serial
import yaml

from drivers.sim.faults import Fault
from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.site import open_site
from edge_agent.store.lock import writing
from tests.cli.conftest import Field, Run
from tests.conftest import ROOT

QUICK = ("--timeout", "0.15")
MODBUS = ("--protocol", "modbus", "--units", "3-6", *QUICK)


def body(out: str) -> Any:
    document = json.loads(out)
    assert document["schema"] == "leafgate.scan/1"
    assert out.count("\n") == 1
    return document


def test_every_protocol_of_a_line_is_found_and_known_devices_are_said_to_be(run: Run) -> None:
    code, out, _ = run("scan", "line1", "--units", "3-6", *QUICK, "--json")
    found = {(f["protocol"], f["address"] or f["unit"]): f["known_as"] for f in body(out)["found"]}
    assert code == Exit.DONE
    assert found == {
        ("dlt645-2007", "000000000161"): "m1",
        ("dlt645-2007", "000000000162"): None,
        ("dlt645-2007", "000000000163"): None,
        ("cjt188-2004", "00000012345671"): "w1",
        ("modbus", 4): "m4",
        ("modbus", 5): None,
    }


def test_the_fragment_can_be_pasted_into_a_plant_yaml(
    field: Field, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no site yet: the buses and devices make one that checks."""
    port = str(field.folder / "sim" / "line1")
    words = ["scan", port, "--units", "3-6", "--baud", "9600", "--parity", "N", *QUICK]
    assert main(["-C", str(tmp_path), *words]) == Exit.DONE
    out = capsys.readouterr().out
    pasted = yaml.safe_load(out)
    (bus,) = pasted["buses"].values()
    assert (bus["serial"], bus["baud"], bus["parity"]) == (port, 9600, "N")
    assert {d["profile"] for d in pasted["devices"].values()} == {"dlt645-2007-3ph", "cjt188-water", "eastron-sdm630"}
    (tmp_path / "plant.yaml").write_text(f"site: {{id: a, title: A, timezone: Asia/Shanghai}}\n{out}", encoding="utf-8")
    assert len(open_site(tmp_path).plant.devices) == 6


def test_a_port_that_plant_yaml_knows_keeps_its_name(run: Run, field: Field) -> None:
    out = run("scan", str(field.folder / "sim" / "line1"), *MODBUS)[1]
    assert yaml.safe_load(out) == {"devices": {"d1": {"bus": "line1", "profile": "eastron-sdm630", "unit": 5}}}


def test_what_a_person_reads_is_the_same_fragment_with_comments(run: Run) -> None:
    code, out, err = run("scan", "line1", *MODBUS)
    assert code == Exit.DONE
    assert "m4" in out.splitlines()[0]
    assert out.splitlines()[0].startswith("# line1")
    assert yaml.safe_load(out)["devices"]["d1"] == {"bus": "line1", "profile": "eastron-sdm630", "unit": 5}
    assert "找到 2 台设备" in err


def test_a_sunspec_device_is_walked_and_told_with_its_models(run: Run, field: Field) -> None:
    code, out, _ = run("scan", f"127.0.0.1:{field.inverter_port}", "--units", "1-2", *QUICK, "--json")
    (found,) = body(out)["found"]
    assert (code, found["protocol"], found["unit"]) == (Exit.DONE, "sunspec", 1)
    assert "sunspec" in found["profiles"]
    assert {1, 103} <= set(found["models"])


def test_a_modbus_device_is_recognised_by_what_it_shows(run: Run, field: Field) -> None:
    (found,) = body(run("scan", "line1", *MODBUS[:2], "--units", "5", *QUICK, "--json")[1])["found"]
    assert found["profiles"] == ["eastron-sdm630"]


def test_a_heat_pump_is_told_from_the_others(run: Run) -> None:
    (found,) = body(run("scan", "--protocol", "modbus", "--units", "1", *QUICK, "--json")[1])["found"]
    assert (found["known_as"], found["profiles"]) == ("hp1", ["midea-m-thermal"])


def test_an_opc_ua_server_tells_its_ways_in_and_its_variables(run: Run, field: Field) -> None:
    code, out, _ = run("scan", "--protocol", "opcua", "--json")
    (found,) = [f for f in body(out)["found"] if f["protocol"] == "opcua"]
    assert (code, found["known_as"], found["error"]) == (Exit.DONE, "press", None)
    assert {e["security"] for e in found["endpoints"]} == {"Basic256Sha256"}
    assert any(v["path"].endswith("Strokes") for v in found["variables"])
    text = run("scan", found["place"])[1]
    assert "protocol: opcua" in text
    assert "nsu=urn:leafgate:sim:press;s=Press1.Strokes" in text


def test_nothing_found_is_said_and_leaves_with_5(run: Run) -> None:
    code, out, err = run("scan", "line1", "--protocol", "modbus", "--units", "7", *QUICK)
    assert (code, out) == (Exit.CANNOT_TELL, "")
    assert "0 台" in err


def test_a_port_that_is_not_there_is_one_line_and_the_others_go_on(run: Run) -> None:
    code, out, _ = run("scan", "gone", "line1", *MODBUS, "--json")
    told = body(out)
    assert code == Exit.DONE
    assert [p["error"] for p in told["places"]] == ["no_port", None]
    assert len(told["found"]) == 2
    assert run("scan", "gone", *MODBUS)[0] == Exit.UNHEALTHY


def test_a_held_port_and_a_running_agent_are_said(run: Run, field: Field) -> None:
    with serial.Serial(str(field.folder / "sim" / "line1"), 9600, exclusive=True):
        with writing(field.folder / "data", "run"):
            code, _, err = run("scan", "line1", *MODBUS)
        assert code == Exit.BUSY
        assert "leafgate" not in err.splitlines()[0]
        assert "代理" in err
        assert "占用" in err


def test_damage_is_said_and_is_no_device(run: Run, field: Field) -> None:
    field.faults.set("w1", Fault.CHECKSUM)
    code, out, _ = run("scan", "line1", "--protocol", "cjt188-2004", *QUICK)
    assert code == Exit.CANNOT_TELL
    assert out.startswith("# line1")
    assert "devices:" not in out


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch bus"],
        ["10.0.0.1:99999"],
        ["line1", "--units", "0-300"],
        ["line1", "--units", "5-3"],
        ["line1", "--parity", "X"],
        ["line1", "--baud", "fast"],
        ["line1", "--protocol", "knx"],
    ],
)
def test_wrong_usage_is_told_and_leaves_with_2(run: Run, words: list[str]) -> None:
    code, out, err = run("scan", *words)
    assert (code, out) == (Exit.USAGE, "")
    assert "Traceback" not in err


def test_without_a_site_a_place_must_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(tmp_path), "scan"]) == Exit.SITE
    assert "leafgate init" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_found(field: Field) -> None:
    words = ["-C", str(field.folder), "scan", "line1", "--protocol", "modbus", "--units", "4,5,6-247", "--timeout", "2"]
    command = [sys.executable, "-m", "edge_agent.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as scan:
        assert scan.stderr is not None
        while "modbus" not in (line := scan.stderr.readline()):
            assert line
        # Both meters answer at once; the units behind them stay silent for minutes.
        with pytest.raises(subprocess.TimeoutExpired):
            scan.wait(2.5)
        scan.send_signal(signal.SIGINT)
        out, err = scan.communicate(timeout=20)
    assert scan.returncode == 130
    assert "m4" in out
    assert "unit: 5" in out
    assert "Traceback" not in err


def press_url(run: Run) -> str:
    (found,) = [f for f in body(run("scan", "--protocol", "opcua", "--json")[1])["found"] if f["protocol"] == "opcua"]
    return str(found["place"])


def test_a_wrong_opc_ua_password_is_said_and_leaves_with_6(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.txt").write_text("not it\n")
    code, out, _ = run("scan", press_url(run), "--user", "leafgate", "--password-file", str(tmp_path / "wrong.txt"))
    assert code == Exit.UNHEALTHY
    assert "用户名或密码" in out


def test_a_login_that_worked_stands_in_the_fragment_and_the_profile_in_comments(run: Run, field: Field) -> None:
    """Pasted below plant.yaml it checks, once its profile is saved."""
    url = press_url(run)
    secret = field.folder / "secrets" / "press.txt"
    known = (field.folder / "plant.yaml").read_text(encoding="utf-8")
    (field.folder / "plant.yaml").write_text("".join(k for k in known.splitlines(True) if "press:" not in k))
    try:
        code, out, _ = run("scan", url, "--user", "leafgate", "--password-file", str(secret))
    finally:
        (field.folder / "plant.yaml").write_text(known, encoding="utf-8")
    (device,) = yaml.safe_load(out)["devices"].values()
    assert code == Exit.DONE
    assert (device["user"], device["password_file"]) == ("leafgate", "secrets/press.txt")
    assert (device["security"], device["mode"]) == ("Basic256Sha256", "SignAndEncrypt")
    assert f"devices/{device['profile']}.yaml" in out
    assert "# protocol: opcua" in out.splitlines()


def test_keys_that_plant_yaml_has_are_not_to_be_pasted_twice(run: Run) -> None:
    (line,) = [line for line in run("scan", "line1", *MODBUS)[1].splitlines() if "已有 devices" in line]
    assert line.startswith("# ")


def test_units_that_were_silent_for_a_short_time_are_counted(run: Run) -> None:
    err = run("scan", "line1", *MODBUS)[2]
    assert "2 个 Modbus 单元没有应答" in err
    assert "--timeout 1.2" in err
    (place,) = body(run("scan", "line1", *MODBUS, "--json")[1])["places"]
    assert place["silent_units"] == 2
    assert place["waited_s"] <= 0.15


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["line9"], Exit.UNHEALTHY, "最接近的总线是 line1"),
        (["nohost.invalid"], Exit.UNHEALTHY, "没有名为 nohost.invalid 的总线"),
        (["opc.tcp://nohost.invalid:4840"], Exit.UNHEALTHY, "找不到这台主机"),
        (["opc.tcp://127.0.0.1:1", "--user", "a"], Exit.USAGE, "--password-file"),
        (["opc.tcp://127.0.0.1:1", "--user", "a", "--password-file", "nofile"], Exit.USAGE, "nofile"),
    ],
)
def test_what_is_not_there_is_named(run: Run, words: list[str], code: int, said: str) -> None:
    found, _, err = run("scan", *words)
    assert found == code
    assert said in err
    assert "Errno" not in err


def test_a_login_outside_a_site_is_sent_to_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").write_text("x")
    words = ["scan", "opc.tcp://127.0.0.1:1", "--user", "a", "--password-file", str(tmp_path / "p")]
    assert main(["-C", str(tmp_path), *words]) == Exit.SITE
    assert "leafgate init" in capsys.readouterr().err
