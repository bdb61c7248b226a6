"""leafgate decode: captured bytes in whatever form a logger writes them, explained field by field, offline."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.explained import Hints
from edge_agent.capture import Capture, HexError, LineError, bytes_of, captures, direction_of
from edge_agent.cli import main
from edge_agent.exit import Exit

METER = "fefefefe68111111111111681091"  # never whole
ENERGY = "fefefefe6872003209172068910833333433b93433336d16"
REFUSED = "6851006099079868d10135c016"
READ_RTU, REPLY_RTU = "0104200000027a0b", "01040400000000fb84"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs without a site, as an engineer with a capture in his hand does."""
    monkeypatch.chdir(tmp_path)

    def run_(*words: str) -> tuple[int, str, str]:
        code = main(["decode", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_


@pytest.mark.parametrize(
    "text",
    [
        "68 61 01",
        "0x68,0x61,0x1",
        "0x680x610x01",
        "68:61:01",
        "68-61-01",
        "68H 61h 01H",
        "{0x68, 0x61, 0x01}",
        "\\x68\\x61\\x01",
        "６８ ６１　０１",
        "RX: 68 61 01",
        "TX (3 bytes): 68 61 01",
        "[10:23:45.123]收←◆68 61 01 □",
        "2026-11-21 10:00:00.123 RX 68 61 01",
        "2026/11/21T10:00:00+08:00 68 61 01",
        "10:00:00.123 -> 68 61 01",
        "10:00:00 68 61 01",
        "RX 10:00:00.123: 68 61 01",
        "68 61\n01",
        "68 61 1",
        "RX: 68 61 1",
    ],
)
def test_bytes_are_read_from_what_serial_loggers_write(text: str) -> None:
    assert bytes_of(text) == bytes.fromhex("686101")


def test_bytes_without_their_leading_zeros_are_read_where_blanks_stand_between_them() -> None:
    """As printf("%x ") writes them."""
    assert bytes_of("68 32 0 0 0 0 0 68 d1 1 35 9 16") == bytes.fromhex("6832000000000068d101350916")
    for text in ("6832000000000068d101359 16", "68:1:16", "68 1 160"):
        with pytest.raises(HexError):
            bytes_of(text)


def test_digits_that_only_look_like_a_time_stay_digits() -> None:
    assert bytes_of("12:00:00:68") == bytes.fromhex("12000068")
    assert bytes_of("12:00:00") == bytes.fromhex("120000")


@given(st.binary(min_size=1), st.sampled_from([" ", "", ":", "-", ", ", " 0x"]), st.booleans())
def test_any_bytes_come_back_whatever_stands_between_them(raw: bytes, between: str, upper: bool) -> None:
    text = between.join(f"{byte:02X}" if upper else f"{byte:02x}" for byte in raw)
    if between == ":" and len(raw) == 3:
        return
    assert bytes_of(text) == raw


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [("68 6G", "not_hex", 5), ("68 610", "odd_digits", 4), ("", "no_digits", 0), ("68\n61\n6", "odd_digits", 7)],
)
def test_a_wrong_digit_is_named_with_its_place(text: str, code: str, place: int) -> None:
    with pytest.raises(HexError) as caught:
        bytes_of(text)
    assert (caught.value.code, caught.value.place) == (code, place)


def test_the_direction_of_a_line_is_what_its_logger_says() -> None:
    assert [direction_of(t) for t in ("TX: 68", "[10:23:45.123]收←◆68", "68 16")] == ["sent", "heard", None]


def test_a_heard_line_is_the_answer_to_the_sent_one_before_it() -> None:
    lines = ["# a log", "", f"TX: {READ_RTU}", f"RX: {REPLY_RTU}", f"RX: {REPLY_RTU}"]
    found = list(captures(lines, "modbus-rtu", Hints()))
    assert [number for number, _ in found] == [3, 4, 5]
    hints = [capture.hints.request for _, capture in found if isinstance(capture, Capture)]
    assert hints == [None, bytes.fromhex(READ_RTU), None]


def test_what_a_json_line_says_goes_before_the_options() -> None:
    line = json.dumps({"hex": "0001", "protocol": "sunspec", "request": "0102", "base": 40002, "model": 1})
    ((_, found),) = captures([line], "modbus-rtu", Hints(b"\x09", 7, 8))
    assert found == Capture(b"\x00\x01", "sunspec", Hints(b"\x01\x02", 40002, 1))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "not_object"),
        ('{"hexx": "00"}', "no_hex"),
        ('{"hex": "00", "base": "x"}', "bad_field"),
        ('{"hex": "00", "protocol": "dlt"}', "no_protocol"),
        ("zz", "not_hex"),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(line: str, code: str) -> None:
    ((number, found),) = captures([line], "modbus-rtu", Hints())
    assert number == 1
    assert isinstance(found, LineError)
    assert found.code == code


def test_a_frame_is_told_field_by_field_in_both_languages(run: Any) -> None:
    code, out, _ = run("dlt645-2007", ENERGY)
    assert code == Exit.DONE
    assert "正向有功" in out
    assert "1.86 kWh" in out
    assert "energy" in run("dlt645-2007", ENERGY, "--lang", "en")[1]


def test_json_is_one_document_with_the_names_of_the_design(run: Any) -> None:
    code, out, _ = run("dlt645-2007", ENERGY, "--json")
    body = json.loads(out)
    assert (code, out.count("\n")) == (Exit.DONE, 1)
    assert body.keys() == {"schema", "protocol", "valid", "address", "control", "fields", "error", "frames"}
    assert (body["schema"], body["address"], body["control"]) == ("leafgate.decode/1", "201709320072", "91")
    assert (body["fields"]["value"], body["fields"]["unit"]) == (1.86, "kWh")


