"""More than a plant sends on any good day: large requests, a burst of changes, a reader without an end."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from drivers.columns import Columns
from drivers.driver import Device
from drivers.reading import Quality, Reading
from drivers.sim.plant import shipped
from edge_agent.batch import Batch
from edge_agent.follow import follow
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Person
from edge_agent.poll import Poll
from edge_agent.record import Recorder
from edge_agent.store.lock import writing
from edge_agent.store.reader import FOREVER, Reader
from edge_agent.store.store import PLANT_DB, Store
from edge_agent.waiting import Waiting
from tests.faults.hall import Hall
from tests.plants import BARE, plant
from tests.virtual import run

S = 1_000_000
HOUR_S = 3600
START = 1_784_073_600 * S  # 2026-07-15 UTC
MANY = 200_000
BURST = 10_000
LOG_A_COMMIT = 20_000  # bytes by which the log grows with each commit while nobody can fold it
LOG_LIMIT = 4 << 20  # bytes of it afterwards; edge_agent/store/keep/retention.py


async def test_a_request_of_200000_readings_is_stored_and_readings_go_on(tmp_path: Path) -> None:
    site, batches = plant(tmp_path, BARE), Waiting()
    past = [[f"m{n % 10}.power", START - n * S, float(n), 0, None] for n in range(MANY)]
    with writing(site.data, "run"), Store(site.data) as store:
        inbox = Inbox(site.data)
        [asked] = inbox.put([Request("past", past, Person("a", "b"), 1)])
        recorder = Recorder(site, store, inbox, batches, lambda: START, Counter())
        served = asyncio.create_task(recorder.serve())
        for at in range(50):  # the event loop is free meanwhile
            batches.put_nowait(Batch.of([Reading("m.power", 1.0, Quality.GOOD, None, START + at, START + at)]))
            await asyncio.sleep(0)
        await recorder.flush()
        await served
        await recorder.close()
    assert inbox.results([asked]) == [MANY]
    reader = Reader(site.data)
    ids = reader.ids()
    assert sum(len(list(reader.samples(ids[f"m{n}.power"], -FOREVER, FOREVER))) for n in range(10)) == MANY
    assert len(list(reader.samples(ids["m.power"], START, FOREVER))) == 50


class Bursting:
    """A device that tells everything at once, again and again."""

    unfinished, blocked = False, 0

    def __init__(self, bursts: int) -> None:
        self.device, self.left, self.told = Device("m", shipped("eastron-sdm630")), bursts, 0

    async def connect(self) -> None: ...

    async def probe(self) -> str:
        return "m"

    async def close(self) -> None: ...

    async def read(self, until: float = math.inf) -> list[Reading]:
        return [Reading("m.power", 0.0, Quality.GOOD, None, START, START)]

    async def missed(self, since: Mapping[str, int]) -> AsyncIterator[Columns]:
        return
        yield

    async def changes(self) -> Columns:
        if not self.left:
            await asyncio.Event().wait()
        self.left -= 1
        columns = Columns()
        for _ in range(BURST):
            self.told += 1
            columns.add("m.power", START + self.told, START + self.told, float(self.told), Quality.GOOD, None)
        return columns


async def test_bursts_of_10000_changes_are_all_stored_and_wait_for_room(tmp_path: Path) -> None:
    site, batches, health, device = plant(tmp_path, BARE), Waiting(), Counter[str](), Bursting(20)
    following = asyncio.create_task(follow(Poll(device, 1.0), batches, lambda: START, health))
    with writing(site.data, "run"), Store(site.data) as store:
        recorder = Recorder(site, store, Inbox(site.data), batches, lambda: START, health)
        await asyncio.sleep(0.05)
        assert health["agent.blocked"] == 1
        assert device.told < 10 * BURST, "what waits is bounded"
        while device.left or not batches.empty():
            await recorder.flush()
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await recorder.close()
    reader = Reader(site.data)
    values = [s.value for s in reader.samples(reader.ids()["m.power"], START, FOREVER)]
    assert values == [float(n) for n in range(20 * BURST + 1)]


def test_a_reader_without_an_end_costs_log_and_no_reading(tmp_path: Path) -> None:
    hall = Hall(tmp_path, START, meters=3, poll_s=60)
    log = hall.site.data / f"{PLANT_DB}-wal"

    async def hours() -> None:
        async with hall.agent():
            await asyncio.sleep(HOUR_S)
            reader = sqlite3.connect(f"file:{hall.site.data / PLANT_DB}?mode=ro", uri=True, isolation_level=None)
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM tag").fetchall()
            size = log.stat().st_size
            await asyncio.sleep(6 * HOUR_S)
            assert log.stat().st_size - size < 6 * 60 * LOG_A_COMMIT
            newest = max(sample.at for sample in Reader(hall.site.data).last().values())
            assert hall.now() - newest < 180 * S
            reader.close()
            await asyncio.sleep(HOUR_S)
            assert log.stat().st_size <= LOG_LIMIT

    run(hours())
    hall.check()
