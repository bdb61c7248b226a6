"""import: each fault with its line, and no other line is lost by it; spreadsheets as people save them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.requests import submit
from edge_agent.store.lock import running
from edge_agent.store.reader import Reader
from tests.conftest import ROOT
from tests.plants import PLANT_Y, PLANT_Y_FACTORS, plant

HEAD = "tag,from,to,value,unit,note\n"
US = 1_000_000


def written(folder: Path, rows: str, encoding: str = "utf-8") -> str:
    path = folder / "数据.csv"
    path.write_bytes((HEAD + rows).encode(encoding))
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_spreadsheet_of_a_chinese_desktop_is_taken(encoding: str, tmp_path: Path) -> None:
    site = plant(tmp_path, PLANT_Y, PLANT_Y_FACTORS)
    rows = 'manual.grid,,2026/1/1 0:00,"8,640.5",MWh,一月底数\nmanual.pieces,2026/1/1,2026/2/1,12,10kpiece,产量\n'
    assert main(["-C", str(tmp_path), "import", written(tmp_path, rows, encoding)]) == Exit.DONE
    reader = Reader(site.data)
    assert reader.last()["manual.grid"].value == 8_640_500.0
    assert reader.last()["manual.grid"].at == 1_767_196_800 * US
    assert [(a.value, a.note) for a in reader.amounts("manual.pieces")] == [(120_000.0, "产量")]


def test_every_wrong_line_is_named_and_all_others_are_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = plant(tmp_path, PLANT_Y)
    rows = """manual.pieces,2026-01-01,2026-02-01,5,,
manual.piece,2026-01-01,2026-02-01,5,,
manual.pieces,2026-02-01,2026-01-01,5,,
manual.pieces,2026-03-01,2026-04-01,nan,,
manual.pieces,2026-04-01,2026-05-01,5,kWh,
manual.grid,2026-01-01,2026-02-01,5,,
manual.grid,,gestern,5,,
manual.grid,,2999-01-01,5,,
manual.pieces,2026-01-15,2026-02-15,5,,
manual.pieces,2026-06-01,2026-07-01,-5,,
manual.grid,,2026-01-01,5,,bad:checksum
"""
    assert main(["-C", str(tmp_path), "--lang", "en", "import", written(tmp_path, rows)]) == Exit.USAGE
    said = capsys.readouterr().err
    assert [f":{line}:" in said for line in range(3, 13)] == [True] * 10
    assert "manual.pieces?" in said
    assert [(a.start, a.value) for a in Reader(site.data).amounts("manual.pieces")] == [(1_767_196_800 * US, 5.0)]
    assert Reader(site.data).last() == {}


def test_a_quote_that_is_never_closed_costs_its_own_line_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = plant(tmp_path, PLANT_Y)
    rows = [f"manual.grid,,2026-01-01 {minute // 60:02}:{minute % 60:02},{minute},,\n" for minute in range(200)]
    rows[3] = 'manual.grid,,2026-01-01 00:03,3,,"表坏了\n'
    rows[7] = 'manual.grid,,2026-01-01 00:07,7,,一根 5" 的管\n'
    rows[9] = 'manual.grid,,2026-01-01 00:09,9,,"换表,\n两行"\n'
    rows[190] = 'manual.grid,,2026-01-01 03:10,190,,"未完\n'
    assert main(["-C", str(tmp_path), "--lang", "en", "import", written(tmp_path, "".join(rows))]) == Exit.USAGE
    said = capsys.readouterr().err
    assert [line for line in range(1, 203) if f":{line}:" in said] == [5, 193]
    reader = Reader(site.data)
    found = list(reader.samples(reader.ids()["manual.grid"], 0, 2**60))
    assert [s.value for s in found] == [float(minute) for minute in range(200) if minute not in (3, 190)]
    noted = reader.notes(reader.ids()["manual.grid"], 0, 2**60)
    assert list(noted.values()) == ['一根 5" 的管', "换表,\n两行"]


def test_an_inclusive_end_is_taken_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, PLANT_Y)
    rows = "manual.pieces,2026-01-01,2026-01-31,5,,\n"
    assert main(["-C", str(tmp_path), "--lang", "en", "import", written(tmp_path, rows)]) == Exit.DONE
    assert "runs to the 1st" in capsys.readouterr().err


def test_what_export_writes_import_takes_and_nothing_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, PLANT_Y)
    rows = "manual.grid,,2026-01-01 00:00:00.000001,0.1,,\nmanual.grid,,2026-01-02,,,bad:no_reply\n"
    rows += "manual.pieces,2026-01-01,2026-02-01,7,,x\n"
    assert main(["-C", str(tmp_path), "import", written(tmp_path, rows)]) == Exit.DONE
    capsys.readouterr()
    assert main(["-C", str(tmp_path), "export", "--period", "2026"]) == Exit.DONE
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 4
    (tmp_path / "again.csv").write_text(out, encoding="utf-8")
    assert main(["-C", str(tmp_path), "import", str(tmp_path / "again.csv"), "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["new"] == 0


def test_import_goes_through_the_inbox_of_a_running_agent(tmp_path: Path) -> None:
    site = plant(tmp_path, PLANT_Y)
    leafgate = [sys.executable, "-m", "edge_agent.cli", "-C", str(tmp_path)]
    with subprocess.Popen([*leafgate, "run"], cwd=ROOT, stderr=subprocess.PIPE) as agent:
        deadline = time.monotonic() + 20
        while running(site.data) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        rows = written(tmp_path, "manual.grid,,2026-01-01,5,,\n")
        done = subprocess.run([*leafgate, "import", rows, "--json"], cwd=ROOT, capture_output=True, text=True)
        assert json.loads(done.stdout)["new"] == 1, done.stderr
        second = subprocess.run([*leafgate, "run"], cwd=ROOT, capture_output=True, text=True)
        assert second.returncode == Exit.BUSY
        agent.terminate()
        agent.communicate()
        assert agent.returncode == Exit.DONE
    assert Reader(site.data).last()["manual.grid"].value == 5.0


def test_a_ratio_said_later_mends_the_past_and_plant_yaml_must_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """site: {id: r, title: R, timezone: Asia/Shanghai, language: en}
buses: {l1: {serial: /dev/null}}
devices: {m1: {bus: l1, address: 000000000161, profile: dlt645-2007-3ph, ct: 80}}
meters: {grid: {tag: m1.energy_import, carrier: electricity, flow: grid_import}}
"""
    plant(tmp_path, text)
    cli = ["-C", str(tmp_path)]
    rows = "m1.energy_import,,2026-01-01,0,,\nm1.energy_import,,2026-01-15,10,,\nm1.energy_import,,2026-02-01,20,,\n"

    def grid() -> float:
        assert main([*cli, "energy", "--period", "2026-01", "--json"]) == Exit.DONE
        value: float = json.loads(capsys.readouterr().out.splitlines()[-1])["carriers"][0]["value"]
        return value

    assert main([*cli, "import", written(tmp_path, rows)]) == Exit.DONE
    assert grid() == 1600.0
    assert main([*cli, "meter", "ratio", "m1", "--ct", "100", "--at", "2026-01-15", "--by", "li"]) == Exit.DONE
    assert "ct: 100" in capsys.readouterr().err
    assert grid() == 10 * 80 + 10 * 100
    assert main([*cli, "import", written(tmp_path, rows)]) == Exit.SITE
    assert "leafgate meter ratio" in capsys.readouterr().err
    plant(tmp_path, text.replace("ct: 80", "ct: 100"))
    assert main([*cli, "import", written(tmp_path, rows)]) == Exit.DONE


def test_what_no_register_can_show_and_what_is_not_over_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The energy after the ratio, typed instead of the meter's face, would be booked as a rollover."""
    text = """site: {id: r, title: R, timezone: Asia/Shanghai, language: en}
buses: {l1: {serial: /dev/null}}
devices: {m1: {bus: l1, address: 000000000161, profile: dlt645-2007-3ph, ct: 800}}
manual: {pieces: {quantity: production}}
"""
    plant(tmp_path, text)
    rows = "m1.energy_import,,2026-01-01,10500000,kWh,\nmanual.pieces,2026-11-01,2099-01-01,5,,\n"
    assert main(["-C", str(tmp_path), "import", written(tmp_path, rows)]) == Exit.USAGE
    said = capsys.readouterr().err
    assert "secondary side" in said
    assert "not over yet" in said


