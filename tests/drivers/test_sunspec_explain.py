"""What `decode` says of SunSpec captures: the published ones, our simulated devices, and what is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.explained import Explained, Hints
from drivers.modbus import rtu, tcp
from drivers.sim.faults import Faults
from drivers.sim.inverter import Inverter
from drivers.sim.plant import shipped
from drivers.sim.sunspec_chain import Shape, der, filled, grid_meter, pv
from drivers.sunspec.chain import HEAD
from drivers.sunspec.explain import explain, explain_model, explain_registers
from tests.drivers.conftest import NOON, noon
from tests.drivers.held import END, chain, model, unknown
from tests.drivers.test_inverter import UNIT, Sun

READ = bytes([3])


def only(raw: bytes, hints: Hints | None = None) -> Explained:
    (found,) = explain(raw, hints or Hints())
    json.dumps(found.fields)  # is made of JSON values
    return found


def sunspec_captures(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "vectors" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
    return [c for c in map(json.loads, lines) if c["protocol"] in ("sunspec", "modbus-tcp")]


def assert_told(told: dict[str, Any], found: dict[str, Any]) -> None:
    """What was published is found under the same names; we may say more."""
    for name, value in told.items():
        if isinstance(value, dict):
            assert_told(value, found[name])
        elif name == "Opt" and value == "(16 spaces)":
            assert found[name] == ""
        elif name != "note":
            assert found[name] == value, name


def test_every_capture_is_explained_as_it_was_published(shared: Path) -> None:
    found = sunspec_captures(shared)
    assert len(found) >= 6
    for capture in found:
        request = bytes.fromhex(capture["request"]) if "request" in capture else None
        said = only(bytes.fromhex(capture["hex"]), Hints(request=request))
        assert (said.valid, said.error) == (True, None)
        assert_told(capture["decoded"], said.fields)


def test_the_night_dump_tells_every_point_of_every_model(shared: Path) -> None:
    dump = next(c for c in sunspec_captures(shared) if c["protocol"] == "sunspec")
    fields = only(bytes.fromhex(dump["hex"])).fields
    assert (fields["asleep"], fields["cut"], len(fields["chain"])) == (True, False, 17)
    (inverter_model,) = [m for m in fields["chain"] if m["model"] == 101]
    points = {point["name"]: point for point in inverter_model["points"]}
    assert points["WH"] == {
        "name": "WH", "label": "WattHours", "type": "acc32", "hex": "002f11ea", "value": 30847780, "unit": "Wh",
        "raw": 3084778, "factor": 1, "bad_factor": False,
    }  # fmt: skip
    assert (points["W"]["value"], points["W"]["raw"], points["W"]["hex"]) == (None, None, "8000")
    (net,) = [m for m in fields["chain"] if m["model"] == 12]
    assert "192.168.0.170" in [point["value"] for point in net["points"]]


@pytest.mark.parametrize("wrap", ["tcp", "rtu", "bare"])
def test_a_reply_is_explained_with_what_its_question_or_a_hint_tells(wrap: str) -> None:
    data = model(103, W=112, W_SF=2, St=4, A=9, A_SF=0)[4:]
    pdu, asked = bytes([3, len(data)]) + data, (4, 3, 40072, 50)
    if wrap == "tcp":
        said = only(tcp.encode(tcp.Frame(7, 4, pdu)), Hints(request=tcp.read_request(7, *asked)))
    elif wrap == "rtu":
        said = only(rtu.encode(rtu.Frame(4, pdu)), Hints(request=rtu.read_request(*asked)))
    else:
        said = only(data, Hints(base=40072, model=103))
    assert (said.fields["model"], said.fields["addr"], said.fields["W"]) == (103, 40070, 11200)
    assert said.address == (None if wrap == "bare" else "4")
    assert said.fields["asleep"] is False


def test_a_refusal_says_why() -> None:
    said = only(tcp.encode(tcp.Frame(7, 4, b"\x83\x02")), Hints(request=tcp.read_request(7, 4, 3, 40000, 2)))
    assert (said.valid, said.fields) == (True, {"refused": "illegal_address", "addr": 40000})


# Registers of real devices: the common model of a battery (Home Assistant's sax_battery_ha, issue 128), and the third
# module of model 160 of an inverter whose model stands at 40238 (evcc, issue 12444).
OWN_COMMON = "0001000f534158504f574552484f4d452d20001700383bbf69200067002000e100e1"
MODULE_3 = "000344435f535452494e475f332020202020" + "00" * 22


def test_a_common_model_of_the_makers_own_length_is_said_to_be_one() -> None:
    data = bytes.fromhex(OWN_COMMON)
    fields = explain_registers(data, 40002)
    assert fields is not None
    told = {name: fields[name] for name in ("model", "len", "addr", "problem", "standard_len")}
    assert told == {"model": 1, "len": 15, "addr": 40002, "problem": "nonstandard_length", "standard_len": 66}
    assert [point["name"] for point in fields["points"]] == ["ID", "L"]
    assert explain_registers(data, 40100) is None
    assert explain_registers(data[:-2], 40002) is None
    dump = only(chain(data, model(103, St=4))).fields
    assert (dump["common"]["problem"], dump["chain"][0]["problem"]) == ("nonstandard_length",) * 2
    assert dump["inverter"]["St"] == 4
    assert "problem" not in dump["inverter"]


def test_registers_from_the_middle_of_a_model_are_doubted() -> None:
    fields = explain_model(bytes.fromhex(MODULE_3), 40288, 160)
    assert (fields["problem"], fields["hint"]) == ("bad_factor", "give_base")
    assert fields["bad_factors"] == ["DCV_SF", "DCW_SF", "DCWH_SF"]
    problems = {point["name"]: point.get("problem") for point in fields["points"]}
    assert (problems["DCV_SF"], problems["DCA_SF"], problems["N"]) == ("bad_factor", None, None)


def test_the_start_of_the_model_beside_the_question_puts_registers_in_their_places() -> None:
    pdu = bytes([3, 40]) + bytes.fromhex(MODULE_3)
    reply, question = tcp.encode(tcp.Frame(36, 71, pdu)), tcp.read_request(36, 71, 3, 40288, 20)
    fields = only(reply, Hints(question, base=40238, model=160)).fields
    assert (fields["addr"], fields["module[3].ID"], fields["module[3].IDStr"]) == (40238, 3, "DC_STRING_3")
    assert "problem" not in fields
    assert fields["module[3].DCV"] is None  # its scale factor is not among the registers


def test_a_bad_factor_of_a_whole_model_is_no_matter_of_its_start() -> None:
    fields = explain_model(model(103, W=5, W_SF=11), 40070, 103)
    assert (fields["problem"], fields["bad_factors"], "hint" in fields) == ("bad_factor", ["W_SF"], False)


def test_codes_and_bits_are_told_in_words() -> None:
    points = explain_model(model(103, St=2, Evt1=0b1001), 40070, 103)["points"]
    words = {point["name"]: point.get("words") for point in points}
    assert words["St"] == ["SLEEPING"]
    assert words["Evt1"] == ["GROUND_FAULT", "DC_DISCONNECT"]


def test_a_factor_that_cannot_be_leaves_the_number_without_a_size() -> None:
    fields = explain_model(model(103, W=5, W_SF=11), 40070, 103)
    (w,) = [point for point in fields["points"] if point["name"] == "W"]
    assert (fields["W"], w["raw"], w["factor"], w["bad_factor"]) == (None, 5, 11, True)


def test_an_unknown_model_is_shown_as_registers() -> None:
    fields = only(chain(unknown(64201, 3), model(103, St=4))).fields
    assert fields["chain"][0] == {
        "model": 64201,
        "addr": 40002,
        "len": 3,
        "unknown": True,
        "hex": unknown(64201, 3).hex(),
    }
    assert explain_model(b"\0" * 8, 40002, 64201) == {"model": 64201, "unknown": True}


@pytest.mark.parametrize(("shape", "role"), [(pv, "inverter"), (grid_meter, "meter"), (der, "inverter")])
def test_our_simulated_devices_are_explained(shape: Shape, role: str) -> None:
    device = Inverter("inv", UNIT, shipped("sunspec"), Sun().values, Faults(), noon, shape)
    fields = only(device.slave.chain(Faults(), NOON)).fields
    assert fields["common"]["SN"] == "inv"
    assert abs(fields[role]["W"]) == 1_120_000
    assert fields["end_marker"] is True


def test_registers_of_a_plain_modbus_device_are_not_taken_for_sunspec() -> None:
    for data in (bytes(100), b"\x00\x65\x00\x07" + bytes(14), bytes(range(100)), b"\xff\xff\x00\x00" * 3):
        assert explain_registers(data, 100) is None
    assert explain_registers(END, 100) is None
    assert explain_registers(b"\0\x65\0\x32", 40070) == {
        "model": 101, "len": 50, "addr": 40070, "name": "inverter_single_phase",
    }  # fmt: skip


@pytest.mark.parametrize(("raw", "error"), [(b"", "too_short"), (b"Su", "too_short"), (bytes(60), "no_sunspec")])
def test_what_is_no_capture_says_so(raw: bytes, error: str) -> None:
    said = only(raw)
    assert (said.valid, said.error) == (False, error)


@given(st.integers(4, 400))
def test_a_dump_that_ends_anywhere_is_told_as_far_as_it_goes(size: int) -> None:
    dump = chain(model(1, DA=3), filled(160, 8 + 40, {"N": 2}), model(103, W=112, W_SF=2, St=4, A=1))
    fields = only(dump[:size]).fields
    assert fields["SunS"] is True
    assert [m["id"] for m in fields.get("models", [])] == [1, 160, 103][: len(fields.get("models", []))]
    assert not fields.get("end_marker", False) or size >= len(dump) - 2


@given(st.binary(max_size=300), st.integers(0, 65535))
def test_any_bytes_have_exactly_one_explanation(raw: bytes, base: int) -> None:
    only(raw, Hints(base=base))
    only(b"SunS" + raw, Hints(base=base))


@given(st.integers(0, 65535))
def test_a_head_with_any_length_never_invents_points_behind_the_data(length: int) -> None:
    data = HEAD.pack(103, length) + model(103, W=112, W_SF=2, St=4)[4:]
    fields = only(chain(data, end=b"")).fields
    if fields["models"]:
        assert ("W" in fields["inverter"]) == (length >= 13)  # W is the last of 15 registers
