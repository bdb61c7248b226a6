"""Registers to numbers: every type in every order, scales, bit fields, sentinels, and what cannot be a value."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.error import DeviceError
from drivers.modbus.value import FLOAT32, FORMATS, Coding, number, registers, shortest, text, width
from drivers.profile import Item

ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [*FORMATS, "bcd16", "bcd32", "mod1k32", "mod10k32", "mod10k48", "mod10k64"])
def test_every_type_in_every_order_comes_back(kind: str, order: str) -> None:
    item = Item("count", type=kind, order=order, scale=0.5, offset=3.0)  # type: ignore[arg-type]
    value = -1021.5 if kind[0] in "if" else 1021.5
    raw = registers(value, item)
    assert len(raw) == 2 * width(item)
    assert number(raw, item) == value


@pytest.mark.parametrize(
    ("kind", "order", "raw", "value"),
    [
        ("float32", "ABCD", "3f800000", 1.0),
        ("float32", "CDAB", "00003f80", 1.0),
        ("float32", "BADC", "803f0000", 1.0),
        ("float32", "DCBA", "0000803f", 1.0),
        ("uint32", "CDAB", "11700001", 70000.0),
        ("uint64", "CDAB", "4444333322221111", float(0x1111222233334444)),
        ("uint64", "BADC", "1122334455667788", float(0x2211443366558877)),
        ("int64", "DCBA", "feffffffffffffff", -2.0),
        ("float64", "ABCD", "3ff8000000000000", 1.5),
        ("uint16", "BADC", "3412", float(0x1234)),
        ("bcd16", "ABCD", "1234", 1234.0),
        ("bcd32", "CDAB", "56781234", 12345678.0),
        ("mod10k32", "ABCD", "000104d2", 11234.0),
        ("mod10k64", "CDAB", "11d7007b00000000", 1234567.0),  # the example of Schneider Electric FAQ FA146443
        ("mod1k32", "CDAB", "03e70002", 2999.0),
        ("mod10k32", "ABCD", "fffffffe", -10002.0),
    ],
)
def test_a_type_in_an_order_stands_as_it_is_named(kind: str, order: str, raw: str, value: float) -> None:
    assert number(bytes.fromhex(raw), Item("count", type=kind, order=order)) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_nan_is_no_value_and_infinity_no_number(kind: str) -> None:
    item = Item("count", type=kind)  # type: ignore[arg-type]
    assert number(struct.pack(">" + FORMATS[kind], math.nan), item) is None
    for value in (math.inf, -math.inf):
        with pytest.raises(DeviceError, match="not_a_number"):
            number(struct.pack(">" + FORMATS[kind], value), item)


@pytest.mark.parametrize(
    ("item", "raw", "value"),
    [
        (Item("temperature", type="int16", absent=[-32768], scale=0.1), "8000", None),
        (Item("temperature", type="int16", absent=[32768], scale=0.1), "8000", None),
        (Item("temperature", type="int16", absent=[32768]), "8001", -32767.0),
        (Item("temperature", type="int32", absent=[0x7FFFFFFF], order="CDAB"), "ffff7fff", None),
        (Item("temperature", type="float32", absent=[-9999]), "c61c3c00", None),
        (Item("count", type="bcd16", absent=[0xFFFF]), "ffff", None),  # a filler that is no BCD
        (Item("count", absent=[0]), "0000", None),
        (Item("count", bits="8-15", absent=[255]), "ff03", None),
        (Item("count", bits="0-7", absent=[255]), "ff03", 3.0),
        (Item("count", bits="8-15", absent=[65535]), "ffff", None),
        (Item("count", bits="8-15", absent=[3]), "0003", 0.0),  # of the field, not of the register
    ],
)
def test_a_value_that_means_no_sensor_is_absent_as_sent_and_as_signed(
    item: Item, raw: str, value: float | None
) -> None:
    assert number(bytes.fromhex(raw), item) == value


@pytest.mark.parametrize(
    ("bits", "kind", "raw", "value"),
    [
        ("3", "uint16", "0008", 1.0),
        ("0", "uint16", "fffe", 0.0),
        ("8-15", "int16", "ff12", 255.0),
        ("4-7", "uint16", "00a0", 10.0),
        ("31", "uint32", "80000000", 1.0),
        ("0-15", "uint32", "12345678", float(0x5678)),
    ],
)
def test_a_bit_field_is_what_its_bits_say(bits: str, kind: str, raw: str, value: float) -> None:
    assert number(bytes.fromhex(raw), Item("device_state", bits=bits, type=kind)) == value  # type: ignore[arg-type]


def test_a_bit_field_keeps_its_scale_and_offset() -> None:
    assert number(b"\x64\x00", Item("temperature", bits="8-15", scale=0.5, offset=-20.0)) == 30.0


@pytest.mark.parametrize("raw", ["12a4", "a000"])
def test_a_digit_that_is_none_is_no_value(raw: str) -> None:
    with pytest.raises(DeviceError, match="not_bcd"):
        number(bytes.fromhex(raw), Item("count", type="bcd16"))


@pytest.mark.parametrize(("kind", "raw"), [("mod10k32", "00002710"), ("mod1k32", "000103e8")])
def test_a_register_of_digits_that_holds_more_is_no_value(kind: str, raw: str) -> None:
    with pytest.raises(DeviceError, match="bad_digits"):
        number(bytes.fromhex(raw), Item("count", type=kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", ["80008000", "00008000", "80000000"])
def test_a_pair_of_thousands_and_ones_that_is_not_there_is_no_value(raw: str) -> None:
    assert number(bytes.fromhex(raw), Item("heat_energy", type="mod1k32", order="CDAB")) is None


@pytest.mark.parametrize(
    ("wire", "value"),
    [("43663333", 230.2), ("42c80000", 100.0), ("3dcccccd", 0.1), ("4ceb79a3", 123456792.0), ("c2f6e979", -123.456)],
)
def test_a_float32_is_the_shortest_decimal_that_reads_back(wire: str, value: float) -> None:
    assert number(bytes.fromhex(wire), Item("voltage", type="float32")) == value


@given(st.floats(width=32))
def test_no_float32_becomes_another_one(value: float) -> None:
    assert math.isnan(value) or FLOAT32.pack(shortest(value)) == FLOAT32.pack(value)


@given(st.integers(-999_999, 999_999), st.integers(0, 6))
def test_every_decimal_of_six_digits_survives_a_float32(digits: int, places: int) -> None:
    value = digits / 10**places
    assert shortest(FLOAT32.unpack(FLOAT32.pack(value))[0]) == value


@given(st.integers(-32768, 32767), st.sampled_from([0.1, 0.01, 0.001, 10.0]), st.sampled_from([1.0, 0.001, 1000.0]))
def test_a_scale_leaves_no_dust(raw: int, scale: float, factor: float) -> None:
    """2302 with 0.1 is 230.2; multiplied it would be 230.20000000000002."""
    found = Coding(Item("voltage", type="int16", scale=scale), factor).value(raw.to_bytes(2, "big", signed=True), 0)
    assert found is not None
    assert len(repr(found).replace("-", "").replace(".", "").strip("0").split("e")[0]) <= 5


def test_a_text_ends_where_its_filling_begins() -> None:
    assert text(b"KOSTAL\0\0\0\0") == "KOSTAL"
    assert text(b"  SDM630 V2    ") == "SDM630 V2"
    assert text(b"OKTSLA\0\0", "BADC") == "KOSTAL"
    assert text(b"\xff\xff") == "\ufffd\ufffd"
