"""Several processes at once: each change takes its turn, readers see whole turns, a killed one leaves no mark."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from time import sleep

from tinydb import where

from assistant.records import Records, Version
from edge_agent.ledger import Person
from edge_agent.store.documents.documents import documents, documents_read_only
from tests.store.killed import said

WRITERS, READERS = 4, 2
PAIRS = 30  # turns of each writer
KILLS = 15
LONGEST_S = 0.08
BY = Person("李工", "li")

_forks = get_context("forkserver")  # a child in milliseconds, without the threads of the test run
_forks.set_forkserver_preload([__name__])


def test_four_writers_and_two_readers_come_not_between_each_other(tmp_path: Path) -> None:
    writers = [_forks.Process(target=write_pairs, args=(tmp_path, name)) for name in range(WRITERS)]
    readers = [_forks.Process(target=watch_pairs, args=(tmp_path,)) for _ in range(READERS)]
    started: list[BaseProcess] = [*readers, *writers]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * (WRITERS + READERS)
    history = Records(tmp_path).history("owners")
    assert [v.body["count"] for v in history] == list(range(1, WRITERS * PAIRS + 1))
    assert [v.supersedes for v in history] == [None, *(v.number for v in history[:-1])]


def counted(last: Version | None) -> dict[str, int]:
    """One more than the version before, so that a lost or doubled one shows."""
    return {"count": last.body["count"] + 1 if last else 1}


def write_pairs(data: Path, name: int) -> None:
    """Two documents in one turn, then a version that counts on from whoever was last."""
    for number in range(PAIRS):
        with documents(data / "records.db", ["by"]) as db:
            pairs = db.collection("pair")
            with pairs.turn():
                pairs.insert({"by": name, "number": number})
                pairs.insert({"by": name, "number": -number})
        Records(data).change("owners", "x", counted, BY, number)


def watch_pairs(data: Path) -> None:
    """Until all is there: ids without a hole, turns whole, nothing that was seen is gone."""
    seen: list[tuple[int, int]] = []
    while len(seen) < 2 * WRITERS * PAIRS:
        try:
            with documents_read_only(data / "records.db") as db:
                table = db.collection("pair")
                found = table.all()
                own = [d["number"] for d in table.search(where("by") == 0)]
        except FileNotFoundError:
            continue
        assert [d.doc_id for d in found] == list(range(1, len(found) + 1))
        now = [(d["by"], d["number"]) for d in found]
        assert now[: len(seen)] == seen
        assert len(now) % 2 == 0
        assert own == [sign * number for number in range(len(own) // 2) for sign in (1, -1)]
        seen = now


def test_a_killed_writer_loses_nothing_that_it_acknowledged_and_stops_nobody(tmp_path: Path) -> None:
    draw, told = Random(), 0
    for _ in range(KILLS):
        here, there = _forks.Pipe(duplex=False)
        writer = _forks.Process(target=write_on, args=(tmp_path, there))
        writer.start()
        there.close()
        sleep(draw.uniform(0, LONGEST_S))
        writer.kill()
        told = max([told, *said(here)])
        writer.join()
        assert writer.exitcode == -9, "the writer fell before it was killed"
        history = Records(tmp_path).history("owners")
        assert [v.body["count"] for v in history] == list(range(1, len(history) + 1))
        assert len(history) >= told
    assert told > 0


def write_on(data: Path, told: Connection) -> None:
    """Versions without end, each told when it is safe."""
    while True:
        version = Records(data).change("owners", "x", counted, BY, 0)
        assert version is not None
        told.send(version.body["count"])
