"""What captured CJ/T 188 bytes say: the standard's replies, makers' own, orders of other masters, damage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cjt188.codec import END, START, checksum
from drivers.cjt188.explain import explain
from drivers.explained import Explained, Hints

ADDRESS = "00051812000177"
WATER_BODY = "5623010029 001000002c 00031207012620 0501"
HEAT_BODY = "0019530005 0028530005 5030000017 3512000035 423318002c 031900 101900 612700 26572331031520 0005"
UNITS_FIRST = "0500195300 0500285300 1700000000 3500000000 2c42331800 031900 101900 612700 26572331031520 0301"


def frame(data: str, control: int = 0x81, meter_type: int = 0x10, address: str = ADDRESS) -> bytes:
    """Any frame at all, as other masters and meters send them."""
    told = bytes.fromhex(data)
    body = bytes([START, meter_type]) + bytes.fromhex(address)[::-1] + bytes([control, len(told)]) + told
    return body + bytes([checksum(body), END])


def only(raw: bytes) -> Explained:
    (found,) = explain(raw, Hints())
    json.dumps(found.fields)
    return found


def fields(raw: bytes) -> dict[str, Any]:
    found = only(raw)
    assert found.valid
    return found.fields


def test_a_water_reply_is_told_field_by_field() -> None:
    found = only(b"\xfe" * 3 + frame("901f07" + WATER_BODY))
    assert (found.valid, found.address, found.control, found.error) == (True, ADDRESS, "81", None)
    told = found.fields
    assert (told["current"], told["current_unit"]) == (123.56, "L")
    assert (told["settle"], told["settle_unit"]) == (10.0, "m3")
    assert (told["clock_le"], told["clock"]) == ("00031207012620", "2026-01-07T12:03:00")
    assert (told["status"], told["status_bits"]) == ("0501", ["valve_closed", "battery_low", "maker_0"])
    assert (told["di_wire"], told["di"], told["identifier"], told["ser"]) == ("901F", "901F", "metered", 7)
    assert (told["meter_type"], told["maker"], told["direction"], told["function"]) == ("10", "0005", "reply", "read")
    assert (told["layout"], told["fits"]) == ("water", ["water"])


def test_a_heat_reply_is_told_field_by_field() -> None:
    told = fields(frame("1f9001" + HEAT_BODY, meter_type=0x25))
    assert told["fields"] == {
        "settle_day_heat": [5319.0, "05"],
        "current_heat": [5328.0, "05"],
        "heat_power": [30.5, "17"],
        "flow_rate": [0.1235, "35"],
        "total_volume": [1833.42, "2C"],
        "supply_temp": 19.03,
        "return_temp": 19.1,
        "work_hours": 2761.0,
        "clock_le": "26572331031520",
        "status": "0005",
    }
    assert (told["di_wire"], told["di"], told["layout"]) == ("1F90", "901F", "heat")
    assert told["readings"]["heat_energy"] == {"value": 5328.0, "unit": "kWh", "reason": None}
    assert told["clock"] == "2015-03-31T23:57:26"


def test_a_maker_that_sends_units_first_is_recognised_by_its_units() -> None:
    """The standard's places stand under `fields`, what the digits mean under `readings`."""
    told = fields(frame("901f00" + UNITS_FIRST, meter_type=0x20))
    assert (told["layout"], told["fits"]) == ("heat-unit-first", ["heat-unit-first"])
    assert told["fields"]["current_heat"] == [532800.05, "00"]
    assert told["fields"]["total_volume"] == [None, "00"]
    assert told["readings"]["heat_energy"] == {"value": 5328.0, "unit": "kWh", "reason": None}
    assert told["readings"]["volume"] == {"value": 1833.42, "unit": "m3", "reason": None}


