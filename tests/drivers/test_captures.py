"""Frames recorded on real lines decode to the values that were published with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.cjt188 import codec as cjt188
from drivers.dlt645.codec import BadValueError, Decoder, Frame, number, read_request
from drivers.dlt645.codec import encode as encode645
from drivers.modbus import pdu, rtu, tcp
from drivers.profile import Item
from drivers.sim.plant import shipped

DECIMALS = {"kWh": 2, "V": 1, "A": 3, "kVA": 4}
SIZES = {"kWh": 4, "V": 2, "A": 3, "kVA": 3}


def captures(shared: Path, protocol: str) -> list[dict[str, Any]]:
    lines = (shared / "vectors" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
    return [c for c in map(json.loads, lines) if c["protocol"] == protocol]


def test_every_dlt645_capture_decodes(shared: Path) -> None:
    found = captures(shared, "dlt645-2007")
    assert len(found) >= 23
    for capture in found:
        told, raw = capture["decoded"], bytes.fromhex(capture["hex"])
        (frame,) = Decoder().feed(raw)
        assert (frame.address, f"{frame.control:02X}") == (told["address"], told["control"])
        assert encode645(frame) == raw.lstrip(b"\xfe")
        if "di" in told:
            assert frame.data[3::-1].hex().upper() == told["di"]
            assert frame.data[4:].hex() == told.get("payload_le", "")
        if capture["direction"] == "request":
            assert read_request(told["address"], told["di"]).lstrip(b"\xfe") == raw.lstrip(b"\xfe")
        if "error_word" in told:
            assert frame.is_error
            assert frame.data[0] == told["error_word"]
        assert values(told, frame) == told.get("values", [told["value"]] if "value" in told else [])


def values(told: dict[str, Any], frame: Frame) -> list[float | None]:
    if "unit" not in told:
        return []
    size, payload = SIZES[told["unit"]], frame.data[4:]
    signed = told["unit"] in ("A", "kVA")
    return [number(payload[i : i + size], DECIMALS[told["unit"]], signed) for i in range(0, len(payload), size)]


def test_the_profile_reads_the_captured_items_as_published(shared: Path) -> None:
    """Guards the profile's decimals, sizes and signs, not only the codec."""
    items = {item.di: item for item in shipped("dlt645-2007-3ph").items.values()}
    checked = 0
    for capture in captures(shared, "dlt645-2007"):
        told = capture["decoded"]
        item = items.get(told.get("di", ""))
        if item and "value" in told:
            payload = bytes.fromhex(told["payload_le"])
            assert len(payload) == item.bytes
            assert number(payload, item.decimals, item.signed) == told["value"]
            checked += 1
    assert checked >= 9


def test_every_cjt188_capture_decodes(shared: Path) -> None:
    found = captures(shared, "cjt188-2004")
    assert len(found) >= 14
    water = 0
    for capture in found:
        told, raw = capture["decoded"], bytes.fromhex(capture["hex"])
        (frame,) = cjt188.Decoder().feed(raw)
        head = f"{frame.meter_type:02X}", frame.address, f"{frame.control:02X}"
        assert head == (told["meter_type"], told["address"].upper(), told["control"])
        assert cjt188.encode(frame) == raw.lstrip(b"\xfe")
        di = bytes.fromhex(told["di_wire"])
        assert frame.data[cjt188.ECHO] == di + bytes([told["ser"]])
        if capture["direction"] == "request":
            request = cjt188.read_request(frame.meter_type, told["address"], di, told["ser"])
            assert request.lstrip(b"\xfe") == raw.lstrip(b"\xfe")
        elif "current" in told:
            assert_water(told, frame.data)
            water += 1
        else:
            assert_heat(told["fields"], frame.data)
    assert water >= 9


def assert_water(told: dict[str, Any], data: bytes) -> None:
    """Every value, each in the unit that its reply names."""
    assert len(data) == cjt188.METERED_SIZE
    assert cjt188.amount(data[cjt188.VOLUME]) == (told["current"], told["current_unit"])
    assert cjt188.amount(data[cjt188.SETTLED]) == (told["settle"], told["settle_unit"])
    assert data[cjt188.CLOCK].hex() == told["clock_le"]
    assert data[cjt188.STATUS].hex() == told["status"]
    shown = {"20200528205824": datetime(2020, 5, 28, 20, 58, 24), "59541619081720": datetime(2017, 8, 19, 16, 54, 59)}
    assert cjt188.local_time(data[cjt188.CLOCK]) == shown.get(told["clock_le"])


