"""CJ/T 188 values: a number leaves only with its unit; clock and status say what they say and no more."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cjt188.layout import Part, code_of, table, unit_of
from drivers.cjt188.value import Value, local_time, status_codes, status_number, time_bytes, value_bytes, value_of

VOLUME = table().layouts["water"].current["volume"]
FLOW = table().layouts["heat"].current["flow"]
TEMPERATURE = table().layouts["heat"].current["supply_temperature"]
amounts = st.sampled_from([part for part in table().layouts["heat"].current.values() if part.kind == "amount"])


@given(amounts, st.integers(0, 10**8 - 1), st.booleans(), st.data())
def test_an_amount_comes_back_with_its_unit(part: Part, digits: int, unit_first: bool, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(sorted(table().units[part.measures].values())))
    value = digits / 10**part.decimals
    assert value_of(part, value_bytes(part, value, unit, unit_first), unit_first) == Value(value, unit)


@given(st.integers(0, 10**6 - 1))
def test_a_number_comes_back_in_its_own_unit(hundredths: int) -> None:
    raw = value_bytes(TEMPERATURE, hundredths / 100, "")
    assert value_of(TEMPERATURE, raw) == Value(hundredths / 100, "degC")


def test_litres_and_cubic_metres_differ_by_the_unit_byte_alone() -> None:
    assert value_of(VOLUME, bytes.fromhex("4770010029")) == Value(170.47, "L")
    assert value_of(VOLUME, bytes.fromhex("477001002c")) == Value(170.47, "m3")


def test_the_flow_has_four_decimals() -> None:
    assert value_of(FLOW, bytes.fromhex("3512000035")) == Value(0.1235, "m3/h")


@pytest.mark.parametrize("raw", ["ffffffff2c", "ffffffffff"])
def test_filler_is_absent_whatever_its_unit(raw: str) -> None:
    found = value_of(VOLUME, bytes.fromhex(raw))
    assert (found.number, found.reason) == (None, "filler")


@given(st.binary(max_size=8))
def test_only_bcd_with_a_unit_of_its_kind_is_a_value(raw: bytes) -> None:
    found = value_of(VOLUME, raw)
    if len(raw) != 5:
        assert found == Value(None, reason="wrong_length")
    elif raw[:4] == b"\xff" * 4:
        assert (found.number, found.reason) == (None, "filler")
    elif not raw[:4].hex().isdecimal():
        assert (found.number, found.reason) == (None, "not_bcd")
    else:
        unit = table().units["volume"].get(f"{raw[4]:02X}")
        assert found == Value(int(raw[3::-1].hex()) / 100, unit, None if unit else "wrong_unit")


def test_a_unit_of_another_kind_is_no_unit() -> None:
    assert value_of(VOLUME, bytes.fromhex("5623010005")).reason == "wrong_unit"  # kWh of water
    assert value_of(FLOW, bytes.fromhex("562301002c")).reason == "wrong_unit"  # m3 of a flow


def test_where_no_unit_is_told_only_the_model_may_state_it() -> None:
    raw = bytes.fromhex("5623010000")
    assert value_of(VOLUME, raw) == Value(123.56, None, "wrong_unit")
    model = Part("amount", size=4, decimals=2, measures="volume", unit="m3")
    assert value_of(model, raw) == Value(123.56, "m3")
    assert value_of(model, bytes.fromhex("5623010029")) == Value(123.56, "L")


def test_a_number_without_a_unit_is_no_reading() -> None:
    volume = table().layouts["no-unit"].current["volume"]
    assert value_of(volume, bytes.fromhex("00230100")).reason == "wrong_unit"


def test_a_status_word_is_no_number() -> None:
    word = table().layouts["water-unit-first"].current["status"]
    assert value_of(word, bytes.fromhex("4021")).reason == "not_a_number"


@pytest.mark.parametrize("value", [1_000_000.0, -0.01])
def test_a_value_that_does_not_fit_is_refused(value: float) -> None:
    with pytest.raises(OverflowError):
        value_bytes(VOLUME, value, "m3")


@pytest.mark.parametrize("code", range(256))
def test_a_unit_byte_names_at_most_one_unit(code: int) -> None:
    found = unit_of(code)
    assert found is None or code_of(found[0]) == code


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))
def test_the_clock_comes_back_to_the_second(moment: datetime) -> None:
    assert local_time(time_bytes(moment)) == moment.replace(microsecond=0)


def test_a_clock_with_the_century_first_is_read_too() -> None:
    assert local_time(bytes.fromhex("20200528205824")) == datetime(2020, 5, 28, 20, 58, 24)


@pytest.mark.parametrize("raw", ["00" * 7, "ff" * 7, "60595923311220", "00000000000020", "", "2020"])
def test_what_is_no_date_is_no_time(raw: str) -> None:
    assert local_time(bytes.fromhex(raw)) is None


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        ("0000", ["valve_open", "battery_ok"]),
        ("0500", ["valve_closed", "battery_low"]),
        ("1301", ["valve_abnormal", "battery_ok", "reserved_4", "maker_0"]),
        ("0280", ["valve_undefined", "battery_ok", "maker_7"]),
        ("ffff", []),
        ("00", []),
    ],
)
def test_every_status_bit_has_a_word(raw: str, codes: list[str]) -> None:
    assert status_codes(bytes.fromhex(raw)) == codes


@pytest.mark.parametrize(
    ("raw", "bits", "value"),
    [
        ("0580", "", 5.0),
        ("0580", "0-1", 1.0),
        ("0580", "2", 1.0),
        ("0580", "8-15", 128.0),
        ("0580", "0-15", 32773.0),
        ("00ff", "8-15", None),
        ("ff00", "", None),
        ("ff00", "8-15", 0.0),
    ],
)
def test_a_state_is_some_bits_of_both_status_bytes(raw: str, bits: str, value: float | None) -> None:
    assert status_number(bytes.fromhex(raw), bits) == value
