"""export: what import takes comes out again to the byte; values of periods with their coverage; flat memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.intake import read_file
from edge_agent.intake_line import noted, said_of
from edge_agent.output import Output
from edge_agent.period import US, Period, parse
from edge_agent.site import Site
from edge_agent.store.store import Store
from tests.plants import plant
from tests.store.wrong_clock import Gateway

PLANT = """site: {id: p, title: P, timezone: Asia/Shanghai, language: en, shifts: {早班: "08:00", 夜班: "20:00"}}
buses: {l1: {serial: /dev/null}}
devices: {m1: {bus: l1, address: 000000000161, profile: dlt645-2007-3ph, ct: 10}}
manual: {gas: {quantity: gas_volume, kind: counter}, pieces: {quantity: production}}
"""
PAST = """tag,from,to,value,unit,note
manual.gas,,2026-01-01T00:00:00+08:00,1.25,m3,抄表员甲
manual.gas,,2026-01-02T00:00:00+08:00,2.5,m3,"换表,
两行 ""引号"" 完"
manual.gas,,2026-01-03T00:00:00+08:00,,m3,bad:no_reply; 柜门锁着
manual.gas,,2026-01-04T00:00:00.000001+08:00,1e-09,m3,good; bad
manual.gas,,2026-01-05T00:00:00+08:00,3.0,m3,uncertain:uncertain_value; 看不清
manual.pieces,2026-01-01T00:00:00+08:00,2026-02-01T00:00:00+08:00,7.0,piece,一月
"""
START = 1_767_196_800 * US  # 2026-01-01 in Shanghai
MINUTE, DAY = 60 * US, 86_400 * US
Command = Callable[..., str]


@pytest.fixture
def leafgate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command on the site folder `site` below tmp_path, and answers its stdout."""

    def run(*words: str, site: str = "site", code: int = Exit.DONE) -> str:
        assert main(["-C", str(tmp_path / site), *words]) == code, capsys.readouterr().err
        return capsys.readouterr().out

    return run


