"""The power fails at any moment, and the writer is killed at any: nothing acknowledged is lost, no row comes twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.store import workload
from tests.store.powercut import Journal, recorded_python

PROGRAM = """
import sys
from pathlib import Path
from tests.store.workload import run
run(Path(sys.argv[1]))
"""
CUTS = 100


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """The whole life of a plant.db, from the upgrade of an old one on."""
    folder = tmp_path_factory.mktemp("run")
    workload.before(folder)
    return recorded_python(PROGRAM, folder)


def test_100_power_cuts_lose_nothing_and_double_nothing(journal: Journal, tmp_path: Path) -> None:
    draw = Random(5)
    sealing = [at for phase in workload.phases() for at in journal.during(*phase)]
    upgrading = list(journal.during("open", "opened"))
    cuts = draw.sample(range(len(journal) + 1), 40) + draw.sample(sealing, 40) + draw.sample(upgrading, CUTS - 80)
    found = {}
    for seed, at in enumerate(sorted(cuts)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        journal.after_cut(at, seed, folder)
        found[at] = workload.wrong(folder, journal.acknowledged(at))
        shutil.rmtree(folder)
    assert {at: trouble for at, trouble in found.items() if trouble} == {}
