"""Every VIF scales every type of data alike: the tables of libmbus against what records make of them.

SCALES is vif_table of rscada/libmbus, mbus/mbus-protocol-aux.c, where it says a unit; units of time
stay as the meter has them, of which libmbus makes seconds.
"""

from __future__ import annotations

import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mbus.cut import cut
from drivers.mbus.link import Decoder, Frame
from drivers.mbus.records import Record, records_of
from drivers.mbus.telegram import records, telegram_of

# First VIF, how many, unit, power of ten of the first; each next is ten times as much.
SCALES = [
    ("00", 8, "Wh", -3),
    ("08", 8, "J", 0),
    ("10", 8, "m3", -6),
    ("18", 8, "kg", -3),
    ("28", 8, "W", -3),
    ("30", 8, "J/h", 0),
    ("38", 8, "m3/h", -6),
    ("40", 8, "m3/min", -7),
    ("48", 8, "m3/s", -9),
    ("50", 8, "kg/h", -3),
    ("58", 4, "degC", -3),
    ("5C", 4, "degC", -3),
    ("60", 4, "K", -3),
    ("64", 4, "degC", -3),
    ("68", 4, "bar", -3),
    ("6E", 1, None, 0),
    ("78", 1, None, 0),
    ("7F", 1, None, 0),
    ("FD00", 4, "$ (local)", -3),
    ("FD04", 4, "$ (local)", -3),
    ("FD3A", 1, None, 0),
    ("FD40", 16, "V", -9),
    ("FD50", 16, "A", -12),
    ("FB00", 2, "Wh", 5),
    ("FB08", 2, "J", 8),
    ("FB10", 2, "m3", 2),
    ("FB18", 2, "t", 2),
    ("FB21", 1, "[ft_i]3", -1),
    ("FB22", 1, "[gal_us]", -1),
    ("FB24", 1, "[gal_us]/min", -3),
    ("FB25", 1, "[gal_us]/min", 0),
    ("FB26", 1, "[gal_us]/h", 0),
    ("FB28", 2, "W", 5),
    ("FB30", 2, "J/h", 8),
    ("FB58", 4, "degF", -3),
    ("FB5C", 4, "degF", -3),
    ("FB60", 4, "degF", -3),
    ("FB64", 4, "degF", -3),
    ("FB70", 4, "degF", -3),
    ("FB74", 4, "degC", -3),
    ("FB78", 8, "W", -3),
    # Of EN 13757-3, where libmbus says that they are reserved: open decoders agree.
    ("FB02", 2, "varh", 3),
    ("FB14", 4, "var", 0),
    ("FB1A", 2, "%", -1),
    ("FB2C", 4, "Hz", -3),
]
TIMES = [
    ("20", "s min h d"),
    ("24", "s min h d"),
    ("70", "s min h d"),
    ("74", "s min h d"),
    ("FD24", "s min h d mo a"),
    ("FD2C", "s min h d"),
    ("FD31", "min h d"),
    ("FD34", "s min h d mo a"),
    ("FD3C", "s min h d"),
    ("FD68", "h d mo a"),
    ("FD6C", "h d mo a"),
]
# DIF and data, and the number that they are: integers, float, BCD, variable BCD of both signs, variable binary.
NUMBERS = [
    ("01 C8", -56),
    ("02 D204", 1234),
    ("03 D20400", 1234),
    ("04 2EFBFFFF", -1234),
    ("06 D20400000000", 1234),
    ("07 D204000000000000", 1234),
    ("05 00004841", 12.5),
    ("05 00409AC4", -1234),
    ("09 56", 56),
    ("0A 3412", 1234),
    ("0B 3412F0", -1234),  # the F takes the place of the highest digit
    ("0C 34120000", 1234),
    ("0E 341200000000", 1234),
    ("0D C23412", 1234),
    ("0D D23412", -1234),
    ("0D E2D204", 1234),
    ("0D E42EFBFFFF", -1234),
]
MORE = 0x80  # of a VIF: an extension follows
NEMO = """684B4B6808657209760600A5251D020100000005FDD9FF0100F4174805FDD9FF0200B8084805FDD9FF0300B0014805FDC8FF0100C0
104505FDC8FF020040114505FDC8FF03005011451F00000000000716"""
EDC = """68AEAE682801729508121183140204170000008400863B230000008400863CD10100008440863B000000008440863C0000000085005B
2B4BAC4185005F20D7AC4185405B0000B84285405F0000B84285003B8400353F85403B0000000095003B95CFB24395403B0000000085002B0000000
085402B0000000095002BD39F904695402B00000000046D190F8A1784007C0143F30D000084407C01439D01000084007C01630100000084407C0163
010000000F2F16"""


def one(text: str) -> Record:
    (record,) = records_of(cut(bytes.fromhex(text))[0])
    return record


def coded(number: str, vif: str, extensions: str = "") -> Record:
    dif, _, data = number.partition(" ")
    if extensions:
        vif = vif[:-2] + f"{int(vif[-2:], 16) | MORE:02X}"
    return one(dif + vif + extensions + data)


def said(text: str) -> dict[str, Record]:
    (frame,) = Decoder().feed(bytes.fromhex("".join(text.split())))
    assert isinstance(frame, Frame)
    return {str(record.name): record for record in records([telegram_of(frame)])}