def assert_heat(told: dict[str, Any], data: bytes) -> None:
    """A heat meter's first value is as published, but its unit byte is none of the standard's: no number."""
    assert [number(data[3:7], 2, signed=False), data[7:8].hex()] == told["settle_day_heat"]
    with pytest.raises(BadValueError, match="wrong_unit"):
        cjt188.amount(data[3:8])
    with pytest.raises(BadValueError, match="not_bcd"):
        number(data[23:27], 2, signed=False)  # its volume field


def test_every_modbus_rtu_capture_decodes(shared: Path) -> None:
    found = captures(shared, "modbus-rtu")
    assert len(found) >= 9
    for capture in found:
        told, raw = capture["decoded"], bytes.fromhex(capture["hex"])
        if capture["direction"] == "request":
            assert rtu.read_request(told["unit"], told["fc"], told["addr"], told["count"]) == raw
            continue
        kind = "float32" if "float32_abcd" in told else "uint16"
        values = told.get("float32_abcd") or told["registers"]
        item = Item("count", function=told["fc"], type=kind)  # type: ignore[arg-type]
        asked = rtu.Frame(told["unit"], pdu.read_pdu(told["fc"], 0, len(values) * pdu.width(item)))
        (frame,) = rtu.Decoder(rtu.reply_to(asked)).feed(raw)
        assert frame.unit == asked.unit
        assert pdu.answers(frame.pdu, asked.pdu)
        assert rtu.encode(frame) == raw
        size = 2 * pdu.width(item)
        places = range(2, len(frame.pdu), size)
        assert [pdu.number(frame.pdu[i : i + size], item) for i in places] == [pytest.approx(v) for v in values]


def test_every_modbus_tcp_capture_decodes(shared: Path) -> None:
    found = captures(shared, "modbus-tcp")
    assert len(found) >= 5
    for capture in found:
        (frame,) = tcp.Decoder().feed(bytes.fromhex(capture["hex"]))
        if "request" in capture:
            request = bytes.fromhex(capture["request"])
            (asked,) = tcp.Decoder(replies=False).feed(request)
            start, count = (int.from_bytes(asked.pdu[i : i + 2], "big") for i in (1, 3))
            assert tcp.read_request(asked.transaction, asked.unit, asked.pdu[0], start, count) == request
            assert (frame.transaction, frame.unit) == (asked.transaction, asked.unit)
            assert len(frame.pdu) == 2 + 2 * count
        assert_decoded(capture["decoded"], frame.pdu[2:])


def assert_decoded(told: dict[str, Any], data: bytes) -> None:
    def at(register: int, kind: str = "int16", scale: float = 1.0) -> float | None:
        item = Item("count", type=kind, scale=scale)  # type: ignore[arg-type]
        return pdu.number(data[2 * register :][: 2 * pdu.width(item)], item)

    if "SunS" in told:
        assert data == b"SunS"
    elif "model" in told:
        assert (at(0, "uint16"), at(1, "uint16")) == (told["model"], told["len"])
    elif "Mn" in told:
        assert data[:32].rstrip(b"\0").decode() == told["Mn"]
        assert (at(64, "uint16"), at(65, "uint16")) == (told["DA"], told["Pad"])
    elif "end_of_map" in told:
        assert at(0, "uint16") == 0xFFFF
    else:
        assert_meter(told, data, at)


def assert_meter(told: dict[str, Any], data: bytes, at: Callable[..., float | None]) -> None:
    """The points of SunSpec model 203, from the first register after its head."""
    assert [at(i) for i in (1, 2, 3)] == told["AphA..C_raw"]
    assert [round(at(i, "int16", 0.01) or 0, 2) for i in (5, 6, 7, 8)] == [told["PhV"], *told["PhVphABC"]]
    assert [at(i) for i in (16, 17, 18, 19)] == [told["W"], *told["WphABC"]]
    assert (at(21), at(26), at(31)) == (told["VA"], told["VAR"], told["PF_raw"])
    assert (at(36, "uint32"), at(44, "uint32")) == (told["TotWhExp"], told["TotWhImp"])
