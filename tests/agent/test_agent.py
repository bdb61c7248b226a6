"""Polling and recording: a dead device costs the others little, and a failed commit loses nothing."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.text import Text
from drivers.bus import Bus
from drivers.driver import Device
from drivers.error import DeviceError, LinkError
from drivers.link import TcpLink
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from edge_agent import record
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Person
from edge_agent.poll import LinkState, Poll, cycle, poll_line
from edge_agent.record import Recorder
from edge_agent.requests import drain, wall_clock
from edge_agent.retry import Retry
from edge_agent.status import status
from edge_agent.store.lock import LOCK_FILE, beat, writing
from edge_agent.store.reader import Reader
from edge_agent.store.store import Store
from tests.plants import BARE, plant

PROFILE = Profile(Text("表", "meter"), "modbus", "test", {"power": Item("power", register=0)})


LINE = Bus("unused", TcpLink.open)  # type: ignore[arg-type]


class Fake:
    """A driver that does what its script says."""

    unfinished = False

    def __init__(self, name: str, script: Callable[[int], float | Exception]) -> None:
        self.device = Device(name, PROFILE)
        self.script, self.reads = script, 0

    async def connect(self) -> None: ...

    async def probe(self) -> str:
        return self.device.name

    async def read(self, until: float = math.inf) -> list[Reading]:
        self.reads += 1
        said = self.script(self.reads)
        if isinstance(said, Exception):
            raise said
        return [Reading(f"{self.device.name}.power", said, Quality.GOOD, None, self.reads, self.reads)]

    async def close(self) -> None: ...


def tick() -> Callable[[], int]:
    moments = iter(range(1, 1_000_000))
    return lambda: next(moments)


async def test_a_lost_device_gives_readings_without_value_and_says_its_link_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "leafgate")
    poll = Poll(Fake("m", lambda n: LinkError("no_reply") if n in (2, 3) else 5.0), 1.0)
    clock = tick()
    batches = [await cycle(poll, clock) for _ in range(4)]
    states = [(t, v) for b in batches for t, v in zip(b.tags, b.values, strict=True) if t == "m.link"]
    assert states == [("m.link", 1.0), ("m.link", 0.0), ("m.link", 1.0)]
    assert batches[1].values[0] is None
    assert batches[1].reasons[0] == "no_reply"
    levels = [r.levelname for r in caplog.records if r.name == "leafgate.poll"]
    assert levels == ["WARNING", "DEBUG", "INFO"]


async def test_a_fault_of_a_driver_is_a_bad_reading_and_not_the_end() -> None:
    poll = Poll(Fake("m", lambda n: ZeroDivisionError("bug")), 1.0)
    batch = await cycle(poll, tick())
    assert (batch.values[0], batch.qualities[0], batch.reasons[0]) == (None, Quality.BAD, "driver_fault")


async def test_a_device_that_says_no_is_down_with_its_reason() -> None:
    poll = Poll(Fake("m", lambda n: DeviceError("illegal_address")), 1.0)
    assert (await cycle(poll, tick())).reasons[0] == "illegal_address"
    assert poll.state == LinkState.DOWN


async def test_a_dead_device_backs_off_and_the_others_keep_their_rate() -> None:
    good, dead = Fake("good", lambda n: 1.0), Fake("dead", lambda n: LinkError("no_reply"))
    batches: asyncio.Queue[Batch] = asyncio.Queue(10_000)
    polls = [Poll(good, 0.01), Poll(dead, 0.01, retry=Retry(first_s=0.05))]
    task = asyncio.create_task(poll_line(LINE, polls, batches, tick(), Counter()))
    await asyncio.sleep(0.5)
    task.cancel()
    assert dead.reads < good.reads / 4


async def test_a_full_queue_makes_the_poll_wait_and_is_counted() -> None:
    health: Counter[str] = Counter()
    batches: asyncio.Queue[Batch] = asyncio.Queue(1)
    device = Fake("m", lambda n: 1.0)
    task = asyncio.create_task(poll_line(LINE, [Poll(device, 0.001)], batches, tick(), health))
    await asyncio.sleep(0.1)
    assert device.reads == 2
    assert health["agent.blocked"] == 1
    task.cancel()


async def test_a_failed_commit_keeps_every_batch_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    batches: asyncio.Queue[Batch] = asyncio.Queue(100)
    recorder = Recorder(plant(tmp_path, BARE), store, Inbox(tmp_path), batches, tick(), Counter())
    write = store.write

    def full(_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store, "write", full)
    for at in (1, 2):
        batches.put_nowait(Batch.of([Reading("m.e", 1.0, Quality.GOOD, None, at, at)]))
        with pytest.raises(sqlite3.OperationalError):
            await recorder.flush()
    monkeypatch.setattr(store, "write", write)
    await recorder.close()
    store.close()
    reader = Reader(tmp_path)
    assert [s.at for s in reader.samples(reader.ids()["m.e"], 0, 10)] == [1, 2]


async def test_a_lock_file_that_was_removed_does_not_end_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(record, "FLUSH_S", 0.01)
    with Store(tmp_path) as store:
        batches: asyncio.Queue[Batch] = asyncio.Queue(100)
        site = plant(tmp_path, BARE)  # without a lock file: nobody holds it
        recorder = Recorder(site, store, Inbox(tmp_path), batches, tick(), Counter())
        task = asyncio.create_task(recorder.run())
        await asyncio.sleep(0.1)
        batches.put_nowait(Batch.of([Reading("m.e", 1.0, Quality.GOOD, None, 5, 5)]))
        await asyncio.sleep(0.1)
        recorder.stopping.set()
        await task
        await recorder.close()
    assert Reader(tmp_path).last()["m.e"].at == 5
    assert len([r for r in caplog.records if r.name == "leafgate.record"]) == 1


async def test_what_is_counted_while_the_disk_writes_is_written_by_the_next_flush(tmp_path: Path) -> None:
    health: Counter[str] = Counter({"agent.blocked": 1})
    with Store(tmp_path) as store:
        recorder = Recorder(plant(tmp_path, BARE), store, Inbox(tmp_path), asyncio.Queue(), tick(), health)
        flush = asyncio.create_task(recorder.flush())
        await asyncio.sleep(0)  # the writing has begun
        health["agent.blocked"] = 2
        await flush
        await recorder.flush()
        await recorder.close()
    assert Reader(tmp_path).last()["agent.blocked"].value == 2.0


def test_a_request_takes_effect_once_even_when_the_inbox_was_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, site = Inbox(tmp_path), plant(tmp_path, BARE)
    inbox.put([Request("amounts", [["manual.p", 0, 10, 5.0, ""]], Person("a", "b"), 1)])
    with Store(tmp_path) as store:
        with monkeypatch.context() as patch:
            patch.setattr(inbox, "done", lambda *_: (_ for _ in ()).throw(OSError("power")))
            with pytest.raises(OSError, match="power"):
                drain(store, site, inbox)
        assert drain(store, site, inbox) == 1
        assert drain(store, site, inbox) == 0
    assert [a.value for a in Reader(tmp_path).amounts("manual.p")] == [5.0]


def test_a_request_that_is_wrong_is_refused_and_the_ones_behind_it_go_on(tmp_path: Path) -> None:
    inbox, site, person = Inbox(tmp_path), plant(tmp_path, BARE), Person("a", "b")
    wrong: list[tuple[str, object]] = [
        ("past", [["m1.power", 1, 5.0, int(Quality.BAD), None]]),
        ("past", [["m1.power", 1]]),
        ("amounts", [["manual.p", 10, 10, 5.0, ""]]),
        ("future", []),
    ]
    ids = inbox.put([Request(kind, payload, person, 1) for kind, payload in wrong])
    ids += inbox.put([Request("amounts", [["manual.p", 0, 10, 5.0, ""]], person, 1)])
    with Store(tmp_path) as store:
        assert drain(store, site, inbox) == 5
    *refused, last = inbox.results(ids)
    assert all("error" in result for result in refused)
    assert last == 1
    assert [a.value for a in Reader(tmp_path).amounts("manual.p")] == [5.0]


def test_amounts_that_overlap_are_refused_by_the_writer(tmp_path: Path) -> None:
    inbox, site, person = Inbox(tmp_path), plant(tmp_path, BARE), Person("a", "b")
    day = 86_400_000_000
    whole, half = [["manual.p", 0, 31 * day, 100.0, ""]], [["manual.p", 0, 15 * day, 50.0, ""]]
    ids = inbox.put([Request("amounts", rows, person, 1) for rows in (whole, half)])
    with Store(tmp_path) as store:
        drain(store, site, inbox)
    assert "error" in inbox.results(ids)[1]
    assert [a.value for a in Reader(tmp_path).amounts("manual.p")] == [100.0]


def test_an_idle_inbox_is_not_opened_again_until_somebody_asks(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.put([Request("ledger", [], Person("a", "b"), 1)])
    [first] = inbox.pending()
    inbox.done(first.id, 1, 0)
    assert inbox.pending() == []
    before = tmp_path.stat().st_mtime_ns
    assert inbox.pending() == []
    assert tmp_path.stat().st_mtime_ns == before
    Inbox(tmp_path).put([Request("ledger", [], Person("a", "b"), 1)])
    assert len(inbox.pending()) == 1


def test_waits_grow_to_a_ceiling_and_start_anew() -> None:
    retry = Retry(first_s=1.0, ceiling_s=60.0)
    waits = [retry.next_wait() for _ in range(10)]
    assert all(0.9 <= w <= 66.0 for w in waits)
    assert waits[-1] > 50.0
    retry.reset()
    assert retry.next_wait() < 2.0


def test_an_agent_without_a_sign_of_life_is_silent_and_its_links_unknown(tmp_path: Path) -> None:
    site = plant(tmp_path, BARE)
    with writing(site.data, "run"):
        assert status(site, wall_clock())["agent"]["state"] == "running"
        old = wall_clock() // 1_000_000 - 120
        os.utime(site.data / LOCK_FILE, (old, old))
        assert status(site, wall_clock())["agent"]["state"] == "silent"
        beat(site.data)
        assert status(site, wall_clock())["agent"]["state"] == "running"
    assert status(site, wall_clock())["agent"]["state"] == "stopped"
