"""What a Modbus profile may say about reads, bit fields and identity, and what is found wrong in it."""

from __future__ import annotations

import pytest

from configs.load import parse
from drivers.profile import Profile
from drivers.profile_check import faults

HEAD = "title: {zh: X, en: X}\nprotocol: modbus\nsource: a/b\n"


def problems(text: str) -> list[tuple[str, int]]:
    return [(p.code, p.line) for p in faults(parse(HEAD + text, Profile, "x.yaml"))]


def test_a_profile_says_how_its_device_is_read_and_who_it_is() -> None:
    text = """items:
  a: {quantity: voltage, register: 1, type: uint32}
reads: {most: 60, hole: 8, forbidden: [[23, 99], [200, 290, 4]]}
identity:
  model: {register: 100, words: 8, says: SDM}
"""
    profile = parse(HEAD + text, Profile, "x.yaml").value
    assert (profile.reads.most, profile.reads.hole) == (60, 8)
    assert profile.reads.forbidden == [[23, 99], [200, 290, 4]]
    assert (profile.identity["model"].words, profile.identity["model"].says) == (8, "SDM")
    assert problems(text) == []


@pytest.mark.parametrize(
    ("item", "reads", "found"),
    [
        ("bits: '3'", "{}", []),
        ("bits: 8-15, type: int16", "{}", []),
        ("bits: '16'", "{}", [("bad_bits", 5)]),
        ("bits: 15-8", "{}", [("bad_bits", 5)]),
        ("bits: low", "{}", [("bad_bits", 5)]),
        ("bits: '3', type: float32", "{}", [("bad_bits", 5)]),
        ("type: uint64", "{most: 2}", [("wider_than_read", 5)]),
        ("type: uint64", "{most: 4}", []),
        ("type: uint16", "{forbidden: [[9, 3]]}", [("bad_range", 6)]),
        ("type: uint16", "{forbidden: [[9]]}", [("bad_range", 6)]),
        ("type: uint16", "{forbidden: [[1, 9, 5]]}", [("bad_range", 6)]),
    ],
)
def test_what_cannot_be_is_said_with_its_line(item: str, reads: str, found: list[tuple[str, int]]) -> None:
    assert problems(f"items:\n  a: {{quantity: device_state, register: 1, {item}}}\nreads: {reads}\n") == found