# Published replies of makers that are not among the shared captures, with what their meters show.
OTHERS: list[tuple[str, str, dict[str, tuple[float | None, str]]]] = [
    (
        "68 20 51213117001111 81 2e 1f9012 0000000005 0000000005 0000000014 0000000035 190000002c"
        "763000 683000 730200 32411112090720 0400 e916",
        "heat",
        {"heat_energy": (0.0, "kWh"), "heat_power": (0.0, "W"), "volume": (0.19, "m3"), "hours": (273.0, "h")},
    ),
    (
        "fefe 68 20 13470612007400 81 2e 1f9000 0000000005 0000000005 0000000017 0000000035 000000002c"
        "022300 112300 345800 09491205092320 0008 f016",
        "heat",
        {"supply_temperature": (23.02, "degC"), "return_temperature": (23.11, "degC"), "hours": (5834.0, "h")},
    ),
    (
        "fefe 68 27 66904318001111 81 2e 1f9000 0000000008 2701000008 0000000017 0000000035 071900002c"
        "603600 982200 660100 49351401111820 0800 cb16",
        "heat",
        {"heat_energy": (1.27, "MWh"), "volume": (19.07, "m3"), "supply_temperature": (36.6, "degC")},
    ),
    (
        "68 25 12192418273100 81 2e 1f9003 1174020005 8827440505 0000000017 0000000035 085671002c"
        "792600 642600 664707 11521703092520 0005 2a16",
        "heat",
        {"settled_heat": (274.11, "kWh"), "heat_energy": (54427.88, "kWh"), "volume": (7156.08, "m3")},
    ),
    (
        "fefefe 68 20 fffff130156920 81 2e 1f9001 0000000005 6040050005 0000000017 0000000035 831900002c"
        "141900 151900 280000 03151705030420 0008 4d16",
        "heat",
        {"heat_energy": (540.6, "kWh"), "volume": (19.83, "m3"), "hours": (28.0, "h")},
    ),
    (
        "68 20 38042108005942 81 2e 901f00 0519285300 0519285300 1700000000 3500000000 2c42331800"
        "031900 101900 612700 26572331031520 0301 f716",
        "heat-unit-first",
        {"heat_energy": (5328.19, "kWh"), "volume": (1833.42, "m3"), "hours": (2761.0, "h")},
    ),
    (
        "fefe 68 10 45411005153378 81 16 901faa 005959002c ffffffff2c ffffffffffffff 0000 c216",
        "water",
        {"volume": (5959.0, "m3"), "settled_volume": (None, "m3")},
    ),
]


@pytest.mark.parametrize(("raw", "layout", "values"), OTHERS)
def test_published_replies_of_other_makers_are_read(raw: str, layout: str, values: dict[str, Any]) -> None:
    told = fields(bytes.fromhex(raw))
    assert told["layout"] == layout
    assert {name: (told["readings"][name]["value"], told["readings"][name]["unit"]) for name in values} == values
    assert told["clock"] is not None or layout == "water"


@pytest.mark.parametrize(
    ("body", "layout", "spare"),
    [
        (WATER_BODY + "aabbcc", "water", "aabbcc"),
        ("5623010029 001000002c", "water", ""),
        ("", None, None),
    ],
)
def test_a_reply_of_an_odd_length_says_which_layout_is_nearest(
    body: str, layout: str | None, spare: str | None
) -> None:
    told = fields(frame("901f01" + body))
    assert (told.get("layout"), told.get("fits") or []) == (layout, [])
    if spare is not None and layout == "water":
        assert (told["reason"], told["spare"], told["bytes_expected"]) == ("wrong_length", spare, 22)


# A published report of a water meter behind LoRa: units first, volumes of three decimals, two status words.
LORA = "fefefe 68 10 01131219000000 a1 1d 901f01 2c00000000 2c00000000 3500000000 41201416121920 4021 0002 eb16"


def test_a_water_meter_that_sends_units_first_is_read_by_its_own_layout() -> None:
    told = fields(bytes.fromhex(LORA))
    assert (told["layout"], told["fits"], told["function"]) == ("water-unit-first", ["water-unit-first"], "report")
    assert (told["current"], told["current_unit"], told["clock"]) == (0.0, "m3", "2019-12-16T14:20:41")
    assert told["readings"]["reverse_volume"] == {"value": 0.0, "unit": "m3", "reason": None}
    assert told["readings"]["flow"] == {"value": 0.0, "unit": "m3/h", "reason": None}
    assert (told["status"], told["more_status"]) == ("4021", "0002")
    assert "status_bits" not in told


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("412c00000000 2c00000000 3500000000 41201416121920 4021 00", "not_bcd"),  # as long as the report above
        ("412c00000000 2c00000000 3500000000 41201416121920 4021 0002", "wrong_length"),
        ("2c0000002c 0000350000 41", "wrong_length"),
        ("ab" * 40, "not_bcd"),
    ],
)
def test_a_reply_that_no_layout_is_near_to_gives_its_bytes_and_no_status(body: str, reason: str) -> None:
    told = fields(frame("901f01" + body))
    assert (told["payload"], told["reason"], told["fits"]) == (body.replace(" ", ""), reason, [])
    assert not {"status", "status_bits", "current", "readings", "layout", "clock"} & told.keys()


def test_a_short_reply_has_the_standards_two_decimals_and_no_unit() -> None:
    told = fields(bytes.fromhex("fefefe 68 10 77665544332211 81 09 901f01 78563412 00ff a116"))
    assert (told["current"], told["current_unit"], told["layout"], told["fits"]) == (
        123456.78, None, "no-unit", ["no-unit"],
    )  # fmt: skip
    assert told["readings"]["volume"]["note"] == "unit_not_sent"


