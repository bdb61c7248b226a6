"""A writer whose every row is known beforehand, for tests that stop it anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.sealed import merge, seal
from edge_agent.store.store import PLANT_DB, Store
from tests.store.plain import Plain, Row, old_database, stored

S = 1_000_000
HOUR = 3600 * S
START = 1_788_134_400 * S  # 2026-08-31 UTC: a month ends after the first commits
COMMITS, TURN = 60, 6  # between two rounds of sealing
OLD = [Row("m.e", START - n * HOUR, START - n * HOUR, 500.0 - n, 0, None) for n in range(1000)]


def commit(number: int) -> list[Row]:
    """What the commit of a number writes: two hours of a meter, one late row, one that supersedes."""
    now = START + number * 2 * HOUR
    rows = [Row("m.e", now + n * 900 * S, now + n * 900 * S, 500.0 + number + n / 10, 0, None) for n in range(8)]
    rows += [Row("m.p", now + n * 20 * S, now + n * 20 * S + 7, n % 40 / 10, 0, None) for n in range(90)]
    late = Row("m.e", now - 30 * HOUR, now, 500.05 + number, 0, None)
    return [*rows, late, Row("m.p", now - HOUR, now, None, 3, "timeout")]


def run(data: Path) -> None:
    """Write everything and say after each step what is safe."""
    say("open")
    with Store(data) as store:
        say("opened")
        for number in range(COMMITS):
            batch = Batch()
            for row in commit(number):
                batch.add(row.tag, row.at, row.seen, row.value, Quality(row.quality), row.reason)
            with store.transaction():
                store.write([batch])
            say(f"commit {number}")
            if number % TURN == TURN - 1:
                say(f"seal {number}")
                with patch.multiple(seal, STEP_ROWS=300), patch.multiple(merge, STEP_ROWS=1, STEP_BLOCKS=3):
                    while store.tidy():  # in many steps
                        pass
                say(f"sealed {number}")


def say(line: str) -> None:
    print(line, flush=True)


def before(data: Path) -> None:
    """What is there before: a database of version 2 with a year's beginning."""
    old_database(data / PLANT_DB, 2, OLD)


def phases() -> Iterator[tuple[str, str]]:
    """The lines around upgrade, sealing and merging."""
    yield "open", "opened"
    for number in range(TURN - 1, COMMITS, TURN):
        yield f"seal {number}", f"sealed {number}"


def wrong(data: Path, said: list[str]) -> str:
    """What is lost, double or invented in a folder after those lines were said; empty when nothing is."""
    done = sum(line.startswith("commit") for line in said)
    with Store(data) as store:
        there = stored(data)
        for count in (done, done + 1):
            plain = Plain([*OLD, *(row for number in range(min(count, COMMITS)) for row in commit(number))])
            if there == plain.by_moment():
                with store.transaction():
                    store.write([Batch(["m.e"], [0], [0], [1.0], [0], [None])])
                return ""
    plain = Plain([*OLD, *(row for number in range(done) for row in commit(number))])
    rows = sum(map(len, there.values()))
    return f"{rows} rows, {len(plain.rows)} were acknowledged in {done} commits"
