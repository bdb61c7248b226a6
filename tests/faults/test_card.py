"""What a person sees of an agent that cannot store, and how little of the disk it takes to say so."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sqlite3
from pathlib import Path

import pytest

from edge_agent.batch import Batch
from edge_agent.commands.run import _LogFile
from edge_agent.overview.view import overview
from edge_agent.requests import wall_clock
from edge_agent.status import status
from edge_agent.store.lock import CARD_BYTES, LOCK_FILE, running, tell, writing
from edge_agent.store.store import Store
from edge_agent.store.trouble import WORDS, trouble_of
from edge_agent.texts import LANGUAGES, Texts
from edge_agent.waiting import MOST_ROWS, Waiting
from tests.plants import BARE, plant


def test_an_agent_that_cannot_store_is_stuck_until_it_can(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE)
    with writing(site.data, "run"):
        for trouble, state in (("full", "stuck"), ("", "running")):
            tell(site.data, trouble)
            said = status(site, wall_clock())["agent"]
            assert (said["state"], said["trouble"]) == (state, trouble or None)
            holder = running(site.data)
            assert holder is not None
            assert (holder.pid, holder.command) == (os.getpid(), "run")
    assert status(site, wall_clock())["agent"]["state"] == "stopped"


def test_the_card_never_grows_and_is_not_cut(tmp_path: Path) -> None:
    """So it can be written where a disk has no byte left."""
    card = tmp_path / LOCK_FILE
    for _ in range(2):
        with writing(tmp_path, "run"):
            assert card.stat().st_size == CARD_BYTES
            tell(tmp_path, max(WORDS, key=len))
            assert card.stat().st_size == CARD_BYTES
        assert card.stat().st_size == CARD_BYTES
        assert running(tmp_path) is None


def test_screens_say_that_an_agent_is_stuck(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE)
    with writing(site.data, "run"):
        tell(site.data, "failing")
        Store(site.data).close()
        agent = overview(site, wall_clock()).agent
    assert (agent.state, agent.trouble) == ("stuck", "failing")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_trouble_has_its_words(language: str) -> None:
    say = Texts(language)  # type: ignore[arg-type]
    for word in WORDS:
        assert say("status.agent.stuck", since="12:00", why=say(f"trouble.{word}"))
        assert say("tui.agent_stuck", why=say(f"trouble.{word}"))


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENOSPC, "full"), "full"),
        (OSError(errno.EROFS, "read-only"), "read_only"),
        (OSError(errno.EIO, "failing"), "failing"),
        (sqlite3.SQLITE_FULL, "full"),
        (sqlite3.SQLITE_READONLY, "read_only"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "read_only"),
        (sqlite3.SQLITE_BUSY, "locked"),
        (sqlite3.SQLITE_IOERR_FSYNC, "failing"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "full"),
    ],
)
def test_a_trouble_is_told_by_its_error(error: OSError | int, word: str, tmp_path: Path) -> None:
    told: Exception = sqlite3.OperationalError("told")
    if isinstance(error, int):
        vars(told)["sqlite_errorcode"] = error
    else:
        told = error
    assert trouble_of(told, tmp_path) == word


async def test_the_queue_is_as_large_as_its_readings() -> None:
    queue = Waiting()
    batch = Batch(["m.p"] * 1000, [0] * 1000, [0] * 1000, [1.0] * 1000, [0] * 1000, [None] * 1000)
    count = 0
    while not queue.full():
        queue.put_nowait(batch)
        count += 1
    assert MOST_ROWS - 2000 < count * 1000 <= MOST_ROWS + 1000
    waiting = asyncio.ensure_future(queue.put(batch))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert queue.get_nowait() is batch
    await waiting
    while not queue.empty():
        queue.get_nowait()
    assert not queue.full()


def test_a_log_file_that_cannot_be_written_says_nothing_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _LogFile(tmp_path / "agent.log", delay=True)
    with monkeypatch.context() as patch:
        patch.setattr(file, "_open", lambda: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        file.emit(logging.makeLogRecord({"msg": "a line"}))
    assert capsys.readouterr().err == ""
    file.emit(logging.makeLogRecord({"msg": "another"}))
    file.close()
    assert "another" in (tmp_path / "agent.log").read_text()
