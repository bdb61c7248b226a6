"""`leafgate decode mbus`: the captures field by field, frames of other masters, and bytes that are no frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.explained import Explained, Hints
from drivers.mbus.explain import explain
from drivers.mbus.link import Frame, encode
from tests.drivers.test_mbus_scale import EDC, NEMO
from tests.drivers.test_mbus_telegrams import (
    CALEC,
    CYBLE,
    ELSTER,
    ELVACO,
    EMU,
    GWF,
    HYDROMETER,
    KAMSTRUP,
    OMS,
    POLLUSONIC,
    RADIO,
)

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}  # libmbus makes seconds of every time
# libmbus, test/test-frames: electricity-meter-2.hex and example_binary16_lvar.hex, with their .norm.xml
METER_2 = """68929268080272E50200050000120225000000 8C1004540200008C1104540200008C2004284144008C210428414400
02FDC9FF01E90002FDDBFF01010002ACFF0100008240ACFF01000002FDC9FF02EA0002FDDBFF02000002ACFF0200008240ACFF020000
02FDC9FF03EB0002FDDBFF03010002ACFF0300008240ACFF03000002FF68000002ACFF0000008240ACFF00000001FF1304E916"""
BINARY = "682525680800720000 0000CD250102000000000D7C025750F096075B2A27A693013DB51AB3DCD13E17D516"


def one(raw: str) -> Explained:
    (found,) = explain(bytes.fromhex("".join(raw.split())), Hints())
    return found


def records(text: str) -> list[dict[str, Any]]:
    found = one(text)
    assert found.valid
    return list(found.fields["records"])


def test_every_field_of_the_captures_is_told(shared: Path) -> None:
    """The captures keep at most twelve records; their degree sign was read as two letters on the way."""
    lines = (shared / "vectors" / "captures.jsonl").read_text("utf-8").splitlines()
    captures = [c for c in map(json.loads, lines) if c["protocol"] == "mbus"]
    assert len(captures) >= 3
    for capture in captures:
        decoded = json.loads(json.dumps(capture["decoded"], ensure_ascii=False).replace("\u00c2\u00b0C", "\u00b0C"))
        found = one(capture["hex"])
        assert (found.protocol, found.valid, found.error) == ("mbus", True, None)
        assert found.fields["slave"] == decoded["slave"]
        assert found.fields["records"][: len(decoded["records"])] == decoded["records"]
        assert found.fields["kind"] in capture["direction"]


def test_the_rest_of_a_capture_is_told_too(shared: Path) -> None:
    """Records 12 to 14 of libmbus abb_delta.norm.xml, which the capture leaves out."""
    lines = (shared / "vectors" / "captures.jsonl").read_text("utf-8").splitlines()
    (delta,) = [line for line in lines if "abb_delta" in line]
    flags, own, more = one(json.loads(delta)["hex"]).fields["records"][12:]
    assert (flags["Quantity"], flags["Value"]) == ("Error flags", "0.000000")
    assert (own["Quantity"], own["Value"]) == ("Manufacturer specific", "0.000000")
    assert more["Function"] == "More records follow"


def test_other_makers_telegrams_are_told_as_libmbus_tells_them() -> None:
    kamstrup = one(KAMSTRUP)
    assert kamstrup.fields["slave"] == {
        "Id": "6855817",
        "Manufacturer": "KAM",
        "Version": "8",
        "ProductName": "Kamstrup Multical 601",
        "Medium": "Heat: Outlet",
        "AccessNumber": "4",
        "Status": "00",
        "Signature": "0000",
    }
    told = kamstrup.fields["records"]
    assert len(told) == 28
    assert (told[3]["Unit"], told[3]["Value"]) == ("s", "3546000.000000")
    assert (told[4]["Unit"], told[4]["Value"]) == ("\u00b0C", "101.690000")
    assert (told[15]["Tariff"], told[15]["Device"]) == ("0", "3")
    assert told[16]["Value"] == "2011-01-05T15:26:00Z"
    assert told[26] == {
        "Function": "Instantaneous value",
        "StorageNumber": "1",
        "Unit": "-",
        "Quantity": "Time point (date)",
        "Value": "2010-12-31",
    }
    assert told[27]["Value"].startswith("00 00 00 00 E7 E4")
    assert one(CYBLE).fields["slave"]["ProductName"] == "Itron CYBLE M-Bus 1.4"
    assert next(r["Value"] for r in records(EMU) if r["Quantity"] == "Current") == "-0.066000"


def test_records_behind_one_that_the_library_cannot_decode_are_told() -> None:
    """pymbusparser stops at them; libmbus makes 13131113 W of an error code."""
    told = records(ELSTER)
    assert len(told) == 16
    assert (told[4]["Quantity"], told[4]["Unit"], told[4]["Value"]) == ("Power", "W", None)
    assert told[6]["Value"] == "22.700000"
    humid = records(ELVACO)
    assert [(r["Unit"], r["Quantity"], r["Value"]) for r in humid[1:4]] == [
        ("-", "%RH", "45.640000"),
        ("-", "%RH", "45.520000"),
        ("-", "%RH", "58.120000"),
    ]
    assert humid[11]["Quantity"] == "Software version"


def test_every_record_has_the_name_that_a_profile_uses() -> None:
    fields = one(KAMSTRUP).fields
    assert len(fields["items"]) == len(fields["records"])
    assert fields["items"][8] == {"record": "power/max", "value": 44800.0, "unit": "W", "reason": None}
    assert one(ELSTER).fields["items"][4]["reason"] == "error_code"
    assert fields["secondary_address"] == "068558172D2C0804"
    assert one(ELSTER).fields["status_codes"] == ["temporary_error"]


def assert_agreeing(text: str) -> None:
    """Every number of a record is that of its item, in the units of both."""
    fields = one(text).fields
    assert len(fields["items"]) == len(fields["records"])
    for item, record in zip(fields["items"], fields["records"], strict=True):
        if isinstance(item["value"], float) and record.get("Unit") != "Reserved":
            size = SECONDS.get(item["unit"], 1) if record["Unit"] == "s" else 1
            assert float(record["Value"]) == pytest.approx(item["value"] * size, rel=1e-6, abs=5e-7), item["record"]


@pytest.mark.parametrize(
    "text",
    [BINARY, CALEC, CYBLE, EDC, ELSTER, ELVACO, EMU, GWF, HYDROMETER, KAMSTRUP, METER_2, NEMO, OMS, POLLUSONIC, RADIO],
)
def test_records_and_items_say_the_same(text: str) -> None:
    assert_agreeing(text)


@pytest.mark.parametrize(
    "dif", ["01", "02", "03", "04", "05", "06", "07", "09", "0A", "0B", "0C", "0E", "0DC2", "0DE3"]
)
@pytest.mark.parametrize("vif", ["06", "13", "26", "2E", "3B", "5A", "FD48", "FD59", "FB00", "9374", "937D", "9378"])
def test_records_and_items_say_the_same_for_every_type_of_data(dif: str, vif: str) -> None:
    sizes = {0xB: 3, 0xC: 4, 0xD: int(dif[3:] or "0"), 0xE: 6, 9: 1, 0xA: 2, 5: 4, 7: 8}
    data = bytes.fromhex("214310000000 0000")[: sizes.get(int(dif[1], 16), int(dif[1], 16))]
    record = bytes.fromhex(dif[:2] + vif + dif[2:]) + (bytes.fromhex("00004841") if dif == "05" else data)
    text = encode(Frame(0x08, 1, 0x78, record)).hex()
    assert one(text).fields["items"][0]["value"] is not None
    assert_agreeing(text)


def test_the_records_of_the_captures_and_their_items_say_the_same(shared: Path) -> None:
    lines = (shared / "vectors" / "captures.jsonl").read_text("utf-8").splitlines()
    for capture in map(json.loads, lines):
        if capture["protocol"] == "mbus":
            assert_agreeing(capture["hex"])


def test_a_meter_without_a_maker_and_with_letters_in_its_number_is_told() -> None:
    assert one(METER_2).fields["slave"] == {
        "Id": "50002E5",
        "Manufacturer": "@@@",
        "Version": "18",
        "ProductName": None,
        "Medium": "Electricity",
        "AccessNumber": "37",
        "Status": "00",
        "Signature": "0000",
    }


def test_a_binary_of_sixteen_bytes_is_told_last_byte_first() -> None:
    fields = one(BINARY).fields
    written = "17 3E D1 DC B3 1A B5 3D 01 93 A6 27 2A 5B 07 96"
    assert (fields["records"][0]["Quantity"], fields["records"][0]["Value"]) == ("PW", written)
    assert fields["items"] == [{"record": "text:PW", "value": written, "unit": None, "reason": None}]


def test_fixed_data_are_told() -> None:
    fields = one(POLLUSONIC).fields
    assert fields["slave"] == {"Id": "90919293", "Medium": "Heat", "AccessNumber": "16", "Status": "00"}
    assert [(r["Function"], r["Quantity"], r["Value"]) for r in fields["records"]] == [
        ("Actual value", "Energy", "6531000.000000"),
        ("Actual value", "Volume", "0.069000"),
    ]


@pytest.mark.parametrize(
    ("raw", "kind", "address", "more"),
    [
        ("E5", "ACK", None, {"direction": "reply"}),
        ("1040014116", "SND_NKE", "1", {"direction": "request", "fcb": False, "fcv": False}),
        ("105B015C16", "REQ_UD2", "1", {"fcb": False, "fcv": True}),
        ("107B017C16", "REQ_UD2", "1", {"fcb": True, "fcv": True}),
        ("105AFE5816", "REQ_UD1", "254", {"fcb": False}),
        ("680B0B6873FD5278563412FFFFFFFFD216", "SND_UD", "12345678FFFFFFFF", {"ci_means": "select"}),
        ("6803036853FE50A116", "SND_UD", "254", {"ci_means": "application_reset", "writes": True}),
        ("6803036853FEBD0E16", "SND_UD", "254", {"ci_means": "set_baud_9600", "writes": True}),
        ("6806066853FE51017A0825 16", "SND_UD", "254", {"ci_means": "data_send", "payload": "017a08"}),
        ("68040468080170088116", "RSP_UD", "1", {"refused": "busy", "ci_means": "application_error"}),
    ],
)
def test_frames_of_every_kind_are_told(raw: str, kind: str, address: str | None, more: dict[str, object]) -> None:
    found = one(raw)
    assert (found.valid, found.address, found.fields["kind"]) == (True, address, kind)
    assert {name: found.fields[name] for name in more} == more


def test_the_bits_of_a_meters_control_byte_are_told() -> None:
    found = one(encode(Frame(0x38, 3, 0x78, bytes.fromhex("041301000000"))).hex())
    assert (found.control, found.fields["acd"], found.fields["dfc"]) == ("38", True, True)
    assert found.fields["records"][0]["Value"] == "0.001000"


def test_an_encrypted_telegram_is_told_without_records() -> None:
    head = bytes.fromhex("78563412AE4C0B0401001005")
    fields = one(encode(Frame(0x08, 1, 0x72, head + bytes(range(64, 80)))).hex()).fields
    assert (fields["encrypted"], fields["records"]) == ("mode 5", [])
    assert fields["slave"]["Signature"] == "0510"
    assert one(RADIO).fields["records"][0]["Value"] == "5000.000000"


def test_records_that_have_no_end_are_told_up_to_there() -> None:
    fields = one(encode(Frame(0x08, 1, 0x78, bytes.fromhex("04130100000004130100"))).hex()).fields
    assert (len(fields["records"]), fields["rest"], fields["reason"]) == (1, "04130100", "premature_end")


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("", "no_frame"),
        ("00112233", "no_frame"),
        ("1040014216", "checksum"),
        ("10400141", "too_short"),
        ("6803036853FE50A216", "checksum"),
        ("6803036853FE50A117", "no_end"),
        ("6803036853FE", "too_short"),
        ("6803046853FE50A116", "wrong_length"),
    ],
)
def test_bytes_without_a_frame_say_best_why(raw: str, error: str) -> None:
    found = one(raw)
    assert (found.valid, found.error) == (False, error)


def test_frames_in_noise_are_told_and_an_e5_of_the_noise_is_not() -> None:
    raw = bytes.fromhex("00E5FF" + "1040014116" + "68")
    assert [f.fields["kind"] for f in explain(raw, Hints())] == ["SND_NKE"]
    both = explain(bytes.fromhex("1040014116E5"), Hints())
    assert [f.fields["kind"] for f in both] == ["SND_NKE", "ACK"]


@given(st.binary(max_size=80), st.sampled_from([0x70, 0x72, 0x73, 0x76, 0x78, 0x7A, 0x71]))
def test_whatever_a_meter_sends_is_told_as_json(payload: bytes, ci: int) -> None:
    (found,) = explain(encode(Frame(0x08, 1, ci, payload)), Hints())
    assert found.valid
    json.dumps(found.fields, allow_nan=False)


@given(st.binary(max_size=40))
def test_any_bytes_are_told_without_a_fault(raw: bytes) -> None:
    assert explain(raw, Hints())
