"""Writers and askers that are killed at any moment: what somebody asked for takes effect once, or not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Person
from edge_agent.requests import drain
from edge_agent.rescue.restore import restore
from edge_agent.site import Site, open_site
from edge_agent.store.lock import writing
from edge_agent.store.rescue.backup import back_up
from edge_agent.store.store import Store
from tests.plants import BARE, plant
from tests.store.plain import stored

KILLS = int(os.environ.get("LEAFGATE_KILLS", "20"))  # LEAFGATE_KILLS=200 before a release
LONGEST_S = 0.25
REQUESTS, ROWS = 20, 100  # in a life, in a request
PERSON = Person("a", "b")

_forks = get_context("forkserver")  # a child in milliseconds, without the threads of the test run
_forks.set_forkserver_preload([__name__])


def test_what_was_asked_takes_effect_once_however_often_somebody_is_killed(tmp_path: Path) -> None:
    site, draw = plant(tmp_path, BARE), Random()
    acknowledged: set[int] = set()
    for kill in range(KILLS):
        here, there = _forks.Pipe(duplex=False)
        asker = _forks.Process(target=_ask, args=(tmp_path, kill * 1000, there))
        writer = _forks.Process(target=_serve, args=(tmp_path, kill))
        for child in (asker, writer):
            child.start()
        there.close()
        time.sleep(draw.uniform(0, LONGEST_S))
        for child in draw.sample((asker, writer), 2):
            child.kill()
            child.join()
            assert child.exitcode == -9, "it fell before it was killed"
        acknowledged.update(_told(here))
    with writing(site.data, "run"), Store(site.data) as store:
        drain(store, site, Inbox(site.data))
    found = stored(site.data)
    assert all(len(rows) == 1 for rows in found.values()), "a row is there twice"
    asked = {at // ROWS for tag, at in found if tag == "m.past"}
    assert len(acknowledged) > KILLS
    assert acknowledged <= asked
    assert {(tag, at) for tag, at in found if tag == "m.past"} == {("m.past", at) for n in asked for at in _moments(n)}


def test_a_killed_backup_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    site, draw = plant(tmp_path / "site", BARE), Random()
    with writing(site.data, "run"), Store(site.data) as store:
        for day in range(100):
            batch = Batch()
            for number in range(50):
                batch.add(f"m.p{number}", day * 86_400 * 1_000_000, day, draw.random(), Quality.GOOD, None)
            with store.transaction():
                store.write([batch])
    before, made = stored(site.data), set[Path]()
    for kill in range(KILLS):
        here, there = _forks.Pipe(duplex=False)
        backing = _forks.Process(target=_back_up, args=(site.folder, tmp_path, kill * 1000, there))
        backing.start()
        there.close()
        time.sleep(draw.uniform(0, LONGEST_S))
        backing.kill()
        backing.join()
        made.update(tmp_path / f"{number}.tar" for number in _told(here))
    found = set(tmp_path.glob("[0-9]*.tar"))
    assert made <= found
    for number, path in enumerate(draw.sample(sorted(found), min(len(found), 5))):
        restore(tmp_path / f"restored{number}", path, force=False)
        assert stored(tmp_path / f"restored{number}" / "data") == before
    assert stored(site.data) == before


def _back_up(folder: Path, target: Path, first: int, told: Connection) -> None:
    """A child that makes one backup after the other."""
    for number in range(first, first + 1000):
        back_up(folder, open_site(folder).data, target / f"{number}.tar", "bare", number)
        told.send(number)


def _moments(number: int) -> range:
    """When the readings of a request were."""
    return range(number * ROWS, (number + 1) * ROWS)


def _told(here: Connection) -> Iterator[int]:
    try:
        while True:
            yield here.recv()
    except (EOFError, OSError):
        here.close()


def _ask(folder: Path, first: int, told: Connection) -> None:
    """One child: asks and tells what it may rely on."""
    inbox = Inbox(open_site(folder).data)
    for number in range(first, first + REQUESTS):
        inbox.put([Request("past", [["m.past", at, 1.0, 0, None] for at in _moments(number)], PERSON, 1)])
        told.send(number)
    signal.pause()


def _serve(folder: Path, life: int) -> None:
    """The other child: an agent that stores readings, carries out what was asked, and seals."""
    site: Site = open_site(folder)
    inbox = Inbox(site.data)
    with writing(site.data, "run", patience_s=5.0), Store(site.data) as store:
        for turn in range(1_000_000):
            batch = Batch()
            at = (life * 1_000_000 + turn) * 3_600_000_000
            batch.add("m.power", at, at, 1.0, Quality.GOOD, None)
            with store.transaction():
                store.write([batch])
            drain(store, site, inbox, most=1)
            store.tidy()
