"""A plant.db of every kind of row, small, and the ways in which a disk spoils it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from random import Random
from unittest.mock import patch

from drivers.reading import Quality
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.batch import Batch
from edge_agent.ledger import LedgerEvent, Person
from edge_agent.store.rescue.aside import DAMAGED
from edge_agent.store.rescue.rescue import Rescue
from edge_agent.store.sealed import merge, seal
from edge_agent.store.store import PLANT_DB, AmountRow, Store
from tests.store import workload
from tests.store.plain import Row, stored

PAGE = 4096
BY = Person("tester", "tester")
EVENTS = [LedgerEvent(n, f"m{n}", "ratio", {"ct": float(n), "pt": 1.0}, BY, workload.START + n) for n in range(1, 40)]
AMOUNTS = [AmountRow(f"manual.a{n % 7}", n * 100, n * 100 + 100, float(n), "note") for n in range(120)]
TAGS = ["m.e", "m.p", *(f"many.{n}" for n in range(24))]
COMMITS = 36
TRUE = {
    *(row for number in range(COMMITS) for row in workload.commit(number)),
    *(
        Row(
            tag,
            workload.START + number * workload.HOUR,
            workload.START + number * workload.HOUR,
            n + number / 10,
            0,
            None,
        )
        for number in range(COMMITS)
        for n, tag in enumerate(TAGS[2:])
    ),
}


def fill(data: Path) -> None:
    """Open and sealed time, ledger, amounts, alarms, a site file."""
    with redirect_stdout(StringIO()), Store(data) as store:
        with store.transaction():
            store.write_ledger(EVENTS)
            store.write_amounts(AMOUNTS, BY, workload.START)
            store.remember_site("hash", "site: {}\n" * 700, workload.START)
            store.mark_applied("request", workload.START, 1)
            for n in range(30):
                store.alarms.append(
                    AlarmEvent(f"m{n}.link", "link", f"m{n}", n, Event.RAISE, "high", recorded=workload.START + n)
                )
        for number in range(COMMITS):
            batch = Batch()
            for row in workload.commit(number):
                batch.add(row.tag, row.at, row.seen, row.value, Quality(row.quality), row.reason)
            for n, tag in enumerate(TAGS[2:]):
                at = workload.START + number * workload.HOUR
                batch.add(tag, at, at, n + number / 10, Quality.GOOD, None)
            with store.transaction():
                store.write([batch])
            if number % 12 == 11 and number < 30:
                with patch.multiple(seal, STEP_ROWS=300), patch.multiple(merge, STEP_ROWS=1000):
                    while store.tidy():
                        pass


def copied(source: Path, target: Path) -> Path:
    """A data folder like another one."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copy(source / PLANT_DB, target / PLANT_DB)
    return target


def spoil(path: Path, at: int, bytes_: bytes) -> None:
    """Lay bytes into a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes_)


def bit(path: Path, page: int, draw: Random) -> None:
    """Turn one bit of a page, counted from 0."""
    at = page * PAGE + draw.randrange(PAGE)
    spoil(path, at, bytes([path.read_bytes()[at] ^ 1 << draw.randrange(8)]))


def some(path: Path, page: int, draw: Random) -> None:
    """Turn some bytes."""
    for _ in range(20):
        spoil(path, page * PAGE + draw.randrange(PAGE), draw.randbytes(1))


def zeros(path: Path, page: int, draw: Random) -> None:
    """The page is empty."""
    spoil(path, page * PAGE, bytes(PAGE))


def noise(path: Path, page: int, draw: Random) -> None:
    """The page is anything."""
    spoil(path, page * PAGE, draw.randbytes(PAGE))


WAYS: tuple[Callable[[Path, int, Random], None], ...] = (bit, some, zeros, noise)


def pages(path: Path) -> range:
    """The numbers of a file's pages, from 0."""
    return range(path.stat().st_size // PAGE)


def readings(data: Path) -> list[Row]:
    """Every reading that the archive answers, but for the marks of holes."""
    found = [Row(*row) for rows in stored(data).values() for row in rows]
    return [row for row in found if row.reason != DAMAGED]


def rescued(path: Path) -> set[Row]:
    """Every reading that can be read in a damaged file."""
    rescue = Rescue.of(path)
    try:
        return {Row(tag, *row) for tag, rows in rescue.readings() for row in rows.samples()}
    finally:
        rescue.wreck.close()
