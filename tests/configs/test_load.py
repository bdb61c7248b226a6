"""The one loader: text stays text until its type says otherwise, and every fault is named at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from configs.load import load, load_folders, parse
from configs.problem import ConfigError
from configs.scalars import Seconds
from configs.text import Text


class Device(msgspec.Struct, frozen=True):
    address: str = ""
    poll: Seconds = Seconds(15.0)
    on: bool = False
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    parity: Literal["N", "E", "O"] = "E"
    since: date | None = None
    factor: float | list[float] = 1.0


class Plant(msgspec.Struct, frozen=True):
    devices: dict[str, Device] = {}
    title: Text | None = None


def codes(text: str) -> list[tuple[str, int]]:
    """The faults of a text as (code, line)."""
    with pytest.raises(ConfigError) as caught:
        parse(text, Plant, "plant.yaml")
    return [(p.code, p.line) for p in caught.value.problems]


def one(text: str) -> Device:
    return parse(f"devices: {{m: {{{text}}}}}", Plant, "plant.yaml").value.devices["m"]


def test_an_address_with_leading_zeros_stays_as_written() -> None:
    assert one("address: 000000000161").address == "000000000161"


def test_a_time_of_day_is_not_sexagesimal() -> None:
    assert one("address: 12:30").address == "12:30"


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("no", False), ("on", True), ("off", False)])
def test_yes_and_no_are_booleans_only_where_a_boolean_is_wanted(word: str, value: bool) -> None:
    assert one(f"on: {word}").on is value
    assert one(f"address: {word}").address == word


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("10min", 600), ("500ms", 0.5), ("24h", 86400), ("35d", 3_024_000)]
)
def test_durations_carry_their_unit(text: str, seconds: float) -> None:
    assert one(f"poll: {text}").poll == seconds


@pytest.mark.parametrize("text", ["nan", ".inf", "inf", "0x10", "1:30", "1e999", "."])
def test_what_is_no_finite_decimal_number_is_refused(text: str) -> None:
    assert codes(f"devices: {{m: {{factor: '{text}'}}}}") == [("not_a_number", 1)]


def test_a_union_takes_the_form_that_was_written() -> None:
    assert one("factor: [1.1, 1.33]").factor == [1.1, 1.33]
    assert one("factor: 1.1").factor == 1.1
    assert one("since: 2026-01-31").since == date(2026, 1, 31)
    assert one("since: ").since is None


def test_a_key_given_twice_names_both_lines() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("devices:\n  m: {unit: 1}\n  m: {unit: 2}\n", Plant, "p")
    [problem] = caught.value.problems
    assert (problem.code, problem.line, problem.fields["first"]) == ("given_twice", 3, "2")


def test_five_faults_come_at_once_with_line_and_nearest_name() -> None:
    text = """devices:
  m1: {adress: 000000000161}
  m2: {unit: 256}
  m3: {parity: F}
  m4: {poll: 15}
  m5: {since: 31.01.2026}
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, Plant, "plant.yaml")
    found = [(p.code, p.line) for p in caught.value.problems]
    assert found == [
        ("unknown_key", 2),
        ("out_of_range", 3),
        ("not_allowed", 4),
        ("not_a_duration", 5),
        ("not_a_date", 6),
    ]
    assert caught.value.problems[0].fields["nearest"] == "address"


def test_a_comma_that_cuts_a_chinese_text_says_to_quote_it() -> None:
    assert ("split_by_comma", 1) in codes("title: {zh: 需量越限, 先停空压机, en: demand}")
    assert parse('title: {zh: "需量越限, 先停空压机", en: demand}', Plant, "p").value.title == Text(
        "需量越限, 先停空压机", "demand"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("devices: &a {}", "anchor"),
        ("devices: {a: &x {}, b: *x}", "anchor"),
        ("devices: !!map {}", "explicit_tag"),
        ("devices: {m: {unit: !!int 1}}", "explicit_tag"),
        ("devices: [", "syntax"),
        ("devices:\n\t- a", "syntax"),
        ("devices: {m: {password: geheim}}", "literal_secret"),
        ("devices: 5", "not_a_mapping"),
        ("devices: {m: {unit: }}", "empty"),
    ],
)
def test_what_does_not_mean_what_it_looks_like_is_refused(text: str, code: str) -> None:
    assert codes(text)[0][0] == code


def test_a_secret_is_never_repeated_in_the_complaint() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("devices: {m: {password: geheim}}", Plant, "p")
    assert "geheim" not in repr([p.fields for p in caught.value.problems])


def test_a_file_that_is_missing_or_not_utf8_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml", Plant)
    assert caught.value.problems[0].code == "no_file"
    (tmp_path / "gbk.yaml").write_bytes("devices: {}\n# 总表\n".encode("gb18030"))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "gbk.yaml", Plant)
    assert (caught.value.problems[0].code, caught.value.problems[0].line) == ("not_utf8", 2)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse("", Plant, "p").value == Plant()
    assert parse("# only a comment\n", Plant, "p").value == Plant()


def test_a_later_folder_overrides_an_earlier_one_by_name(tmp_path: Path) -> None:
    for folder, unit in (("shipped", 1), ("site", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text(f"unit: {unit}\n")
    found = load_folders([tmp_path / "shipped", tmp_path / "site", tmp_path / "none"], Device)
    assert found["a"].value.unit == 2
