"""The table of data items: every line can be true, every identifier has one meaning, blocks know their places."""

from __future__ import annotations

import re

import pytest

from configs import FOLDER
from configs.load import load
from drivers.dlt645.order import BOTH, PERIODS, RELAY_ORDERS
from drivers.dlt645.table import Entry, block_of, known, table
from drivers.dlt645.words import ERRORS_1997, ERRORS_2007, FUNCTIONS_1997, FUNCTIONS_2007

LISTED = [(digits, entry) for digits in (8, 4) for entry in table().entries(digits)]


def example(entry: Entry, place: int = 0) -> str:
    """An identifier of the entry with the first index of every axis."""
    axes = table().axes
    return re.sub(r"([a-z])\1*", lambda m: f"{axes[m[1]].first:0{len(m[0])}X}", entry.di[place])


@pytest.mark.parametrize(("digits", "entry"), LISTED, ids=lambda x: x.di[0] if isinstance(x, Entry) else "")
def test_every_line_of_the_table_can_be_true(digits: int, entry: Entry) -> None:
    assert all(len(di) == digits and re.fullmatch(r"[0-9A-Fa-z]+", di) for di in entry.di)
    assert entry.source in table().sources
    assert entry.decimals < 2 * entry.bytes or not entry.bytes
    assert bool(entry.bytes) == (entry.format not in ("record", "periods", "zones", "secret", "unread"))
    assert bool(entry.parts) == (entry.format == "record")
    assert {entry.whole, entry.each, entry.along} <= {"", *table().axes}
    for datum in entry.data():
        assert datum.bytes
        assert datum.title.zh
        assert datum.title.en
    assert set(re.findall("[a-z]", "".join(entry.di))) <= set(table().axes)
    assert len(entry.di) == 1 or entry.along in table().axes
    assert (entry.format == "bits") == bool(entry.bits)
    assert entry.title.zh
    assert entry.title.en
    for place in range(len(entry.di)):
        found = known(example(entry, place))
        assert found is not None
        assert found.entry is entry


@pytest.mark.parametrize(
    ("di", "size"),
    [
        ("03010000", 18), ("03050000", 6), ("03050001", 15), ("03110001", 12), ("03120000", 18), ("03300001", 50),
        ("03300401", 16), ("03300D01", 60), ("03100000", 27), ("040005FF", 14),
    ],
)  # fmt: skip
def test_a_record_is_as_long_as_its_source_says(di: str, size: int) -> None:
    found = known(di)
    assert found is not None
    assert sum(datum.size for datum in found.entry.data()) == size


@pytest.mark.parametrize(
    ("di", "zh"),
    [
        ("05060001", "冻结时间（日冻结，上 1 次）"), ("05060101", "正向有功电能（日冻结，上 1 次，总及各费率）"),
        ("03300D00", "总次数（开表盖）"), ("1D000001", "跳闸次数"), ("19010001", "总次数（过流，A 相）"),
        ("061001FF", "电压曲线（各相）"), ("04000C01", "密码（第 1 个）"), ("C331", "日时段表（第 1 张，第 1 时段）"),
        ("C021", "电网状态字"), ("B310", "断相次数（总）"), ("04010001", "日时段表（第 1 套，第 1 张）"),
    ],
)  # fmt: skip
def test_what_meters_send_beside_energy_has_a_name(di: str, zh: str) -> None:
    found = known(di)
    assert found is not None
    assert found.title.zh == zh


def test_what_no_source_reads_as_a_block_is_not_asked_for_as_one() -> None:
    assert {di: block_of(di) for di in ("B310", "19010001", "03100100", "05060101")} == dict.fromkeys(
        ("B310", "19010001", "03100100", "05060101")
    )


def test_no_two_lines_claim_one_identifier() -> None:
    first = [example(entry, place) for _, entry in LISTED for place in range(len(entry.di))]
    assert len(set(first)) == len(first)


