"""The start of an agent: it reads what its site needs and no more, and its first readings are soon on the disk."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections import Counter
from pathlib import Path

import pytest

from configs.problem import ConfigError
from drivers.reading import Quality, Reading
from edge_agent import record
from edge_agent.batch import Batch
from edge_agent.cli import main
from edge_agent.exit import Exit
from edge_agent.inbox import Inbox
from edge_agent.record import Recorder
from edge_agent.site import load_profiles
from edge_agent.store.reader import Reader
from edge_agent.store.store import Store
from tests.plants import BARE, ONE_METER, plant

LONG_S = 3600.0
PATIENCE_S = 20.0
OWN = "title: {zh: 表, en: meter}\nprotocol: modbus\nsource: test\nitems:\n  power: {quantity: power, register: 0}\n"


def test_a_site_reads_the_shipped_profiles_that_it_names_and_all_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "own.yaml").write_text(OWN, encoding="utf-8")
    assert set(plant(tmp_path, ONE_METER).profiles) == {"eastron-sdm630", "own"}
    assert set(plant(tmp_path, BARE).profiles) == {"own"}
    assert {"eastron-sdm630", "own", "dlt645-2007-3ph"} <= set(load_profiles(tmp_path))


def test_a_name_that_no_profile_has_is_told_with_all_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        plant(tmp_path, ONE_METER.replace("eastron-sdm630", "eastron-sdm63"))
    [problem] = [p for p in raised.value.problems if p.code == "no_profile"]
    assert problem.fields["nearest"] == "eastron-sdm630"
    assert "dlt645-2007-3ph" in problem.fields["allowed"]


async def test_the_first_readings_do_not_wait_for_a_whole_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "FLUSH_S", LONG_S)
    count = itertools.count(1)
    with Store(tmp_path) as store:
        batches: asyncio.Queue[Batch] = asyncio.Queue()
        site = plant(tmp_path / "site", BARE)
        recorder = Recorder(site, store, Inbox(tmp_path), batches, lambda: next(count), Counter())
        task = asyncio.create_task(recorder.run())
        batches.put_nowait(Batch.of([Reading("m.e", 1.0, Quality.GOOD, None, 5, 5)]))
        async with asyncio.timeout(PATIENCE_S):
            while not Reader(tmp_path).last():
                await asyncio.sleep(0.02)
        recorder.stopping.set()
        await task
        await recorder.close()


def test_after_a_run_garbage_is_looked_for_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, BARE)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--seconds", "0.05"]) == Exit.DONE
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