def record(site: Site, tag: str, at: Sequence[int], values: Sequence[float]) -> None:
    site.data.mkdir(exist_ok=True)
    with Store(site.data, site.calendar.cut(START)) as store, store.transaction():
        batch = Batch()
        for moment, value in zip(at, values, strict=True):
            batch.add(tag, moment, moment, value, Quality.GOOD, None)
        store.write([batch])


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_export_import_into_an_empty_site_and_export_are_the_same_bytes(
    form: str, tmp_path: Path, leafgate: Command
) -> None:
    for folder in ("site", "empty"):
        plant(tmp_path / folder, PLANT)
    (tmp_path / "past.csv").write_text(PAST, encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    out = leafgate("export", "--period", "2026-01", "--format", form)
    (tmp_path / f"out.{form}").write_text(out, encoding="utf-8")
    assert json.loads(leafgate("import", str(tmp_path / f"out.{form}"), "--json", site="empty"))["new"] == 6
    assert leafgate("export", "--period", "2026-01", "--format", form, site="empty") == out
    for site in ("site", "empty"):
        again = json.loads(leafgate("import", str(tmp_path / f"out.{form}"), "--json", site=site))
        assert (again["new"], again["known"], again["faults"]) == (0, 6, 0)


def test_the_notes_of_readings_come_out_as_they_were_written(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    (tmp_path / "past.csv").write_text(PAST, encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    assert leafgate("export", "--period", "2026-01") == PAST


@given(
    quality=st.sampled_from(Quality),
    reason=st.one_of(st.none(), st.from_regex(r"[a-z_]{1,9}", fullmatch=True)),
    text=st.one_of(st.text(max_size=20), st.sampled_from(["good", "bad:x", "good; bad", "stale; "])),
)
def test_what_a_note_says_of_a_reading_is_understood_again(quality: Quality, reason: str | None, text: str) -> None:
    said = said_of(quality, reason, text)
    found, why, words = noted(said)
    assert ((found or Quality.GOOD), why, words) == (quality, reason, text)


def test_a_tag_that_plant_yaml_has_no_more_is_exported_with_its_unit(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    (tmp_path / "past.csv").write_text(PAST, encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    before = leafgate("export", "--period", "2026-01", "--tag", "manual.gas", "--tag", "manual.pieces")
    plant(tmp_path / "site", PLANT.replace("manual:", "#"))
    assert leafgate("export", "--period", "2026-01") == "tag,from,to,value,unit,note\n"
    assert leafgate("export", "--period", "2026-01", "--tag", "manual.gas", "--tag", "manual.pieces") == before
    leafgate("export", "--tag", "manual.gaz", code=Exit.USAGE)


def test_values_of_periods_are_means_over_time_and_energy_with_coverage(tmp_path: Path, leafgate: Command) -> None:
    site = plant(tmp_path / "site", PLANT)
    at = [START + minute * MINUTE for minute in range(0, 1440, 15)]
    record(site, "m1.energy_import", at, [100.0 + n * 0.25 for n in range(96)])
    # An hour at 2 kW, a reading each minute; half an hour at 6 kW, one each ten seconds; then nothing.
    minutes = [START + n * MINUTE for n in range(60)]
    seconds = [START + 60 * MINUTE + n * 10 * US for n in range(180)]
    record(site, "m1.power", minutes + seconds, [2.0] * 60 + [6.0] * 180)
    tags = ("--tag", "m1.energy_import", "--tag", "m1.power")
    out = leafgate("export", "--period", "2026-01-01", "--every", "hour", *tags)
    rows = list(csv.DictReader(io.StringIO(out)))
    energy, power = [row for row in rows if row["unit"] == "kWh"], [row for row in rows if row["unit"] == "kW"]
    assert [row["value"] for row in energy[:-1]] == ["10.0"] * 23  # ten times the register's 1 kWh
    assert (energy[-1]["value"], energy[-1]["quality"]) == ("", "bad")  # nothing was read after 23:45
    assert energy[0]["from"] == "2026-01-01T00:00:00+08:00"
    assert {(row["coverage"], row["quality"]) for row in energy[:-1]} == {("1.0", "good")}
    assert [(row["value"], row["coverage"], row["quality"]) for row in power[:3]] == [
        ("20.0", "1.0", "good"),
        ("60.0", str(round(31 / 60 - 10 / 3600, 6)), "uncertain"),
        ("", "0.0", "bad"),
    ]


def test_shifts_are_named_and_json_says_the_same(tmp_path: Path, leafgate: Command) -> None:
    site = plant(tmp_path / "site", PLANT)
    record(site, "m1.power", [START + n * MINUTE for n in range(2 * 1440)], [1.0] * 2880)
    words = ("export", "--period", "2026-01-01", "--every", "shift", "--tag", "m1.power")
    rows = list(csv.DictReader(io.StringIO(leafgate(*words))))
    assert [(row["from"][8:16], row["to"][8:16], row["shift"]) for row in rows] == [
        ("01T08:00", "01T20:00", "早班"),
        ("01T20:00", "02T08:00", "夜班"),
    ]
    told = [json.loads(line) for line in leafgate(*words, "--format", "jsonl").splitlines()]
    assert [(row["value"], row["shift"]) for row in told] == [(10.0, "早班"), (10.0, "夜班")]
    plant(tmp_path / "site", PLANT.replace(', shifts: {早班: "08:00", 夜班: "20:00"}', ""))
    leafgate(*words, code=Exit.USAGE)


def test_excel_gets_its_mark_and_the_marked_file_is_taken_again(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    (tmp_path / "past.csv").write_text(PAST, encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    out = leafgate("export", "--period", "2026-01", "--excel", "--seen")
    assert out.startswith("\ufefftag,")
    assert ",seen\n" in out
    (tmp_path / "out.csv").write_text(out, encoding="utf-8")
    assert json.loads(leafgate("import", str(tmp_path / "out.csv"), "--json"))["new"] == 0


def test_readings_without_a_sure_time_are_exported_with_the_moments_they_lie_between(
    tmp_path: Path, leafgate: Command
) -> None:
    site = plant(tmp_path / "site", PLANT)
    record(site, "m1.power", [START], [1.0])
    gateway = Gateway(site.data, START + DAY)
    gateway.reboot(off=100 * US, date=0)  # a clock without a battery begins in 1970
    gateway.run(15)
    gateway.kill()
    told = list(csv.DictReader(io.StringIO(leafgate("export", "--untimed"))))
    assert [(row["tag"], row["value"], row["before"]) for row in told] == [("m.e", f"{n}.0", "") for n in range(3)]
    assert all(row["after"] > "2026-01-01" for row in told)
    assert leafgate("export", "--period", "1970", "--tag", "m.e").count("\n") == 1
    assert leafgate("export", "--untimed", "--tag", "m1.power").count("\n") == 1


def test_the_energy_of_a_day_that_runs_is_told_up_to_its_last_reading(tmp_path: Path) -> None:
    site = plant(tmp_path / "site", PLANT)
    record(site, "m1.energy_import", range(START, START + 10 * MINUTE, MINUTE), [100.0 + n for n in range(10)])
    asked, then = START + 9 * MINUTE + US, START + 9 * MINUTE + 2 * US  # the clock goes on between two looks
    today = parse("today", site.calendar, asked)
    (row,) = Output(site, then).values(today, ["m1.energy_import"], "day", "en")
    assert (row["value"], row["quality"]) == (90.0, "uncertain")


def test_values_of_periods_are_not_taken_for_filed_amounts(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    (tmp_path / "past.csv").write_text(PAST, encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    computed = leafgate("export", "--period", "2026", "--every", "month", "--tag", "manual.pieces", "--format", "jsonl")
    (tmp_path / "computed.jsonl").write_text(computed, encoding="utf-8")
    before = leafgate("export", "--period", "2026")
    leafgate("import", str(tmp_path / "computed.jsonl"), code=Exit.USAGE)
    assert leafgate("export", "--period", "2026") == before


def test_a_reading_without_a_value_keeps_its_quality(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    line = "manual.gas,,2026-01-02T00:00:00+08:00,,m3,uncertain:uncertain_value"
    (tmp_path / "past.csv").write_text(f"tag,from,to,value,unit,note\n{line}\n", encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    assert line in leafgate("export", "--period", "2026").splitlines()


def test_a_long_file_is_read_and_written_in_flat_memory(tmp_path: Path) -> None:
    site = plant(tmp_path / "site", PLANT)
    record(site, "m1.power", [START + n * MINUTE for n in range(100_000)], [n % 7 / 10 for n in range(100_000)])
    path = tmp_path / "long.csv"
    period = Period("p", START, START + 100_000 * MINUTE)
    tracemalloc.start()
    with path.open("w", encoding="utf-8") as file:
        file.write("tag,from,to,value,unit,note\n")
        for row in Output(site, START + 200 * DAY).readings(period, ["m1.power"]):
            file.write(f"{row['tag']},,{row['to']},{row['value']!r},{row['unit']},\n")
    exported = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    assert sum(len(part) for part in read_file(path, site, START + 200 * DAY)) == 100_000
    imported = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert imported < 20e6
    assert exported < 60e6


def test_the_period_that_is_taken_without_being_asked_for_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, PLANT)
    assert main(["-C", str(tmp_path), "export"]) == Exit.DONE
    assert "this is today" in capsys.readouterr().err
    assert main(["-C", str(tmp_path), "export", "--period", "2026"]) == Exit.DONE
    assert capsys.readouterr().err == ""


def test_the_mark_for_excel_is_refused_in_json_lines(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    leafgate("export", "--excel", "--format", "jsonl", code=Exit.USAGE)


def test_a_tag_that_is_like_no_other_is_named_without_a_nearest_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, PLANT)
    assert main(["-C", str(tmp_path), "--lang", "zh", "export", "--tag", "nosuch.xyzzy"]) == Exit.USAGE
    assert capsys.readouterr().err == "没有名为 nosuch.xyzzy 的点位。\n"


def test_the_ledger_is_listed_in_the_language_of_the_reader(tmp_path: Path, leafgate: Command) -> None:
    plant(tmp_path / "site", PLANT)
    (tmp_path / "past.csv").write_text(PAST, encoding="utf-8")
    leafgate("import", str(tmp_path / "past.csv"))
    said = leafgate("--lang", "zh", "meter", "list")
    assert "装表" in said
    assert "installed" not in said