def test_the_table_is_complete_where_the_standard_is() -> None:
    for di in ("00000000", "00013F0C", "00028000", "000AFF01", "01010000", "0101FF0C", "02030300", "0280000A"):
        assert (known(di) is None) == (di == "00028000")
    for di in ("9010", "901E", "982F", "9950", "A010", "B96E", "B61F", "B633", "B653", "C010", "C034", "C211"):
        assert known(di) is not None
    assert known("FFFFFFFF") is None
    assert known("B644") is None
    assert known("") is None


@pytest.mark.parametrize(
    ("di", "signed"),
    [
        ("00000000", True), ("00010000", False), ("00020300", False), ("00030000", True), ("00050000", False),
        ("02010100", False), ("02020100", True), ("02030000", True), ("02060000", True), ("02070100", False),
        ("02800002", False), ("02800007", True), ("9010", False), ("B630", True), ("B621", False),
    ],
)  # fmt: skip
def test_whether_the_top_bit_is_a_sign_is_said_for_each_item(di: str, signed: bool) -> None:
    found = known(di)
    assert found is not None
    assert found.entry.signed == signed


@pytest.mark.parametrize(
    ("di", "block", "place"),
    [
        ("00010000", "0001FF00", 0), ("00010400", "0001FF00", 4), ("00010203", "0001FF03", 2),
        ("02010100", "0201FF00", 0), ("02010300", "0201FF00", 2), ("02030300", "0203FF00", 3),
        ("01010000", "0101FF00", 0), ("9010", "901F", 0), ("9414", "941F", 4), ("B613", "B61F", 2), ("B630", "B63F", 0),
    ],
)  # fmt: skip
def test_a_value_knows_its_block_and_its_place(di: str, block: str, place: int) -> None:
    found = block_of(di)
    assert found is not None
    assert (found.di, found.place) == (block, place)


@pytest.mark.parametrize("di", ["B634", "04000401", "00150000", "0001FF00", "000100FF", "0001FFFF", "12345678"])
def test_what_has_no_block_of_tariffs_or_phases_has_none(di: str) -> None:
    assert block_of(di) is None


@pytest.mark.parametrize(
    ("di", "length", "fits"),
    [
        ("0201FF00", 6, True), ("0201FF00", 4, False), ("0201FF00", 8, False), ("0203FF00", 9, False),
        ("0203FF00", 12, True), ("0001FF00", 4, True), ("0001FF00", 20, True), ("0001FF00", 21, False),
        ("0001FF00", 256, True), ("0001FF00", 260, False), ("0001FF00", 0, False), ("901F", 20, True),
    ],
)  # fmt: skip
def test_a_block_of_phases_is_whole_and_one_of_tariffs_as_long_as_the_meter_has_them(
    di: str, length: int, fits: bool
) -> None:
    found = known(di)
    assert found is not None
    assert found.fits(length) == fits


def test_titles_name_tariff_phase_and_settlement_in_both_languages() -> None:
    titles = [known(di) for di in ("00010302", "0203FF00", "9420", "02010200")]
    assert [t and (t.title.zh, t.title.en) for t in titles] == [
        ("正向有功电能（费率 3，上 2 结算日）", "Forward active energy (tariff 3, settlement 2 ago)"),
        ("瞬时有功功率（总及各相）", "Active power (total and phases)"),
        ("反向有功电能（上 1 结算日，总）", "Reverse active energy (settlement 1 ago, total)"),
        ("电压（B 相）", "Voltage (phase B)"),
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_status_bit_and_function_has_words(language: str) -> None:
    texts = load(FOLDER / "texts" / f"{language}.yaml", dict[str, str]).value
    codes = {code for _, entry in LISTED for code in entry.bits.values()}
    codes |= {*RELAY_ORDERS.values(), *PERIODS, *BOTH, "authentication", "spare_bytes", "unproven"}
    codes |= {*FUNCTIONS_2007.values(), *FUNCTIONS_1997.values(), *ERRORS_2007, *filter(None, ERRORS_1997)}
    assert {code for code in codes if f"decode.bit.{code}" not in texts} == set()