def test_a_status_behind_values_that_cannot_be_read_has_no_words() -> None:
    """A published reply of a gas meter: no unit is told, and what stands in the clock's place is no date."""
    raw = "68 30 02010006160523 81 16 1f9001 1772000000 0000000000 00001201012016 3500 2e16"
    told = fields(bytes.fromhex(raw.replace(" ", "")))
    assert (told["status"], told["clock"], told["fits"]) == ("3500", None, [])
    assert told["readings"]["volume"]["note"] == "unit_not_told"
    assert "status_bits" not in told


def test_what_another_layout_that_fits_would_call_a_value_is_told_too() -> None:
    """A published reply of a meter of heat and cold: the first amount is cold, which only its maker says."""
    raw = (
        "68 25 12192418273100 81 2e 1f9003 1174020005 8827440505 0000000017 0000000035 085671002c 792600 642600 664707"
        "11521703092520 0005 2a16"
    )
    readings = fields(bytes.fromhex(raw.replace(" ", "")))["readings"]
    cold = {"value": 274.11, "unit": "kWh", "reason": None, "layout": "heat-cooling"}
    assert readings["cooling_energy"] == cold
    assert next(iter(readings)) == "settled_heat"


@pytest.mark.parametrize(("body", "fits"), [(HEAT_BODY, True), (UNITS_FIRST, False)])
def test_whether_the_standards_places_fit_is_told(body: str, fits: bool) -> None:
    assert fields(frame("901f00" + body, meter_type=0x20))["standard_fits"] is fits


def test_a_length_beyond_the_standard_is_explained_too() -> None:
    told = fields(frame("901f01" + WATER_BODY + "00" * 150))
    assert (told["current"], told["reason"], len(told["spare"])) == (123.56, "wrong_length", 300)


@pytest.mark.parametrize(
    ("amount", "value", "unit", "reason", "note"),
    [
        ("5623010000", 123.56, None, "wrong_unit", "unit_not_told"),
        ("5623010077", 123.56, None, "wrong_unit", "unit_unknown"),
        ("5623010005", 123.56, None, "wrong_unit", "unit_of_another_kind"),
        ("56230a002c", None, "m3", "not_bcd", None),
        ("ffffffff2c", None, "m3", "filler", None),
        ("ffffffffff", None, None, "filler", None),
    ],
)
def test_what_is_no_value_is_shown_with_its_reason(
    amount: str, value: float | None, unit: str | None, reason: str, note: str | None
) -> None:
    told = fields(frame("901f01" + amount + WATER_BODY[10:]))
    assert (told["current"], told["current_unit"]) == (value, unit)
    said = {"value": value, "unit": unit, "reason": reason} | ({"note": note} if note else {})
    assert told["readings"]["volume"] == said


def test_a_question_is_told() -> None:
    told = fields(bytes.fromhex("fefe6810aaaaaaaaaaaaaa0103901faa7b16"))
    assert (told["direction"], told["di_wire"], told["ser"], told["identifier"]) == ("request", "901F", 170, "metered")


@pytest.mark.parametrize(("wire", "month"), [("d120", 1), ("20d1", 1), ("d12b", 12)])
def test_a_month_end_is_told(wire: str, month: int) -> None:
    told = fields(frame(wire + "01" + "001000002c"))
    assert (told["identifier"], told["month"], told["settle"], told["settle_unit"]) == ("month_end", month, 10.0, "m3")


def test_a_month_end_of_heat_is_told() -> None:
    told = fields(frame("d12001" + "0019530005", meter_type=0x20))
    assert told["fields"] == {"settle_day_heat": [5319.0, "05"]}


@pytest.mark.parametrize(
    ("data", "readings"),
    [
        ("810201 500200 001000 000300 002000 000400", {"price_1": 2.5, "volume_1": 1000.0, "price_2": 3.0}),
        ("810301 25", {"settlement_day": 25.0}),
        ("048101 26", {"reading_day": 26.0}),
        ("810501 03 00500000 00500100 12340000 0100", {"purchase": 50.0, "purchased": 150.0, "credit": 34.12}),
    ],
)
def test_the_other_identifiers_are_told(data: str, readings: dict[str, float]) -> None:
    told = fields(frame(data))
    assert {name: told["readings"][name]["value"] for name in readings} == readings
    assert "layout" not in told


