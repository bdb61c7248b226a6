"""The power fails while a damaged file is put away, salvaged and backed up: nothing is lost, nothing comes twice."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from random import Random

import pytest

from edge_agent.rescue.salvage import salvage, sources
from edge_agent.store.rescue.backup import read_manifest
from edge_agent.store.rescue.check import DamagedError
from edge_agent.store.store import PLANT_DB, Store
from tests.plants import BARE, plant
from tests.store import wrecks
from tests.store.powercut import Journal, recorded_python

PROGRAM = """
import sys
from pathlib import Path
from edge_agent.ledger import Person
from edge_agent.rescue.salvage import salvage, sources
from edge_agent.site import open_site
from edge_agent.store.rescue.backup import back_up
from edge_agent.store.store import Store
from tests.store.test_sealing import START, batch_of, write
site = open_site(Path(sys.argv[1]))
print("open", flush=True)
with Store(site.data) as store:
    print("opened", flush=True)
    for n in range(4):
        write(store, batch_of("m.new", (START + n, float(n))))
        print("commit", n, flush=True)
for source in sources(site, None):
    salvage(site, source, Person("a", "a"))
print("salvaged", flush=True)
back_up(site.folder, site.data, site.folder / "b.tar", "bare", 7)
print("backed up", flush=True)
"""
CUTS = 60


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """A file without its first page is opened, salvaged and backed up."""
    site = plant(tmp_path_factory.mktemp("run"), BARE)
    site.data.mkdir()
    wrecks.fill(site.data)
    wrecks.zeros(site.data / PLANT_DB, 0, Random(1))
    return recorded_python(PROGRAM, site.folder)


def test_power_cuts_while_rescuing_lose_nothing_and_double_nothing(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    draw = Random(7)
    phases = [("open", "opened"), ("commit 3", "salvaged"), ("salvaged", "backed up")]
    cuts = [at for phase in phases for at in draw.sample(journal.during(*phase), CUTS // len(phases))]
    for seed, at in enumerate(sorted(cuts)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        journal.after_cut(at, seed, folder)
        assert _wrong(folder, journal.acknowledged(at)) == "", f"cut {at}, seed {seed}"
        shutil.rmtree(folder)


def _wrong(folder: Path, said: list[str]) -> str:
    """What is lost, double or half written once the agent has started again and somebody has salvaged."""
    site = plant(folder, BARE)
    if (folder / "b.tar").exists():
        try:
            read_manifest(folder / "b.tar")
        except DamagedError as error:
            return str(error)
    elif "backed up" in said:
        return "the backup is gone"
    Store(site.data).close()
    for source in sources(site, None):
        salvage(site, source, wrecks.BY)
    rows = wrecks.readings(site.data)
    new = {row.value for row in rows if row.tag == "m.new"}
    old = {row for row in rows if row.tag != "m.new"}
    if len(rows) != len(set(rows)):
        return "twice"
    if old != wrecks.TRUE:
        return f"{len(wrecks.TRUE - old)} lost, {len(old - wrecks.TRUE)} invented"
    commits = sum(line.startswith("commit") for line in said)
    return "" if new >= {float(n) for n in range(commits)} else f"{commits} commits, {new} there"