def test_further_frames_of_a_capture_follow_the_first(run: Any) -> None:
    body = json.loads(run("dlt645-2007", ENERGY + REFUSED, "--json")[1])
    assert [body["control"], *(frame["control"] for frame in body["frames"])] == ["91", "D1"]


def test_a_refusal_is_a_sound_frame_whose_bits_are_said_in_words(run: Any) -> None:
    code, out, _ = run("dlt645-2007", REFUSED)
    assert code == Exit.DONE
    assert "没有所要的数据" in out


def test_true_readings_stand_before_places_that_do_not_fit_the_meter(run: Any) -> None:
    """A published reply of a heat meter that sends its units first."""
    raw = (
        "682038042108005942812e901f0005192853000519285300170000000035000000002c4233180003190010190061270026572331031520"
    )
    for language, heading in (("en", "does not fit this meter"), ("zh", "与此表不符")):
        out = run("cjt188-2004", raw + "0301f716", "--lang", language)[1]
        assert 0 < out.index("5328.19 kWh") < out.index(heading) < out.index("532819.05")
        assert "standard_fits" not in out


def test_the_values_of_a_record_stand_below_its_name(run: Any) -> None:
    raw = "68010000000000689112 32383337 3733 3333 3333 3433 3333 3333 3333".replace(" ", "")
    raw += f"{sum(bytes.fromhex(raw)) & 0xFF:02x}16"
    out = run("dlt645-2007", raw)[1]
    assert "电表运行状态字数据块" in out
    assert "时钟电池欠压" in out
    assert "失压" in out


def test_a_password_is_never_shown(run: Any) -> None:
    raw = "68090051050326681c10" + "35de11dd" + "33333333" + "4d348c8c566445cc"
    raw += f"{sum(bytes.fromhex(raw)) & 0xFF:02x}16"
    for out in (run("dlt645-2007", raw)[1].splitlines()[2:], [run("dlt645-2007", raw, "--json")[1]]):
        told = "".join(out).lower()
        assert "abdeaa" not in told
        assert "de11dd" not in told
        assert "2099-12-31" in told


def test_a_damaged_frame_is_told_and_leaves_with_5(run: Any) -> None:
    code, out, _ = run("dlt645-2007", ENERGY[:-4] + "6e16", "--json")
    body = json.loads(out)
    assert (code, body["valid"], body["error"]) == (Exit.CANNOT_TELL, False, "checksum")
    assert "校验" in run("dlt645-2007", ENERGY[:-4] + "6e16")[1]


def test_wrong_digits_and_protocols_are_one_line_and_leave_with_2(run: Any) -> None:
    for words in (["dlt645-2007", "6G"], ["dlt645-2077", "68"], ["dlt645-2007"], ["dlt645-2007", ""]):
        code, out, err = run(*words)
        assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1), words
    assert "dlt645-2007" in run("dlt645-2077", "68")[2]


def test_a_dash_reads_the_standard_input(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"[10:00:00.000] RX: {ENERGY}\n"))
    assert json.loads(run("dlt645-2007", "-", "--json")[1])["fields"]["value"] == 1.86


def test_a_request_gives_the_registers_of_a_reply_their_addresses(run: Any) -> None:
    body = json.loads(run("modbus-rtu", REPLY_RTU, "--request", READ_RTU, "--json")[1])
    assert list(body["fields"]["by_address"]) == ["8192", "8193"]


def test_a_file_is_read_to_its_end_whatever_its_lines_hold(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text(
        f"# meters\n{ENERGY}\n\nnot hex\n{METER}\n" + json.dumps({"hex": REPLY_RTU, "protocol": "modbus-rtu"})
    )
    code, out, err = run("dlt645-2007", "--file", str(file), "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert [(d["line"], d["valid"]) for d in told] == [(2, True), (4, False), (5, False), (6, True)]
    assert (code, f"{file}:4:" in err, err.count("\n")) == (Exit.USAGE, True, 1)
    code, out, _ = run("dlt645-2007", "--file", str(file))
    assert f"{file}:6" in out


def test_a_file_that_is_not_there_is_one_line(run: Any, tmp_path: Path) -> None:
    code, _, err = run("dlt645-2007", "--file", str(tmp_path / "none"))
    assert (code, err.count("\n")) == (Exit.USAGE, 1)


def test_a_log_of_a_windows_logger_is_read(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(f"[10:23:45.123]收←◆{ENERGY}\r\n".encode("gb18030"))
    assert run("dlt645-2007", "--file", str(file))[0] == Exit.DONE


def test_every_capture_of_the_shared_file_is_explained(run: Any, shared: Path) -> None:
    code, out, err = run("dlt645-2007", "--file", str(shared / "vectors" / "captures.jsonl"), "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (Exit.DONE, "")
    assert len(told) >= 62
    assert run("dlt645-2007", "--file", str(shared / "vectors" / "captures.jsonl"))[0] == Exit.DONE


def test_a_file_that_is_no_text_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (tmp_path / "firmware.bin", Path("/dev/zero")):
        if file.parent == tmp_path:
            file.write_bytes(bytes(range(256)) * 40)
        assert main(["decode", "modbus-rtu", "--file", str(file)]) == Exit.USAGE
        said = capsys.readouterr()
        assert (said.out, len(said.err.splitlines())) == ("", 1)


def test_a_log_of_a_windows_machine_in_utf16_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.txt"
    log.write_text("01 04 04 43 66 33 34 1B 38\n", encoding="utf-16")
    assert main(["decode", "modbus-rtu", "--file", str(log), "--json"]) == Exit.DONE
    assert '"valid": true' in capsys.readouterr().out