def test_an_address_stands_in_the_head_of_its_reply() -> None:
    found = only(bytes.fromhex("68aa0100000508000083030a81003116"))
    assert (found.address, found.control) == ("00000805000001", "83")
    assert (found.fields["function"], found.fields["identifier"]) == ("read_address", "address")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (frame("05 0400", 0xC1), {"ser": 5, "status": "0400", "status_bits": ["valve_open", "battery_low"]}),
        (frame("901f01 02", 0xC1), {"di": "901F", "ser": 1, "code": "02"}),
        (frame("", 0xC1), {"payload": ""}),
    ],
)
def test_a_refusal_is_a_valid_frame(raw: bytes, told: dict[str, Any]) -> None:
    found = fields(raw)
    assert found["refused"] is True
    assert {name: found[name] for name in told} == told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (frame("a01701 55", 0x04), {"function": "write", "identifier": "valve_control", "valve": "open"}),
        (frame("17a001 99", 0x04), {"di": "A017", "identifier": "valve_control", "valve": "close"}),
        (frame("a01701 0100", 0x84), {"function": "write", "status_bits": ["valve_closed", "battery_ok"]}),
        (frame("a01501 00031207012620", 0x04), {"identifier": "write_clock", "clock": "2026-01-07T12:03:00"}),
        (frame("a01801 77010012180500", 0x15), {"function": "write_address", "new_address": "00051812000177"}),
        (frame("a01601 001000002c", 0x16), {"function": "write_register", "payload": "001000002c"}),
        (frame("810601", 0x09), {"function": "read_key_version", "identifier": "key_version"}),
        (frame("abcd01 00", 0x05), {"function": None, "identifier": None, "payload": "00"}),
    ],
)
def test_orders_of_other_masters_are_told_as_what_they_are(raw: bytes, told: dict[str, Any]) -> None:
    found = fields(raw)
    assert {name: found[name] for name in told} == told


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", "no_frame"),
        (b"\xfe\xfe\xfe", "no_frame"),
        (bytes.fromhex("010400000031701e"), "no_frame"),
        (bytes.fromhex("fe6810"), "too_short"),
        (frame("901f01" + WATER_BODY)[:-3], "too_short"),
        (frame("901f01" + WATER_BODY)[:-1] + b"\x17", "no_end"),
        (frame("901f01" + WATER_BODY)[:-2] + b"\x00\x16", "checksum"),
    ],
)
def test_what_is_no_frame_says_why(raw: bytes, error: str) -> None:
    found = only(raw)
    assert (found.valid, found.error) == (False, error)


def test_a_wrong_checksum_says_the_right_one_and_no_value() -> None:
    """As one explanation of the protocol prints it, copied many times since."""
    raw = "fefefefe681044332211003378811 61f90000077 66552c007766552c310122110515202184 0816".replace(" ", "")
    found = only(bytes.fromhex(raw))
    assert found.fields == {"checksum": "08", "checksum_expected": "13", "note": "unproven"}
    assert (found.error, found.address, found.control) == ("checksum", "78330011223344", "81")


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_noise_around_a_frame_hides_nothing(before: bytes, after: bytes) -> None:
    found = explain(before + b"\xfe" * 3 + frame("901f01" + WATER_BODY) + after, Hints())
    assert 123.56 in [entry.fields.get("current") for entry in found]


def test_frames_back_to_back_are_all_told() -> None:
    raw = (
        frame("901f01", 0x01)
        + frame("901f01" + WATER_BODY)
        + b"\xfe\xfe"
        + frame("1f9002" + HEAT_BODY, meter_type=0x20)
    )
    assert [entry.control for entry in explain(raw, Hints())] == ["01", "81", "81"]


@given(st.sampled_from([(0x10, WATER_BODY), (0x20, HEAT_BODY), (0x20, UNITS_FIRST)]), st.data())
def test_a_flipped_bit_never_yields_a_value(told: tuple[int, str], data: st.DataObject) -> None:
    raw = bytearray(frame("901f01" + told[1], meter_type=told[0]))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    found = only(bytes(raw))
    assert not found.valid
    assert "readings" not in found.fields


@given(st.binary(max_size=80))
def test_nothing_can_upset_it(raw: bytes) -> None:
    assert explain(raw, Hints())


@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=60),
    st.sampled_from(["", "901f", "1f90", "d120", "8102", "8105", "a017", "a015", "a018"]),
)
def test_every_frame_with_a_right_checksum_is_told(control: int, meter_type: int, data: bytes, di: str) -> None:
    found = explain(frame(di + data.hex(), control, meter_type), Hints())
    assert f"{control:02X}" in [entry.control for entry in found]
    json.dumps([entry.fields for entry in found], allow_nan=False)
