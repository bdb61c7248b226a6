"""A disk that is full, read-only or failing at any step of a database's life: nothing is lost, nothing twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.faults.broken import BrokenDisk, Scenario, inside
from tests.faults.life import lived

POINTS = int(os.environ.get("LEAFGATE_FAULTS", "3"))  # of each kind of step; LEAFGATE_FAULTS=100 before a release


def full(folder: Path, disk: BrokenDisk) -> None:
    """At any byte by which a file grows."""
    _at_any_point(folder, disk, "grown", lambda number, at: disk.fill(at))


def read_only(folder: Path, disk: BrokenDisk) -> None:
    """At any change."""
    _at_any_point(folder, disk, "changed", lambda number, at: disk.forbid(at))


def unsynced(folder: Path, disk: BrokenDisk) -> None:
    """One or more syncs in a row that fail."""
    _at_any_point(folder, disk, "synced", lambda number, at: disk.fail_syncs(1 + number % 3, at))


def unreadable(folder: Path, disk: BrokenDisk) -> None:
    """One or more reads in a row that fail."""
    _at_any_point(folder, disk, "read", lambda number, at: disk.fail_reads(1 + number % 3, at))


@pytest.mark.parametrize("trouble", [full, read_only, unsynced, unreadable])
def test_trouble_at_any_point_loses_and_doubles_nothing(trouble: Scenario, tmp_path: Path) -> None:
    refused = Counter(inside(trouble, tmp_path / "site").split())
    print(refused)
    assert refused.total() > POINTS, "there was no trouble"


def _at_any_point(folder: Path, disk: BrokenDisk, count: str, begin: Callable[[int, int], None]) -> None:
    """Live once without trouble, then with trouble in some of all kinds of steps; prints what was refused."""
    draw = Random(5)
    steps = [(name, counts[count]) for name, counts in lived(folder, disk).begun]
    first = steps[0][1]
    for kind in sorted({name for name, _ in steps}):
        spans = [(start - first, end - first) for (name, start), (_, end) in pairwise(steps) if name == kind]
        spans = [span for span in spans if span[0] < span[1]]
        for number in range(POINTS if spans else 0):
            at = draw.randrange(*draw.choice(spans))
            print(*lived(folder, disk, partial(begin, number, at)).refused)
