"""Values as words: every one with its quality and age, a hole as a hole."""

from __future__ import annotations

import pytest

from drivers.reading import Quality
from edge_agent.overview.value import NEVER, Value
from edge_agent.period import US
from edge_agent.texts import Texts
from tui.pages.overview import shares
from tui.words import age, number, rounded, shown, size, sparkline

ZH = Texts("zh")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value(412.6, Quality.GOOD), "412.6"),
        (Value(412.6, Quality.UNCERTAIN), "~412.6"),
        (Value(None, Quality.STALE, "too_old", 262 * US), "? 4m"),
        (Value(None, Quality.BAD, "checksum", 3 * US), "? <10s"),
        (Value(None, Quality.BAD, "no_reply", None), "? --"),
        (Value(None, Quality.ABSENT, "no_data"), "--"),
        (Value(None, Quality.ABSENT, "asleep"), "休眠"),
        (NEVER, "--"),
    ],
)
def test_a_value_says_how_far_it_can_be_trusted(value: Value, text: str) -> None:
    assert shown(value, number(value.value), ZH)[0] == text


def test_ages_change_seldom() -> None:
    seconds = [3, 14, 59, 60, 262, 3599, 3600, 172_799, 172_800, 10**6]
    assert [age(s * US) for s in seconds] == ["<10s", "10s", "50s", "1m", "4m", "59m", "1h", "47h", "2d", "11d"]


def test_numbers_are_grouped_and_zero_has_no_sign() -> None:
    assert [number(3108, 0), number(-0.04), number(-12.34), number(None)] == ["3 108", "0.0", "-12.3", "--"]
    assert [rounded(v) for v in (123456.78, 58.234, 0.9684, 0.0)] == ["123 456.8", "58.23", "0.968", "0.00"]


def test_a_hole_in_the_hour_stays_a_hole() -> None:
    hour = [10.0] * 30 + [None] * 9 + [5.0] * 18 + [0.0] * 3
    drawn = sparkline(hour, 20)
    assert drawn[:10] == "@" * 10
    assert drawn[10:13] == "???"
    assert drawn[13:19] == "=" * 6
    assert drawn[19] == " "


def test_an_hour_without_power_or_data_is_drawn_too() -> None:
    assert sparkline([0.0] * 60, 12) == " " * 12
    assert sparkline([None] * 60, 12) == "?" * 12


def test_sizes_have_two_digits() -> None:
    assert [size(n) for n in (None, 400_123, 33_050_624, 1_234_567_890)] == ["--", "400 kB", "33 MB", "1.2 GB"]


def test_lists_share_the_room_and_never_take_more() -> None:
    assert shares([9, 10, 3], 39) == [9, 10, 3]
    for room in range(40):
        given = shares([9, 10, 6], room)
        assert sum(given) <= room
    assert shares([9, 10, 6], 20) == [9, 6, 5]
