"""Captured frames in words: those of meters and masters of both editions, whole, damaged and in a row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dlt645.codec import Frame, encode
from drivers.dlt645.explain import explain_1997, explain_2007
from drivers.explained import Explained, Hints

ADDRESS = "201708176934"
NOTHING = Hints()


def frame(control: int, data: str, address: str = ADDRESS) -> bytes:
    """Any frame as it stands on the line, those included that our codec refuses to build."""
    payload = bytes.fromhex(data)
    body = bytes([0x68]) + bytes.fromhex(address)[::-1] + bytes([0x68, control, len(payload)])
    body += bytes((b + 0x33) & 0xFF for b in payload)
    return body + bytes([sum(body) & 0xFF, 0x16])


def only(found: list[Explained]) -> dict[str, Any]:
    (one,) = found
    assert one.valid
    assert one.error is None
    return one.fields


def said(di: str, payload: str, control: int = 0x91) -> dict[str, Any]:
    return only(explain_2007(frame(control, bytes.fromhex(di)[::-1].hex() + payload), NOTHING))


@pytest.mark.parametrize(
    ("di", "payload", "told"),
    [
        ("00010000", "00004584", {"value": 844500.0, "unit": "kWh"}),
        ("00000000", "00004584", {"value": -44500.0, "unit": "kWh"}),
        ("02030000", "563492", {"value": -12.3456, "unit": "kW"}),
        ("02060000", "3009", {"value": 0.93}),
        ("02800007", "1580", {"value": -1.5, "unit": "degC"}),
        ("02010100", "ffff", {"value": None, "unit": "V"}),
        ("0201FF00", "5622ffff0000", {"values": [225.6, None, 0.0], "unit": "V"}),
        ("0201FF00", "562212fa0000", {"values": [225.6, None, 0.0]}),
        ("0201FF00", "5622", {"problem": "wrong_length"}),
        ("02010100", "12fa", {"problem": "not_bcd"}),
        ("02010100", "5622ffff", {"problem": "wrong_length"}),
        ("02010100", "12faff", {"problem": "wrong_length"}),
        ("02010100", "5622ff", {"value": 225.6, "spare": "ff", "note": "spare_bytes"}),
        ("00010000", "3726000001", {"value": 26.37, "unit": "kWh", "spare": "01"}),
        ("0001FF00", "0100000002000000aa", {"values": [0.01, 0.02], "spare": "aa"}),
        ("04000101", "ffffffff", {"date": None, "weekday": None, "reason": "filler"}),
        ("04000102", "ffffff", {"time": None, "reason": "filler"}),
        ("0400010C", "ffffffffffffff", {"time": None, "date": None, "reason": "filler"}),
        ("05060001", "0000091015", {"occurred": "2015-10-09 00:00"}),
        ("05060001", "0000000000", {"occurred": None}),
        ("05060101", "0100000002000000", {"values": [0.01, 0.02], "unit": "kWh"}),
        ("03300D00", "270000", {"value": 27.0}),
        ("1D000001", "000000", {"value": 0.0}),
        ("19010001", "050000", {"value": 5.0}),
        ("0280000B", "56340000", {"value": 0.3456, "unit": "CNY/kWh"}),
        ("03330201", "0300", {"value": 3.0}),
        ("04010001", "010006023008", {"periods": [{"from": "06:00", "number": 1}, {"from": "08:30", "number": 2}]}),
        ("04010000", "010101", {"periods": [{"from": "01-01", "number": 1}]}),
        ("04010000", "01", {"problem": "wrong_length"}),
        ("061001FF", "2302", {"value": None, "values": None}),
        ("01010000", "5634123014150726", {"value": 12.3456, "unit": "kW", "occurred": "2026-07-15 14:30"}),
        ("01010000", "0000000000000000", {"value": 0.0, "occurred": None}),
        ("04000101", "03070126", {"date": "2026-01-07", "weekday": 3}),
        ("0400010C", "59301203070126", {"time": "12:30:59", "date": "2026-01-07", "weekday": 3}),
        ("04000401", "346917081720", {"meter_address": ADDRESS}),
        ("04000402", "346917081720", {"digits": ADDRESS}),
        ("04800001", "312e3156" + "00" * 28, {"text": "V1.1"}),
        ("04000306", "800000", {"value": 80.0}),
        ("00900200", "56341200", {"value": 1234.56, "unit": "CNY"}),
        ("04000501", "0c80", {"bits": ["clock_battery_low", "reading_battery_low", "clock_error"]}),
        ("04000503", "1000", {"bits": ["relay_open"]}),
        ("04000601", "05", {"hex": "05"}),
        ("000100FF", "0100000002000000", {"values": [0.01, 0.02]}),
    ],
)  # fmt: skip
def test_a_value_is_explained_by_its_item(di: str, payload: str, told: dict[str, Any]) -> None:
    fields = said(di, payload)
    assert {key: fields.get(key) for key in told} == told
    assert fields["payload_le"] == payload
    assert fields["name"]["zh"]
    if "problem" in told:
        assert "value" not in fields
        assert "values" not in fields


def test_a_record_is_told_value_by_value() -> None:
    """The second opening of a cover that never ended, and two status words of a block."""
    parts = said("03300D02", "593015090125" + "000000000000" + "12000000" * 6 + "34000000" * 6)["parts"]
    assert [part.get("occurred") for part in parts[:2]] == ["2025-01-09 15:30:59", None]
    assert (parts[2]["name"]["en"], parts[2]["value"], parts[2]["unit"]) == (
        "Forward active energy before",
        0.12,
        "kWh",
    )
    assert (parts[13]["value"], parts[13]["unit"]) == (0.34, "kvarh")
    words = said("040005FF", "0400" + "0000" * 2 + "0100" + "0000" * 3)["parts"]
    assert [word["bits"] for word in words] == [["clock_battery_low"], [], [], ["voltage_lost"], [], [], []]
    assert said("03300D02", "593015090125")["problem"] == "wrong_length"


def test_of_an_identifier_that_is_not_listed_the_kind_of_data_is_told() -> None:
    fields = said("03990001", "123456")
    assert (fields["family"]["en"], fields["payload_le"]) == ("Event record", "123456")
    assert "name" not in fields


def test_of_an_unknown_identifier_only_the_data_is_told() -> None:
    fields = said("0DEADB01", "123456")
    assert fields == {
        "function": "read", "direction": "reply", "di": "0DEADB01", "payload_le": "123456",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("control", "data", "function"),
    [
        (0x14, "00010004" + "02" + "123456" + "00000000" + "1234", "write"),
        (0x15, "346917081720", "write_address"),
        (0x16, "99999999", "freeze"),
        (0x17, "08", "set_baud"),
        (0x18, "04000c00" + "0011223344556677", "set_password"),
        (0x19, "0012345600000000", "clear_demand"),
        (0x1A, "0012345600000000", "clear_meter"),
        (0x1B, "0012345600000000ffffffff", "clear_events"),
        (0x1C, "0012345600000000" + "1a00123015010726", "relay"),
        (0x08, "590315070126", "broadcast_time"),
    ],
)
def test_what_other_masters_order_is_named(control: int, data: str, function: str) -> None:
    """Nothing here can build any of them."""
    fields = only(explain_2007(frame(control, data, "9" * 12), NOTHING))
    assert (fields["function"], fields["direction"]) == (function, "request")
    with pytest.raises(ValueError, match="control"):
        encode(Frame("9" * 12, control, bytes.fromhex(data)))


def test_the_clock_that_a_master_sends_to_all_is_told() -> None:
    assert only(explain_2007(frame(0x08, "590315070126", "9" * 12), NOTHING))["clock"] == "2026-01-07 15:03:59"


@pytest.mark.parametrize(
    ("control", "data", "told"),
    [
        (0x18, "010c0004" + "02abcdef" + "02abcdef", {"di": "04000C01"}),
        (0x14, "01010004" + "02abcdef" + "abcdef04" + "03070126", {"di": "04000101", "date": "2026-01-07"}),
        (0x19, "02abcdef" + "abcdef04", {"bytes": 8}),
        (0x1A, "02abcdef" + "abcdef04", {"bytes": 8}),
        (0x1B, "02abcdef" + "abcdef04" + "ffffffff", {"di": "FFFFFFFF"}),
        (0x1C, "02abcdef" + "abcdef04" + "1b00000000010127", {"order": "allow_closing"}),
        (0x1C, "02abcdef" + "abcdef04" + "9900000000010127", {"order": None, "order_code": "99"}),
        (0x1C, "98abcdef" + "abcdef04" + "ab" * 20, {"bytes": 28}),
        (0x03, "ff000007" + "abcdef04" + "ab" * 16, {"di": "070000FF", "bytes": 24}),
        (0x83, "ff000007" + "abcdef04", {"di": "070000FF", "bytes": 8}),
        (0x91, "010c0004" + "02abcdef", {"di": "04000C01"}),
        (0x14, "010c0004" + "02abcdef" + "abcdef04" + "03abcdef", {"di": "04000C01"}),
    ],
)  # fmt: skip
def test_a_password_is_not_told(control: int, data: str, told: dict[str, Any]) -> None:
    fields = only(explain_2007(frame(control, data), NOTHING))
    assert {key: fields.get(key) for key in told} == told
    assert fields["masked"]
    assert "abcdef" not in str(fields).lower()


def test_a_password_of_the_older_edition_is_not_told() -> None:
    for control, data in (
        (0x04, "10c0" + "02abcdef" + "06060719"),
        (0x0F, "02abcdef03abcdef"),
        (0x81, "12c2" + "02abcdef"),
    ):
        fields = only(explain_1997(frame(control, data), NOTHING))
        assert fields["masked"][0] == "password"
        assert "abcdef" not in str(fields)


def test_a_published_order_of_a_relay_is_told() -> None:
    """As a smart meter gateway's own test expects it."""
    raw = bytes.fromhex("fefefefe 680900510503 26681c10 3533333333333333 4d348c8c566445cc 8216")
    fields = only(explain_2007(raw, NOTHING))
    assert (fields["order"], fields["valid_until"]) == ("trip", "2099-12-31 23:59:59")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("99999999", {"freeze": "at_once", "moment": None}),
        ("30999999", {"freeze": "hourly", "moment": "99-99 99:30"}),
        ("00009999", {"freeze": "daily", "moment": "99-99 00:00"}),
        ("00000199", {"freeze": "monthly", "moment": "99-01 00:00"}),
        ("30120107", {"freeze": "once", "moment": "07-01 12:30"}),
        ("ab999999", {"problem": "not_bcd"}),
    ],
)
def test_when_a_meter_shall_freeze_is_told(data: str, told: dict[str, Any]) -> None:
    fields = only(explain_2007(frame(0x16, data, "9" * 12), NOTHING))
    assert {key: fields.get(key) for key in told} == told


