"""What single records of M-Bus telegrams mean, above all those that decoders get wrong, and what they are called."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.quantity import quantities
from drivers.error import DeviceError
from drivers.mbus.cut import cut
from drivers.mbus.date import date_time
from drivers.mbus.link import Frame
from drivers.mbus.measure import factor, measured
from drivers.mbus.record_name import RecordName, record_of
from drivers.mbus.records import Record, known_quantities, records_of
from drivers.mbus.telegram import records, telegram_of
from drivers.reading import Quality
from drivers.sim.meter_mbus import SENT, record_bytes

HEAD = bytes.fromhex("78563412AE4C0B0401000000")


def one(text: str) -> Record:
    (record,) = records_of(cut(bytes.fromhex(text))[0])
    return record


def reply(payload: bytes, ci: int = 0x72, head: bytes = HEAD) -> Frame:
    return Frame(0x08, 1, ci, head + payload)


def test_fixed_data_can_be_signed_binary_and_of_the_fixed_date() -> None:
    payload = bytes.fromhex("78563412 0A 03 05 3F FEFFFFFF 07000000")
    first, second, _ = records([telegram_of(Frame(0x08, 1, 0x73, payload))])
    assert (str(first.name), first.value, str(second.name), second.value) == (
        "energy/storage 1",
        -2000.0,
        "dimensionless/storage 1",
        7.0,
    )
    broken = bytes.fromhex("78563412 0A 00 05 05 0000A000 07000000")
    first, second, _ = records([telegram_of(Frame(0x08, 1, 0x73, broken))])
    assert (first.value, first.reason, str(second.name)) == (None, "error_code", "energy/no 2")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0C13 560000F0", -0.056),
        ("0C2B 220000F0", -22.0),
        ("0B3B 2701F0", -0.127),
        ("0913 99", 0.099),
        ("0E13 010000000000", 0.001),
        ("0E13 0100000000F0", -0.001),
        ("015B FE", -2.0),
        ("025A FFFF", -0.1),
        ("035A FFFFFF", -0.1),
        ("0413 FFFFFF7F", 2147483.647),
        ("0606 FFFFFFFFFFFF", -1000.0),
        ("0706 0100000000000000", 1000.0),
        ("055B 0000A841", 21.0),
        ("0493 7D 01000000", 1.0),
        ("0493 74 01000000", 0.00001),
        ("04FB01 01000000", 1000000.0),
        ("04FB7B 01000000", 1.0),
        ("04FD48 01000000", 0.1),
        ("0DFD3A C2 3412", 1234.0),
        ("0DFD3A D2 3412", -1234.0),
        ("02FD17 0080", -32768.0),
    ],
)
def test_a_number_is_what_the_meter_means(text: str, value: float) -> None:
    assert one(text.replace(" ", "")).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0C13 FFFFFFFF", "error_code"),
        ("0C13 EEEEEEEE", "error_code"),
        ("0C13 00A10000", "error_code"),
        ("0A5A BBBB", "error_code"),
        ("015B 80", "no_value"),
        ("025A 0080", "no_value"),
        ("035A 000080", "no_value"),
        ("0413 00000080", "no_value"),
        ("0606 000000000080", "no_value"),
        ("055B 0000C07F", "no_value"),
        ("055B 0000807F", "not_a_number"),
        ("055B 000080FF", "not_a_number"),
        ("0013", "no_value"),
        ("0493 15 01000000", "no_value"),
        ("0493 18 01000000", "error_code"),
        ("026C FFFF", "bad_time"),
        ("026C 0000", "bad_time"),
        ("046D 9E0F5F1C", "bad_time"),
        ("046D 00000000", "bad_time"),
        ("066D 000000000000", "bad_time"),
        ("046F 01000000", "undecoded"),
    ],
)
def test_what_is_no_value_is_none_with_its_reason(text: str, reason: str) -> None:
    record = one(text.replace(" ", ""))
    assert (record.value, record.time, record.reason) == (None, None, reason)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("5F1C", datetime(2010, 12, 31)),
        ("1E0F5F1C", datetime(2010, 12, 31, 15, 30)),
        ("1E8F5F1C", datetime(2010, 12, 31, 15, 30)),
        ("1E0F4F1C", datetime(2010, 12, 15, 15, 30)),
        ("1F1E0F5F1C00", datetime(2010, 12, 31, 15, 30, 31)),
        ("5F12", None),
        ("3B195F1C", None),
    ],
)
def test_points_in_time_are_local_and_real(text: str, moment: datetime | None) -> None:
    """Day 31 is a day, summer time is no part of it, and 31 February and 25 o'clock do not exist."""
    assert date_time(bytes.fromhex(text)) == moment


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_the_same_number(value: float) -> None:
    assert one("055B" + struct.pack("<f", value).hex()).value == pytest.approx(value, rel=1e-6, abs=1e-45)