def vifs() -> list[tuple[str, str | None, Decimal]]:
    """Every VIF of the tables with its unit and size."""
    sizes = [(first, n, unit, Decimal(10) ** (power + n)) for first, count, unit, power in SCALES for n in range(count)]
    sizes += [(first, n, unit, Decimal(1)) for first, units in TIMES for n, unit in enumerate(units.split())]
    return [(f"{int(first, 16) + n:0{len(first)}X}", unit, size) for first, n, unit, size in sizes]


@pytest.mark.parametrize(("vif", "unit", "size"), vifs())
def test_a_number_of_any_type_is_scaled_by_its_vif(vif: str, unit: str | None, size: Decimal) -> None:
    for number, value in NUMBERS:
        record = coded(number, vif)
        assert record.value == pytest.approx(float(Decimal(value) * size), rel=1e-12), number
        assert record.unit == unit


@pytest.mark.parametrize("number", NUMBERS, ids=lambda pair: pair[0])
@pytest.mark.parametrize("vif", ["13", "FD48", "FB00"])
def test_a_correction_counts_for_every_type_of_data(number: tuple[str, float], vif: str) -> None:
    """EN 13757-3, orthogonal VIFEs: factors of ten, the factor of a thousand, addends."""
    written, value = number
    size = {"13": Decimal("0.001"), "FD48": Decimal("0.1"), "FB00": Decimal(10) ** 5}[vif]
    for n in range(8):
        expected = Decimal(value) * size * Decimal(10) ** (n - 6)
        assert coded(written, vif, f"7{n}").value == pytest.approx(float(expected), rel=1e-12)
    assert coded(written, vif, "7D").value == pytest.approx(float(Decimal(value) * size * 1000), rel=1e-12)
    for n in range(4):
        expected = Decimal(value) * size + Decimal(10) ** (n - 3)
        assert coded(written, vif, f"{0x78 + n:X}").value == pytest.approx(float(expected), rel=1e-12)
    assert coded(written, vif, "BB74").value == pytest.approx(float(Decimal(value) * size / 100), rel=1e-12)


@pytest.mark.parametrize("vif", ["ABFF74", "ABFF78", "ABFF7D", "ABFC74", "ABFC78", "FF74", "FF78"])
def test_codes_of_the_maker_or_of_another_table_are_no_corrections(vif: str) -> None:
    assert one("04" + vif + "02000000").value == 2.0
    assert one("05" + vif + "00000040").value == 2.0


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(0, 15))
def test_a_float_keeps_its_digits(value: float, n: int) -> None:
    record = one(f"05FD{0x40 + n:02X}" + struct.pack("<f", value).hex())
    assert record.value == pytest.approx(value * 10.0 ** (n - 9), rel=1e-12, abs=0.0)


def test_a_meter_of_floats_gives_amperes_and_volts() -> None:
    """wmbusmeters, src/driver_nemo.cc, telegram 2 of its test, with the values beside it."""
    found = said(NEMO)
    assert [found[f"current/vife FF 0{n}"].value for n in (1, 2, 3)] == [155.6, 140.0, 132.8]
    assert [found[f"voltage/vife FF 0{n}"].value for n in (1, 2, 3)] == [231.6, 232.4, 232.5]


def test_a_heat_meter_of_floats_gives_cubic_metres() -> None:
    """libmbus, test/test-frames/EDC.hex and EDC.norm.xml."""
    found = said(EDC)
    assert found["volume_flow"].value == pytest.approx(0.000707, abs=5e-7)
    assert found["volume_flow/max"].value == pytest.approx(0.357622, abs=5e-7)
    assert found["flow_temperature"].value == pytest.approx(21.536703, abs=5e-7)
    assert found["power/max"].value == pytest.approx(18511.912, abs=5e-4)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0D7C025750F096075B2A27A693013DB51AB3DCD13E17", "17 3E D1 DC B3 1A B5 3D 01 93 A6 27 2A 5B 07 96"),
        ("0DFD0FE9010203040506070809", "09 08 07 06 05 04 03 02 01"),
        ("0D7803313233", "321"),
    ],
)
def test_what_is_no_measured_value_is_text_and_no_number(text: str, written: str) -> None:
    """The first is libmbus, test/test-frames/example_binary16_lvar.hex."""
    assert (one(text).value, one(text).text, one(text).reason) == (None, written, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0D13C2A412", "error_code"),
        ("0D13C0", "no_value"),
        ("0D13E0", "no_value"),
        ("0D13E20080", "no_value"),
        ("0D13CA00000000000000000001", "undecoded"),
        ("0D6CE25F1C", "bad_time"),
        ("056D00004841", "bad_time"),
    ],
)
def test_variable_data_without_a_number_say_why(text: str, reason: str) -> None:
    assert (one(text).value, one(text).text, one(text).reason) == (None, None, reason)


def test_a_point_in_time_of_a_tariff_is_one() -> None:
    assert str(one("04FD301E0F5F1C").time) == "2010-12-31 15:30:00"


def test_signal_strength_has_no_unit_that_decoders_agree_on() -> None:
    """pyMeterBus makes -70 dBm of 1E (tests/test_weptech.py), others 30 dBm."""
    assert (str(one("01FD711E").name), one("01FD711E").value, one("01FD711E").unit) == ("rf_power_level", 30.0, None)
