"""Frames recorded on real lines decode to the values that were published with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers.dlt645.codec import Decoder, Frame, number, read_request
from drivers.dlt645.codec import encode as encode645
from drivers.modbus import codec as modbus
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


def test_every_modbus_tcp_capture_decodes(shared: Path) -> None:
    found = captures(shared, "modbus-tcp")
    assert len(found) >= 5
    for capture in found:
        (frame,) = modbus.Decoder().feed(bytes.fromhex(capture["hex"]))
        if "request" in capture:
            request = bytes.fromhex(capture["request"])
            (asked,) = modbus.Decoder(replies=False).feed(request)
            start, count = (int.from_bytes(asked.pdu[i : i + 2], "big") for i in (1, 3))
            assert modbus.read_request(asked.transaction, asked.unit, asked.pdu[0], start, count) == request
            assert (frame.transaction, frame.unit) == (asked.transaction, asked.unit)
            assert len(frame.pdu) == 2 + 2 * count
        assert_decoded(capture["decoded"], frame.pdu[2:])


def assert_decoded(told: dict[str, Any], data: bytes) -> None:
    def at(register: int, kind: str = "int16", scale: float = 1.0) -> float | None:
        item = Item("count", type=kind, scale=scale)  # type: ignore[arg-type]
        return modbus.number(data[2 * register :][: 2 * modbus.width(item)], item)

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