@given(st.integers(-9999999, 9999999))
def test_bcd_keeps_its_sign(number: int) -> None:
    text = f"F{-number:07d}" if number < 0 else f"{number:08d}"
    assert one("0C16" + bytes.fromhex(text)[::-1].hex()).value == float(number)


def test_fillers_are_skipped_and_a_makers_tail_ends_the_records() -> None:
    raws, rest = cut(bytes.fromhex("2F2F 041301000000 2F 0F 2F0413"))
    assert [str(r.name) for r in records_of(raws)] == ["volume", "manufacturer_specific"]
    assert rest == b""
    assert telegram_of(reply(bytes.fromhex("0413010000001F"))).is_followed
    assert not telegram_of(reply(bytes.fromhex("0413010000000F1F"))).is_followed


@given(st.binary(max_size=60))
def test_any_bytes_are_cut_without_losing_one(payload: bytes) -> None:
    """Every byte is in a record, a filler, or in the rest; and whatever they are, they are decoded or refused."""
    raws, rest = cut(payload)
    size = sum(len(raw.wire) for raw in raws)
    assert size + len(rest) <= len(payload)
    assert payload.endswith(rest)
    assert len(records_of(raws)) == len(raws)


def test_a_record_without_an_end_leaves_those_before_it() -> None:
    raws, rest = cut(bytes.fromhex("0413010000000413 0100"))
    assert (len(raws), rest.hex()) == (1, "04130100")
    assert cut(bytes.fromhex("04" + "93" * 12))[0] == []


def test_records_that_are_called_alike_are_numbered() -> None:
    raws, _ = cut(bytes.fromhex("02FD480100" * 3))
    assert [str(r.name) for r in records_of(raws)] == ["voltage", "voltage/no 2", "voltage/no 3"]


@pytest.mark.parametrize(
    "text",
    [
        "energy",
        "energy/tariff 1",
        "volume_flow/max",
        "power/error/storage 12/tariff 3/unit 2",
        "voltage/L1-L2",
        "voltage/vife FF 01",
        "energy/positive/no 2",
        "text:%RH/min",
        "text:l/h/storage 1",
        "status",
    ],
)
def test_a_name_is_the_same_after_it_was_read(text: str) -> None:
    assert str(record_of(text)) == text


def test_the_order_of_the_parts_of_a_name_does_not_matter() -> None:
    assert record_of("power/storage 1/max") == record_of("power/max/storage 1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "enrgy",
        "Energy",
        "energy/",
        "energy/tarif 1",
        "energy/tariff 0",
        "energy/tariff one",
        "energy/max/min",
        "energy/storage 1/storage 2",
        "energy/no 1",
        "energy/vife XX",
        "text:",
        "date_time",
        "more_records_follow",
        "reserved",
    ],
)
def test_what_no_record_can_be_called_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        record_of(text)


quantity_names = st.sampled_from(sorted(known_quantities()))
names = st.builds(
    RecordName,
    quantity_names,
    st.sampled_from(["now", "max", "min", "error"]),
    st.integers(0, 2**41),
    st.integers(0, 2**20),
    st.integers(0, 2**10),
    st.lists(st.sampled_from(["L1", "positive", "vife 20", "vife FF 01 02"]), max_size=2, unique=True).map(tuple),
    st.integers(1, 9),
)


@given(names)
def test_every_name_reads_back(name: RecordName) -> None:
    assert record_of(str(name)) == name


@given(
    st.sampled_from(sorted(set(SENT) - {"error_flags"})),
    st.sampled_from(["now", "max", "min", "error"]),
    st.integers(0, 2**20),
    st.integers(0, 2**10),
    st.integers(0, 2**5),
)
def test_storage_tariff_and_unit_are_where_the_extensions_put_them(
    quantity: str, function: str, storage: int, tariff: int, unit: int
) -> None:
    name = RecordName(quantity, function, storage, tariff, unit)
    measures = {"energy": "heat_energy", "volume": "water_volume", "power": "power", "volume_flow": "water_flow"}
    kind = measures.get(quantity, quantity if quantity in quantities() else "temperature")
    assert one(record_bytes(name, kind, 0.0).hex()).name == name