@pytest.mark.parametrize(("code", "baud"), [("08", 2400), ("20", 9600), ("18", None)])
def test_a_new_baud_rate_is_told(code: str, baud: int | None) -> None:
    for control in (0x17, 0x97):
        assert only(explain_2007(frame(control, code), NOTHING))["baud"] == baud


def test_a_refusal_of_a_makers_own_is_told_as_it_was_sent() -> None:
    """As a smart socket sent it, which does not add 33H."""
    fields = only(explain_1997(bytes.fromhex("682011122106 3668c503e901638516"), NOTHING))
    assert (fields["function"], fields["direction"], fields["raw"]) == ("unknown", "refusal", "e90163")
    assert "errors" not in fields


def test_a_wrong_checksum_says_the_right_one_and_who_may_have_sent_it() -> None:
    (found,) = explain_2007(bytes.fromhex("fefefefe 684310001134 0068d106 33343435ca55 ee16"), NOTHING)
    assert (found.valid, found.error, found.address, found.control) == (False, "checksum", "003411001043", "D1")
    assert found.fields == {"checksum": "EE", "checksum_expected": "2E", "note": "unproven"}


@pytest.mark.parametrize(
    ("word", "errors"),
    [("01", ["other error"]), ("02", ["no requested data"]), ("04", ["password or not authorised"]),
     ("42", ["no requested data", "tariffs exceeded"]), ("80", ["bit 7"]), ("00", [])],
)  # fmt: skip
def test_a_refusal_says_its_bits(word: str, errors: list[str]) -> None:
    fields = only(explain_2007(frame(0xD1, word), NOTHING))
    assert fields == {
        "function": "read", "direction": "refusal", "error_word": int(word, 16), "errors": errors,
    }  # fmt: skip


