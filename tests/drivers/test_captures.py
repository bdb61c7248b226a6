"""Frames recorded on real lines decode to the values that were published with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.cjt188 import codec as cjt188
from drivers.cjt188.explain import explain as cjt188_explain
from drivers.dlt645.codec import Decoder, read_request
from drivers.dlt645.codec import encode as encode645
from drivers.dlt645.value import value
from drivers.explain import explain
from drivers.explained import Hints
from drivers.modbus import pdu, rtu, tcp
from drivers.modbus.unit import TcpReply
from drivers.modbus.value import number, width
from drivers.profile import Item
from drivers.sim.plant import shipped


def captures(shared: Path, protocol: str) -> list[dict[str, Any]]:
    lines = (shared / "vectors" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
    return [c for c in map(json.loads, lines) if c["protocol"] == protocol]


@pytest.mark.parametrize(("protocol", "least"), [("dlt645-2007", 23), ("dlt645-1997", 7)])
def test_every_dlt645_capture_decodes(shared: Path, protocol: str, least: int) -> None:
    found = captures(shared, protocol)
    assert len(found) >= least
    for capture in found:
        told, raw = capture["decoded"], bytes.fromhex(capture["hex"])
        (frame,) = Decoder().feed(raw)
        assert encode645(frame) == raw.lstrip(b"\xfe")
        if capture["direction"] == "request":
            assert read_request(told["address"], told["di"]).lstrip(b"\xfe") == raw.lstrip(b"\xfe")
        (said,) = explain(protocol, raw)
        assert said.valid
        fields = {"address": said.address, "control": said.control, **said.fields}
        assert {key: fields.get(key) for key in told} == told


def test_the_profile_reads_the_captured_items_as_published(shared: Path) -> None:
    """Guards the driver's sizes, decimals and signs, not only those of the explanation."""
    checked = 0
    for protocol in ("dlt645-2007", "dlt645-1997"):
        items = {item.di: item for item in shipped(f"{protocol}-3ph").items.values() if item.part == "value"}
        for capture in captures(shared, protocol):
            told = capture["decoded"]
            item = items.get(told.get("di", ""))
            if item and "value" in told:
                assert value(item, bytes.fromhex(told["payload_le"])) == told["value"]
                checked += 1
    assert checked >= 11


def test_every_cjt188_capture_decodes(shared: Path) -> None:
    found = captures(shared, "cjt188-2004")
    assert len(found) >= 14
    for capture in found:
        told, raw = capture["decoded"], bytes.fromhex(capture["hex"])
        (said,) = cjt188_explain(raw, Hints())
        assert said.valid
        got = said.fields | {"address": said.address, "control": said.control}
        assert {name: got[name] for name in told if name != "source_states"} == told
        assert got["direction"] == capture["direction"]
        (frame,) = cjt188.Decoder().feed(raw)
        assert cjt188.encode(frame) == raw.lstrip(b"\xfe")
        if capture["direction"] == "request":
            di = bytes.fromhex(told["di_wire"])
            request = cjt188.read_request(frame.meter_type, told["address"], di, told["ser"])
            assert request.lstrip(b"\xfe") == raw.lstrip(b"\xfe")


def test_the_clocks_of_cjt188_captures_are_read_in_both_orders(shared: Path) -> None:
    shown = {"20200528205824": "2020-05-28T20:58:24", "59541619081720": "2017-08-19T16:54:59"}
    said = [cjt188_explain(bytes.fromhex(c["hex"]), Hints())[0].fields for c in captures(shared, "cjt188-2004")]
    assert {f["clock_le"]: f["clock"] for f in said if f.get("clock_le") in shown} == shown


def test_a_captured_meter_that_sends_units_first_is_read_by_its_layout(shared: Path) -> None:
    """Its maker's text says 0.02 MWh and 10.34 m3."""
    (jy,) = [c for c in captures(shared, "cjt188-2004") if "fields" in c["decoded"]]
    fields = cjt188_explain(bytes.fromhex(jy["hex"]), Hints())[0].fields
    assert fields["layout"] == shipped("cjt188-heat-jy").layout
    assert fields["readings"]["heat_energy"] == {"value": 0.02, "unit": "MWh", "reason": None}
    assert fields["readings"]["volume"] == {"value": 10.34, "unit": "m3", "reason": None}


@pytest.mark.parametrize(("protocol", "least"), [("modbus-rtu", 9), ("modbus-tcp", 5)])
def test_every_modbus_capture_decodes(shared: Path, protocol: str, least: int) -> None:
    found = captures(shared, protocol)
    assert len(found) >= least
    for capture in found:
        request = bytes.fromhex(capture["request"]) if "request" in capture else None
        (said,) = explain(protocol, bytes.fromhex(capture["hex"]), Hints(request=request))
        assert said.valid
        assert said.fields["direction"] == capture["direction"]
        told = {k: v for k, v in capture["decoded"].items() if k not in ("note", "Opt")}  # said in words there
        assert {key: said.fields.get(key) for key in told} == told


def test_the_driver_asks_and_understands_what_was_captured(shared: Path) -> None:
    """Guards what is sent and what is taken for an answer, not only the explanation."""
    for capture in captures(shared, "modbus-rtu"):
        told, raw = capture["decoded"], bytes.fromhex(capture["hex"])
        if capture["direction"] == "request":
            assert rtu.read_request(told["unit"], told["fc"], told["addr"], told["count"]) == raw
            continue
        values = told.get("float32_abcd") or told["registers"]
        item = Item("count", function=told["fc"], type="float32" if "float32_abcd" in told else "uint16")
        asked = rtu.Frame(told["unit"], pdu.read_pdu(told["fc"], 0, len(values) * width(item)))
        (frame,) = rtu.Decoder(rtu.reply_to(asked), bytes([asked.unit])).feed(raw)
        assert pdu.answers(frame.pdu, asked.pdu)
        assert rtu.encode(frame) == raw
        size = 2 * width(item)
        found = [number(frame.pdu[i : i + size], item) for i in range(2, len(frame.pdu), size)]
        assert found == pytest.approx(values)
    for capture in captures(shared, "modbus-tcp"):
        (asked_tcp,) = tcp.Decoder(replies=False).feed(bytes.fromhex(capture["request"]))
        _, start, count = pdu.REQUEST.unpack(asked_tcp.pdu)
        request = tcp.read_request(asked_tcp.transaction, asked_tcp.unit, asked_tcp.pdu[0], start, count)
        assert request.hex() == capture["request"]
        taken = TcpReply(asked_tcp).feed(bytes.fromhex(capture["hex"]))
        assert taken is not None
        assert len(taken) == 2 + 2 * count
