"""Somebody takes a file of the open database away: what was acknowledged is there all the same."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.exit import Exit, Stop
from edge_agent.store.lock import FILE_MODE
from edge_agent.store.store import Store
from tests.store.plain import stored
from tests.store.test_sealing import START, S, batch_of, write


def values(data: Path) -> list[float | None]:
    return [row.value for rows in stored(data).values() for row in rows]


@pytest.mark.parametrize("names", [["plant.db-wal"], ["plant.db"], ["plant.db", "plant.db-wal", "plant.db-shm"]])
def test_what_was_committed_before_and_after_outlives_a_kill(tmp_path: Path, names: list[str]) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    data.mkdir()
    store = Store(data)
    write(store, batch_of("m.e", (START, 1.0)))
    for name in names:
        (data / name).unlink()
    assert store.regain()
    write(store, batch_of("m.e", (START + S, 2.0)))
    shutil.copytree(data, copy)  # as the disk is at this moment
    store.close()
    assert values(copy) == values(data) == [1.0, 2.0]
    assert (data / "plant.db").stat().st_mode & 0o777 == FILE_MODE
    assert not store_is_lost(copy)


def store_is_lost(data: Path) -> bool:
    with Store(data) as store:
        return store.regain()


@pytest.mark.parametrize("again", [Store.regain, lambda store: store.begin_anew("a test")])
def test_a_disk_that_refuses_the_opening_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: Callable[[Store], object]
) -> None:
    def refuses(*_: object) -> sqlite3.Connection:
        raise Stop(Exit.SITE, "error.full_disk") from sqlite3.OperationalError("database or disk is full")

    store = Store(tmp_path)
    write(store, batch_of("m.e", (START, 1.0)))
    (tmp_path / "plant.db-wal").unlink()
    with monkeypatch.context() as full:
        full.setattr("edge_agent.store.store.sound_writer", refuses)
        with pytest.raises(sqlite3.OperationalError):
            again(store)
        with pytest.raises(sqlite3.OperationalError):
            store.regain()
    assert store.regain()
    write(store, batch_of("m.e", (START + S, 2.0)))
    store.close()
    assert 2.0 in values(tmp_path)


def test_a_file_that_was_laid_over_the_one_in_use_lies_beside_it_then(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    for folder, value in ((data, 1.0), (other, 7.0)):
        folder.mkdir()
        with Store(folder) as store:
            write(store, batch_of("m.e", (START, value)))
    with Store(data) as store:
        write(store, batch_of("m.e", (START + S, 2.0)))
        (other / "plant.db").rename(data / "plant.db")
        assert store.regain()
        write(store, batch_of("m.e", (START + 2 * S, 3.0)))
    assert values(data) == [1.0, 2.0, 3.0]
    (beside,) = data.glob("plant.db.other-*")
    beside.rename(other / "plant.db")
    assert values(other) == [7.0]