def test_a_long_answer_is_told_as_the_parts_that_it_is() -> None:
    first = only(explain_2007(frame(0xB1, "00ff0100" + "01000000"), NOTHING))
    assert (first["more"], first["payload_le"]) == (True, "01000000")
    assert "values" not in first
    asked = only(explain_2007(frame(0x12, "00ff0100" + "01"), NOTHING))
    assert (asked["function"], asked["sequence"]) == ("read_next", 1)
    last = only(explain_2007(frame(0x92, "00ff0100" + "02000000" + "01"), NOTHING))
    assert (last["sequence"], last["payload_le"]) == (1, "02000000")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("1f90" + "380000000000000003000000240000001200000000"[:40], {"values": [0.38, 0.0, 0.03, 0.24, 0.12]}),
        ("10b0" + "30141507", {"occurred": "07-15 14:30"}),
        ("30b6" + "563492", {"value": -12.3456, "unit": "kW"}),
        ("10c0" + "06060719", {"date": "2019-07-06", "weekday": 6}),
        ("30c0" + "001600", {"value": 1600.0, "unit": "imp/kWh"}),
        ("1f90" + "38000000" * 5 + "aa", {"values": [0.38] * 5, "spare": "aa"}),
        ("20c0" + "14", {"bits": ["battery_low", "active_power_reverse"]}),
        ("21c0" + "41", {"bits": ["phase_a_dead", "phase_c_overvoltage"]}),
        ("12b2" + "0300", {"value": 3.0}),
        ("22b3" + "450100", {"value": 145.0, "unit": "min"}),
        ("31c3" + "013006", {"periods": [{"from": "06:30", "number": 1}]}),
        ("10c5" + "00000107", {"occurred": "07-01 00:00"}),
    ],
)
def test_the_older_edition_is_explained_too(data: str, told: dict[str, Any]) -> None:
    """901F, C010 and C030 as in the log of KTS-Intek/DLT645."""
    fields = only(explain_1997(frame(0x81, data), NOTHING))
    assert {key: fields.get(key) for key in told} == told