def faults(folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said in Chinese of a file whose rows are all refused."""
    plant(folder, PLANT_Y)
    (folder / "f.csv").write_bytes(content)
    assert main(["-C", str(folder), "import", str(folder / "f.csv")]) == Exit.USAGE
    return capsys.readouterr().err


@pytest.mark.parametrize(("content", "word"), [(b"", "空"), (b",,\n", "空"), (b"a,b\n1,2\n", "a,b")])
def test_a_file_without_its_header_is_not_said_to_be_taken_in_part(
    content: bytes, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = faults(tmp_path, content, capsys)
    assert "其余" not in said
    assert "没有导入任何行" in said
    assert word in said
    assert said.count("tag,from,to") == 1


def test_a_year_out_of_range_and_an_open_quote_are_said_in_the_words_of_the_catalogue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = faults(
        tmp_path, (HEAD + 'manual.grid,,1969-01-01,5,,\nmanual.grid,,2026-01-01,5,,"offen\n').encode(), capsys
    )
    assert "1970 至 9998" in said
    assert "引号没有结束" in said
    assert "unexpected" not in said


@pytest.mark.parametrize(("name", "word"), [("", "目录"), ("nosuch.csv", "没有文件")])
def test_what_is_no_file_is_said_in_the_language_of_the_site(
    name: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, PLANT_Y)
    assert main(["-C", str(tmp_path), "import", str(tmp_path / name)]) == Exit.USAGE
    assert word in capsys.readouterr().err


def test_an_interrupted_import_says_how_many_rows_are_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = plant(tmp_path, PLANT_Y)
    monkeypatch.setattr("edge_agent.intake.CHUNK", 2)
    taken = list[str]()

    def interrupted(*what: object) -> int:
        if taken:
            raise KeyboardInterrupt
        taken.append("once")
        return submit(*what)  # type: ignore[arg-type]

    monkeypatch.setattr("edge_agent.requests.submit", interrupted)
    rows = "".join(f"manual.grid,,2026-01-0{day},{day},,\n" for day in range(1, 7))
    assert main(["-C", str(tmp_path), "import", written(tmp_path, rows)]) == 130
    assert "2 行已导入" in capsys.readouterr().err
    assert Reader(site.data).last()["manual.grid"].value == 2.0
