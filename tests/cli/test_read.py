"""leafgate read: one device of plant.yaml, directly, with its frames and how well its line is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import serial

from drivers.dlt645 import codec as dlt645
from drivers.error import DriverError, LinkError, ProfileError
from drivers.exchange import Exchange
from drivers.modbus import rtu
from drivers.sim.faults import Fault
from drivers.wire import Wire
from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.line_time import gap_s, least_s, share, utilisation
from edge_agent.once_failure import stop_for
from edge_agent.refused_codes import refused_codes
from edge_agent.session import Session
from edge_agent.store.lock import writing
from tests.cli.conftest import Field, Run
from tests.plants import plant


def body(out: str) -> Any:
    document = json.loads(out)
    assert document["schema"] == "leafgate.read/1"
    assert out.count("\n") == 1
    return document


@pytest.mark.parametrize("device", ["m1", "m4", "w1", "hp1", "press"])
def test_a_device_of_every_protocol_is_read(run: Run, device: str) -> None:
    code, out, _ = run("read", device, "--json")
    told = body(out)
    assert (code, told["device"], told["error"], told["earlier"]) == (Exit.DONE, device, None, [])
    assert told["items"]
    assert all(item["quality"] == "good" and item["value"] is not None for item in told["items"])
    assert run("read", device)[0] == Exit.DONE


def test_the_table_shows_value_unit_quality_and_what_a_state_means(run: Run) -> None:
    out = run("read", "hp1")[1]
    (mode,) = [line for line in out.splitlines() if line.startswith("mode ")]
    assert "制热" in mode
    assert "kWh" in out
    assert "heating" in run("read", "hp1", "--lang", "en")[1]


def test_raw_shows_every_question_and_its_answer_with_times(run: Run) -> None:
    told = body(run("read", "m4", "--raw", "--json")[1])
    assert len(told["exchanges"]) >= 3
    for exchange in told["exchanges"]:
        assert exchange["request"].startswith("0404")
        assert exchange["reply"].startswith("0404")
        assert exchange["took_s"] > 0
        assert exchange["least_s"] > 0.01
    out = run("read", "m4", "--raw")[1]
    assert "> 04 04 00 00" in out
    assert "线上最短" in out
    assert "伪终端" in out  # its bytes take no time, so that no use of a line can be told


def test_over_tcp_there_is_no_least_time_on_a_wire(run: Run) -> None:
    told = body(run("read", "hp1", "--raw", "--json")[1])
    assert {e["least_s"] for e in told["exchanges"]} == {None}
    assert told["utilisation"] is None


def test_an_opc_ua_device_says_that_it_has_no_frames(run: Run) -> None:
    code, out, err = run("read", "press", "--raw", "--json")
    assert (code, body(out)["exchanges"], err.count("\n")) == (Exit.DONE, [], 1)


def test_reading_again_keeps_every_cycle(run: Run) -> None:
    told = body(run("read", "w1", "--times", "3", "--json")[1])
    assert [len(cycle["items"]) for cycle in told["earlier"]] == [3, 3]


def test_a_silent_device_is_one_line_and_leaves_with_6(run: Run, field: Field) -> None:
    field.faults.set("m4", Fault.SILENT)
    code, out, err = run("read", "m4")
    assert (code, out, err.count("\n")) == (Exit.UNHEALTHY, "", 1)
    assert "leafgate scan" in err
    assert body(run("read", "m4", "--json")[1])["error"] == "no_reply"


def test_what_a_silent_device_was_asked_is_shown(run: Run, field: Field) -> None:
    field.faults.set("m4", Fault.SILENT)
    assert "> 04 04" in run("read", "m4", "--raw")[1]


def test_a_refused_item_keeps_its_reason(run: Run, field: Field) -> None:
    field.faults.set("m4", Fault.ERROR)
    code, out, _ = run("read", "m4", "--json")
    assert code == Exit.CANNOT_TELL
    assert {item["reason"] for item in body(out)["items"]} == {"device_failure"}


@pytest.mark.parametrize("device", ["m9", "hp9"])
def test_a_line_that_is_not_there_is_one_line(run: Run, device: str) -> None:
    code, out, err = run("read", device, "--json")
    assert (code, body(out)["items"], err.count("\n")) == (Exit.UNHEALTHY, [], 1)


def test_an_unknown_device_has_the_nearest_name_said(run: Run) -> None:
    code, _, err = run("read", "hpp1")
    assert (code, "hp1" in err) == (Exit.USAGE, True)


def test_a_port_that_another_program_holds_leaves_with_7(run: Run, field: Field) -> None:
    with serial.Serial(str(field.folder / "sim" / "line1"), 9600, exclusive=True):
        code, _, err = run("read", "m4")
        assert (code, err.count("\n")) == (Exit.BUSY, 1)
        with writing(field.folder / "data", "run"):
            assert "leafgate status" in run("read", "m4")[2]


async def test_the_least_time_of_a_modbus_read_is_that_of_its_formula() -> None:
    """protocols.md 4: (13 + 2N) characters and two silences; one of them stands before the question."""
    wire = Wire(9600, "E", 1)
    exchange = Exchange(bytes(8), wire)
    exchange.add(bytes(5 + 2 * 10))
    exchange.end(None)
    formula = (13 + 2 * 10) * 11 / 9600 + 2 * 3.5 * 11 / 9600
    assert (least_s(exchange, "modbus") or 0) + gap_s(wire, "modbus") == pytest.approx(formula)
    assert (least_s(exchange, "dlt645-2007") or 0) == pytest.approx(33 * 11 / 9600)


async def test_a_line_that_waits_for_nobody_is_used_to_the_full() -> None:
    wire = Wire(9600, "E", 1)
    exchange = Exchange(bytes(8), wire)
    exchange.add(bytes(25))
    exchange.end(None)
    took = least_s(exchange, "modbus") or 0.0
    exchange.ended = exchange.begun + took
    exchange.first = exchange.sent + gap_s(wire, "modbus") + wire.byte_s
    assert share(exchange, "modbus") == pytest.approx(1.0)
    both = 2 * took + gap_s(wire, "modbus")
    assert utilisation([exchange, exchange], "modbus", both) == pytest.approx(1.0)
    assert utilisation([exchange, exchange], "modbus", 2 * both) == pytest.approx(0.5)


def test_what_the_device_itself_said_stands_behind_the_reason(run: Run, field: Field) -> None:
    field.faults.set("m4", Fault.ERROR)
    code, out, _ = run("read", "m4")
    assert code == Exit.CANNOT_TELL
    assert "设备报告故障（84 04）" in out
    assert {item["device_code"] for item in body(run("read", "m4", "--json")[1])["items"]} == {"84 04"}


@pytest.mark.parametrize(
    ("protocol", "reply", "told"),
    [
        ("dlt645-2007", dlt645.encode(dlt645.Frame("000000000161", 0xD1, b"\x01")), {"device_error": "D1 01"}),
        ("dlt645-2007", dlt645.encode(dlt645.Frame("000000000161", 0xD1, b"\x02")), {"no_data": "D1 02"}),
        ("dlt645-2007", dlt645.encode(dlt645.Frame("000000000161", 0x91, bytes(8))), {}),
        ("modbus", rtu.encode(rtu.Frame(4, b"\x83\x02")), {"illegal_address": "83 02"}),
        ("modbus", rtu.encode(rtu.Frame(4, b"\x03\x02\x00\x01")), {}),
        ("opcua", b"", {}),
    ],
)
async def test_a_refusal_is_told_by_its_reason(protocol: str, reply: bytes, told: dict[str, str]) -> None:
    exchange = Exchange(rtu.read_request(4, 3, 0, 1), Wire())
    exchange.add(reply)
    assert refused_codes([exchange], protocol) == told


@pytest.mark.parametrize(
    ("device", "error", "code", "words"),
    [
        ("hp1", LinkError("no_reply", "gateway, exception 0B"), Exit.UNHEALTHY, ("网关", "目标设备无应答", "0B")),
        ("hp1", LinkError("no_reply", "gateway, exception 0A"), Exit.UNHEALTHY, ("网关", "通路", "0A")),
        ("hp1", LinkError("no_reply"), Exit.UNHEALTHY, ("主机、端口和单元号",)),
        ("m4", LinkError("no_reply"), Exit.UNHEALTHY, ("波特率", "接线")),
        ("m4", LinkError("closed", "(22, 'Invalid argument')"), Exit.UNHEALTHY, ("不接受 9600 8N1",)),
        ("m4", LinkError("closed", "(5, 'Input/output error')"), Exit.UNHEALTHY, ("连不上", "Input/output error")),
        ("press", LinkError("no_reply"), Exit.UNHEALTHY, ("url、用户和证书",)),
        ("hp1", LinkError("refused", "[Errno -2] Name or service not known"), Exit.UNHEALTHY, ("找不到主机",)),
        ("m4", ProfileError("bad_node", "x"), Exit.SITE, ("eastron-sdm630",)),
    ],
)
def test_the_advice_fits_the_line(field: Field, device: str, error: DriverError, code: int, words: list[str]) -> None:
    session = Session(field.folder)
    stop = stop_for(session, device, error)
    said = session.texts(stop.key, **stop.fields)
    assert stop.exit_code == code
    assert all(word in said for word in words), said
    assert "(22," not in said
    assert "(5," not in said
    assert "[Errno" not in said


def test_items_that_take_turns_are_said_to_once(run: Run, field: Field) -> None:
    told = run("read", "m1", "--times", "3")
    assert told[2].count("轮流") == 1
    assert "轮流" not in run("read", "m1")[2]


def test_the_line_behind_a_converter_is_left_to_an_agent_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """site: {id: a, title: A, timezone: Asia/Shanghai}
buses: {tun: {host: 127.0.0.1, port: 9, baud: 9600}}
devices: {x: {bus: tun, profile: eastron-sdm630, unit: 3}}
"""
    site = plant(tmp_path, text)
    with writing(site.data, "run"):
        assert main(["-C", str(tmp_path), "read", "x"]) == Exit.BUSY
    assert "127.0.0.1:9" in capsys.readouterr().err