@pytest.mark.parametrize(
    ("unit", "quantity", "value"),
    [
        ("Wh", "heat_energy", 0.0036),
        ("J", "heat_energy", 1e-6),
        ("Wh", "energy_import", 0.001),
        ("J", "energy_import", 0.001 / 3600),
        ("J/h", "heat_power", 0.001 / 3600),
        ("W", "power", 0.001),
        ("m3/min", "water_flow", 60.0),
        ("m3/s", "water_flow", 3600.0),
        ("bar", "pressure", 100.0),
        ("degC", "temperature", 1.0),
        (None, "fault_code", 1.0),
    ],
)
def test_a_unit_of_the_telegram_is_converted(unit: str | None, quantity: str, value: float) -> None:
    assert factor(unit, quantities()[quantity]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("unit", "quantity"), [("m3", "heat_energy"), ("K", "temperature"), ("kg/h", "water_flow"), (None, "power")]
)
def test_a_unit_that_does_not_measure_the_quantity_is_refused(unit: str | None, quantity: str) -> None:
    assert factor(unit, quantities()[quantity]) is None
    record = Record(RecordName("energy"), unit=unit, value=1.0)
    assert measured(record.name, quantities()[quantity], [record], []) == (None, Quality.BAD, "wrong_unit")


def test_the_status_byte_puts_a_doubt_on_values_or_takes_them_away() -> None:
    record = Record(RecordName("energy"), unit="Wh", value=1000.0)
    heat = quantities()["heat_energy"]

    def judged(*status: str) -> tuple[float | None, Quality, str | None]:
        return measured(record.name, heat, [record], status)

    assert judged() == (3.6, Quality.GOOD, None)
    assert judged("alarm") == (3.6, Quality.GOOD, None)
    for doubt in ("permanent_error", "temporary_error", "low_power"):
        assert judged(doubt) == (3.6, Quality.UNCERTAIN, doubt)
    assert judged("busy", "low_power") == (None, Quality.BAD, "busy")
    assert judged("application_error") == (None, Quality.BAD, "device_error")


def test_a_value_of_the_error_state_is_not_taken_for_the_present_one() -> None:
    failed = Record(RecordName("power", "error"), unit="W", value=0.0)
    power = quantities()["heat_power"]
    assert measured(RecordName("power"), power, [failed], []) == (None, Quality.BAD, "error_state")
    assert measured(RecordName("energy"), power, [failed], []) == (None, Quality.ABSENT, "no_record")


@pytest.mark.parametrize("mode", [1, 5, 7, 13])
def test_an_encrypted_telegram_is_refused(mode: int) -> None:
    head = HEAD[:10] + bytes([0x10, mode])
    with pytest.raises(DeviceError, match="encrypted"):
        telegram_of(reply(bytes.fromhex("041301000000"), head=head))
    assert telegram_of(reply(bytes.fromhex("2F2F041301000000"), head=head)).raws


@pytest.mark.parametrize(
    ("payload", "reason"), [("", "device_error"), ("00", "device_error"), ("08", "busy"), ("99", "device_error")]
)
def test_an_application_error_of_the_meter_is_one(payload: str, reason: str) -> None:
    with pytest.raises(DeviceError, match=reason):
        telegram_of(Frame(0x08, 1, 0x70, bytes.fromhex(payload)))


@pytest.mark.parametrize(("ci", "size"), [(0x72, 11), (0x73, 15), (0x7A, 3), (0x76, 0)])
def test_a_head_that_is_cut_off_is_refused(ci: int, size: int) -> None:
    with pytest.raises(DeviceError, match="wrong_length"):
        telegram_of(Frame(0x08, 1, ci, bytes(size)))
    with pytest.raises(DeviceError, match="unknown_reply"):
        telegram_of(Frame(0x08, 1, 0x60, bytes(size)))


def test_heads_of_every_kind_lead_to_the_same_record() -> None:
    low, high = bytes.fromhex("041340420F00"), bytes.fromhex("0413000F4240")
    turned = HEAD[3::-1] + HEAD[5:3:-1] + HEAD[6:]
    for frame in (reply(low), reply(low, 0x78, b""), reply(low, 0x7A, HEAD[8:]), reply(high, 0x76, turned)):
        telegram = telegram_of(frame)
        (record,) = records_of(list(telegram.raws))
        assert (str(record.name), record.value) == ("volume", 1000.0)
        if telegram.header.secondary is not None:
            assert str(telegram.header.secondary) == "12345678AE4C0B04"