def test_a_write_of_the_older_edition_is_named() -> None:
    """As captured: KTS-Intek/DLT645, test-exchange-dlt645-97.log."""
    asked = bytes.fromhex("68999999999999 68 04 0a 43f3333333333939 3a4c 6e16")
    assert only(explain_1997(asked, NOTHING))["function"] == "write"
    refused = only(explain_1997(bytes.fromhex("fefefefe 68346917081720 68 c4 01 34 bc16"), NOTHING))
    assert refused["errors"] == ["illegal data"]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("", "no_frame"),
        ("00ff12", "no_frame"),
        ("6811111111111168910833333433b93433336d", "too_short"),
        ("68720032091720", "too_short"),
        ("6872003209172068910833333433b93433336e16", "checksum"),
        ("6872003209172068910833333433b93433336d17", "no_end"),
    ],
)
def test_bytes_without_a_frame_say_what_is_wrong(raw: str, error: str) -> None:
    for explain in (explain_2007, explain_1997):
        (found,) = explain(bytes.fromhex(raw), NOTHING)
        assert (found.valid, found.error) == (False, error)
        assert found.fields.keys() <= {"checksum", "checksum_expected", "note"}


good = st.sampled_from([frame(0x91, "00000100" + "12345600"), frame(0x11, "00ff0102"), frame(0xD1, "02")])


@settings(deadline=None)  # the first example loads the table
@given(st.lists(good, min_size=1, max_size=4), st.binary(max_size=12), st.integers(0, 7))
def test_every_frame_of_a_capture_is_told_whatever_stands_between(sent: list[bytes], noise: bytes, wake: int) -> None:
    raw = noise + b"".join(b"\xfe" * wake + one for one in sent)
    found = [e for e in explain_2007(raw, NOTHING) if e.valid and e.address == ADDRESS]
    assert [e.fields for e in found[-len(sent) :]] == [explain_2007(one, NOTHING)[0].fields for one in sent]


@settings(deadline=None)  # the first example loads the table
@given(good, st.data())
def test_a_flipped_bit_never_yields_a_value(one: bytes, data: st.DataObject) -> None:
    raw = bytearray(one)
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert not any(e.valid for e in explain_2007(bytes(raw), NOTHING))


@settings(deadline=None)  # the first example loads the table
@given(
    st.binary(max_size=80), st.sampled_from([0x91, 0x92, 0xB1, 0x11, 0x12, 0x13, 0x93, 0x14, 0x08, 0xD1, 0x1F, 0x00])
)
def test_no_data_can_break_an_explanation(data: bytes, control: int) -> None:
    for explain in (explain_2007, explain_1997):
        assert explain(frame(control, data.hex()), NOTHING)[0].valid
