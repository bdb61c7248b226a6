"""Captured Modbus bytes explained: both sides, all functions, noise, hints, and what is wrong with a frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.explained import Explained, Hints
from drivers.modbus import rtu, tcp
from drivers.modbus.explain import explain_rtu, explain_tcp

ASKED = "0104200000027a0b"
ANSWERED = "010404436633341b38"
FOUND = {"registers": [17254, 13108], "float32_abcd": [230.2]}


def framed(unit: int, pdu: str) -> bytes:
    return rtu.encode(rtu.Frame(unit, bytes.fromhex(pdu)))


def over_tcp(transaction: int, unit: int, pdu: str) -> bytes:
    return tcp.encode(tcp.Frame(transaction, unit, bytes.fromhex(pdu)))


def only(found: list[Explained]) -> Explained:
    (said,) = found
    return said


def part(said: Explained, wanted: dict[str, object]) -> dict[str, object]:
    return {name: said.fields.get(name) for name in wanted}


# What other masters and devices say: PDU, direction, fields.
SAID = [
    ("0104000002", "request", {"fc": 1, "addr": 0x0400, "count": 2, "function": "read_coils"}),
    ("0300000010", "request", {"fc": 3, "addr": 0, "count": 16}),
    ("0102cd6b", "reply", {"bits": [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0]}),
    ("0306ae4156524340", "reply", {"registers": [44609, 22098, 17216], "float32_abcd": None}),
    ("030400000000", "reply", {"registers": [0, 0], "float32_abcd": [0.0]}),
    ("030433334366", "reply", {"float32_abcd": None, "float32_cdab": [230.2]}),
    ("03047fc00000", "reply", {"float32_abcd": None}),
    ("03087fc0000043663333", "reply", {"float32_abcd": [None, 230.2]}),
    ("8302", "reply", {"fc": 3, "exception": 2, "exception_word": "illegal_address"}),
    ("900b", "reply", {"fc": 16, "exception": 11, "exception_word": "gateway_no_reply"}),
    ("0500acff00", "request", {"fc": 5, "addr": 0xAC, "bits": [1], "writes": True}),
    ("0600010003", "request", {"fc": 6, "addr": 1, "registers": [3], "writes": True}),
    ("0f0013000a02cd01", "request", {"addr": 19, "count": 10, "bits": [1, 0, 1, 1, 0, 0, 1, 1, 1, 0], "writes": True}),
    ("10000100020400010203", "request", {"addr": 1, "count": 2, "registers": [1, 0x0203], "writes": True}),
    ("1000010002", "reply", {"fc": 16, "addr": 1, "count": 2, "writes": True}),
    ("16000400f20025", "request", {"fc": 22, "addr": 4, "and_mask": 0xF2, "or_mask": 0x25}),
    (
        "1700030006000e00030600ff00ff00ff",
        "request",
        {"addr": 3, "count": 6, "write_addr": 14, "write_registers": [255] * 3},
    ),
    ("170400fe0acd", "reply", {"fc": 23, "registers": [254, 2765]}),
    ("2b0e0100", "request", {"fc": 43, "function": "device_identification"}),
    (
        "2b0e01010000020003416263010178",
        "reply",
        {"vendor": "Abc", "product_code": "x", "conformity": "01", "more_follows": False, "next_object": None},
    ),
    # github.com/wlcrs/huawei_solar, issue 1154: seven objects announced, one here, the next is 88H.
    ("2b0e0303ff8807870106", "reply", {"object_87": "06", "more_follows": True, "next_object": "88"}),
]


@pytest.mark.parametrize(("pdu", "direction", "fields"), SAID)
@pytest.mark.parametrize("over", ["rtu", "tcp"])
def test_both_sides_and_the_functions_of_others_are_told_apart(
    pdu: str, direction: str, fields: dict[str, object], over: str
) -> None:
    said = only(explain_rtu(framed(9, pdu), Hints()) if over == "rtu" else explain_tcp(over_tcp(5, 9, pdu), Hints()))
    assert (said.protocol, said.valid, said.address) == (f"modbus-{over}", True, "9")
    assert said.control == pdu[:2].upper()
    assert (said.fields["unit"], said.fields["direction"]) == (9, direction)
    assert said.fields.get("transaction") == (5 if over == "tcp" else None)
    assert part(said, fields) == fields


def test_a_request_and_its_reply_in_one_capture_give_the_registers_their_addresses() -> None:
    asked, answered = explain_rtu(bytes.fromhex(ASKED + ANSWERED), Hints())
    assert (asked.fields["addr"], asked.fields["count"]) == (0x2000, 2)
    assert part(answered, FOUND) == FOUND
    assert answered.fields["by_address"] == {"8192": 17254, "8193": 13108}
    assert answered.fields["answers_request"] is True


def test_a_hint_gives_the_registers_their_addresses() -> None:
    for hints in (Hints(request=bytes.fromhex(ASKED)), Hints(base=0x2000)):
        assert only(explain_rtu(bytes.fromhex(ANSWERED), hints)).fields["addr"] == 0x2000
    other = only(explain_rtu(bytes.fromhex(ANSWERED), Hints(request=rtu.read_request(1, 4, 0, 9))))
    assert other.fields["answers_request"] is False
    assert "by_address" not in other.fields


def test_a_frame_that_may_be_both_is_what_the_hint_says() -> None:
    """17 coils from 0300H: the question is a sound reply to itself."""
    asked = rtu.read_request(1, 1, 0x0300, 17)
    assert only(explain_rtu(asked, Hints())).fields["direction"] == "request"
    assert only(explain_rtu(asked, Hints(request=asked))).fields["direction"] == "request"
    reply = framed(1, "0103000012")
    found = only(explain_rtu(reply, Hints(request=asked)))
    assert (found.fields["direction"], len(found.fields["bits"])) == ("reply", 17)


def test_writes_and_their_replies_that_look_the_same_take_turns() -> None:
    found = explain_rtu(framed(1, "0600010003") * 4, Hints())
    assert [said.fields["direction"] for said in found] == ["request", "reply"] * 2


def test_glitch_bytes_around_a_captured_reply_hide_nothing() -> None:
    """Every reply of a captured bench is wrapped in 00."""
    said = only(explain_rtu(bytes.fromhex("0001040443696978106e00"), Hints()))
    assert part(said, {"unit": 1, "registers": 0}) == {"unit": 1, "registers": [17257, 27000]}
    assert said.fields["float32_abcd"] == pytest.approx([233.412])


@given(
    st.lists(st.sampled_from([p for p, _, _ in SAID]), min_size=1, max_size=4), st.sampled_from([b"", b"\0", b"\xff"])
)
def test_frames_with_glitches_between_them_are_all_found(pdus: list[str], glitch: bytes) -> None:
    raw = glitch + b"".join(framed(9, pdu) + glitch for pdu in pdus)
    assert [said.control for said in explain_rtu(raw, Hints())] == [pdu[:2].upper() for pdu in pdus]


@given(st.integers(0, 8 * 9 - 1))
def test_a_flipped_bit_leaves_no_value(bit: int) -> None:
    raw = bytearray(bytes.fromhex(ANSWERED))
    raw[bit // 8] ^= 1 << bit % 8
    for said in explain_rtu(bytes(raw), Hints()):
        assert not said.valid
        assert "registers" not in said.fields


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("", "too_short"),
        ("0104", "too_short"),
        ("010404436633", "too_short"),
        ("010404436633341b39", "checksum"),
        ("00010404436633341b3900", "checksum"),
        ("deadbeef00112233445566", "no_frame"),
        ("fefefefe68", "no_frame"),
    ],
)
def test_what_is_wrong_with_an_rtu_frame_is_said(raw: str, error: str) -> None:
    said = only(explain_rtu(bytes.fromhex(raw), Hints()))
    assert (said.valid, said.error) == (False, error)


def test_a_sound_frame_of_wrong_length_is_damaged_and_one_of_a_makers_own_is_not() -> None:
    wrong = only(explain_rtu(framed(1, "03050001"), Hints()))
    assert (wrong.valid, wrong.error) == (False, "wrong_length")
    own = only(explain_rtu(framed(1, "4101020304"), Hints()))
    assert (own.valid, own.fields["fc"], own.fields["data"]) == (True, 0x41, "01020304")


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("", "too_short"),
        ("00010000000701", "too_short"),
        ("0001000000070103040000", "too_short"),
        ("ffffffffffffffffffff", "no_frame"),
        ("0001000000060103040001ff", "wrong_length"),
    ],
)
def test_what_is_wrong_with_a_tcp_frame_is_said(raw: str, error: str) -> None:
    said = only(explain_tcp(bytes.fromhex(raw), Hints()))
    assert (said.valid, said.error) == (False, error)


def test_replies_over_tcp_find_their_questions_by_the_transaction() -> None:
    raw = over_tcp(1, 3, "0300640001") + over_tcp(2, 3, "0300c80001") + over_tcp(2, 3, "030200c8")
    raw += over_tcp(1, 3, "03020064")
    found = [said.fields for said in explain_tcp(raw, Hints())]
    assert [f["direction"] for f in found] == ["request", "request", "reply", "reply"]
    assert [f.get("by_address") for f in found[2:]] == [{"200": 200}, {"100": 100}]


def test_fewer_objects_than_announced_are_an_identification_only_where_more_follow() -> None:
    said = only(explain_tcp(over_tcp(4, 0, "2b0e0303008807870106"), Hints()))
    assert (said.valid, said.error) == (False, "wrong_length")


def test_a_wrong_checksum_says_the_right_one_and_who_may_have_sent_it() -> None:
    said = only(explain_rtu(bytes.fromhex("010404436633341b39"), Hints()))
    assert (said.error, said.address, said.control) == ("checksum", "1", "04")
    assert part(said, {"checksum": 0, "checksum_expected": 0, "note": 0}) == {
        "checksum": "1b39", "checksum_expected": "1b38", "note": "unproven",
    }  # fmt: skip


def test_registers_of_a_sunspec_chain_are_explained_as_such() -> None:
    raw, asked = over_tcp(1, 3, "030453756e53"), over_tcp(1, 3, "039c400002")
    assert only(explain_tcp(raw, Hints(request=asked))).fields["SunS"] is True
    end = only(explain_tcp(over_tcp(1, 3, "0304ffff0000"), Hints(base=40372)))
    assert (end.fields["end_of_map"], end.fields["addr"]) == (True, 40372)
    plain = only(explain_tcp(over_tcp(1, 3, "030400010041"), Hints()))
    assert "model" not in plain.fields


@given(st.binary(max_size=60))
def test_whatever_comes_is_answered_with_an_entry(raw: bytes) -> None:
    assert explain_rtu(raw, Hints())
    assert explain_tcp(raw, Hints())
