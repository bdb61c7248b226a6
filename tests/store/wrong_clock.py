"""A gateway whose clocks are known better than it knows them: true time, a date that may be wrong, restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.codec.columns import Sample
from edge_agent.store.stamps import apart, draw
from edge_agent.store.stamps.untimed import UntimedReader
from edge_agent.store.store import Store
from edge_agent.time import era as carrying
from edge_agent.time.clock import Timepiece, forward
from edge_agent.time.trust import Trust
from tests.store.plain import stored

S = 1_000_000
HOUR, DAY = 3600 * S, 86_400 * S
START = 1_788_134_400 * S  # 2026-08-31 UTC
TAG = "m.e"
FILED = "manual.gas"


class Gateway:
    """Every reading's value is its number; `true` says when it was made, `sure` whether a time server came after it."""

    def __init__(self, data: Path, start: int = START) -> None:
        self.data = data
        self.time, self.started, self.error = start, start - 100 * S, 0  # of the date
        self.synchronised, self.boots = False, 1
        self.true: dict[int, int] = {}
        self.boot_of: dict[int, int] = {}
        self.proved: set[int] = set()  # boots that a time server has set
        self.filed: list[int] = []  # moments of readings that people have filed
        self.store: Store | None = None
        self.clock: Timepiece | None = None
        self.say: Callable[[str], None] = lambda _: None

    def run(self, seconds: int, step: int = 5) -> None:
        """Read every few seconds, commit at once, turn when the clock says so."""
        for _ in range(0, seconds, step):
            store, clock = self.running()
            batch, number = Batch(), len(self.true)
            now = clock()
            batch.add(TAG, now, now, float(number), Quality.GOOD, None)
            with store.transaction():
                store.apart.enter(f"boot {self.boots}", clock.era, clock.before)
                store.write([batch])
            self.true[number], self.boot_of[number] = self.time, self.boots
            self.say(f"made {number}")
            self.time += step * S
            clock()
            if clock.following:
                with self._machine():
                    self.clock = carrying.turned(store, clock)
            if self.synchronised and self.running()[1].era.trust == Trust.SYNCHRONISED:
                self.proved.add(self.boots)

    def file(self, ago: int) -> None:
        """Somebody files a reading of the past, and knows its moment."""
        store, clock = self.running()
        batch, at, now = Batch(), self.time - ago, clock()
        batch.add(FILED, at, now, float(len(self.filed)), Quality.GOOD, None)
        with store.transaction():
            store.apart.enter(f"boot {self.boots}", clock.era, clock.before)
            self.filed += [at] * store.write_past(batch)

    def tidy(self, steps: int = 100_000) -> None:
        """What the recorder does between commits."""
        store, _ = self.running()
        while steps and store.tidy():
            steps -= 1

    def kill(self) -> None:
        """The process ends; nothing is folded."""
        if self.store:
            self.store._db.close()
        self.store = self.clock = None

    def reboot(self, off: int, date: int | None = None) -> None:
        """Switched off for a time; the machine's clock has gone on as it was, or begins with a date."""
        self.kill()
        self.boots += 1
        self.time += off
        self.started, self.synchronised = self.time - 20 * S, False
        if date is not None:
            self.error = date - self.time

    def set(self, by: int) -> None:
        """Somebody sets the date."""
        self.error += by
        self.synchronised = False

    def time_server(self) -> None:
        """It sets the clock right."""
        self.error, self.synchronised = 0, True

    def archive(self) -> list[Sample]:
        """What the archive has of what was read, by time."""
        return self.archive_of(TAG)

    def archive_of(self, tag: str) -> list[Sample]:
        """What it has of a tag, by time."""
        rows = [row for (name, _), of_moment in stored(self.data).items() if name == tag for row in of_moment]
        found = [Sample(r.at, r.seen, r.value, Quality(r.quality), r.reason) for r in rows]
        return sorted(found, key=lambda sample: sample.at)

    def apart(self) -> list[Sample]:
        return [reading.sample for reading in UntimedReader(self.data).samples()]

    def wrong(self) -> str:
        """What is lost, double, misplaced or out of order; the end of every wait has come."""
        archive, apart = self.archive(), self.apart()
        filed = [(s.at, int(s.value or 0), s.reason) for s in self.archive_of(FILED)]
        if filed != sorted((at, number, None) for number, at in enumerate(self.filed)):
            return f"people filed {self.filed}, there is {filed}"
        numbers = [int(sample.value or 0) for sample in archive]
        if sorted(numbers + [int(sample.value or 0) for sample in apart]) != list(self.true):
            return f"{len(archive)} in the archive, {len(apart)} apart, {len(self.true)} made"
        if numbers != sorted(numbers):
            return "out of order"
        for sample, number in zip(archive, numbers, strict=True):
            error = abs(sample.seen - self.true[number])
            if self.boot_of[number] in self.proved and error > HOUR:
                return f"reading {number} is wrong by {error / HOUR:.2f} h"
        lost = [s.value for s in apart if self.boot_of[int(s.value or 0)] in self.proved]
        return f"{lost} have no time although their boot was set" if lost else ""

    def running(self) -> tuple[Store, Timepiece]:
        """The writer and its clock, started where they are not."""
        if self.store is None or self.clock is None:
            self.store = Store(self.data)
            with self._machine():
                self.clock = carrying.opened(self.store, lambda: self.time + self.error)
        return self.store, self.clock

    @contextmanager
    def _machine(self) -> Iterator[None]:
        def made(wall: object, newest: int, era: object = None) -> Timepiece:
            sources = (lambda: self.time + self.error, lambda: self.time - self.started, lambda: self.synchronised)
            return forward(sources[0], newest, sources[1], sources[2], era)  # type: ignore[arg-type]

        with patch.multiple(carrying, boot_id=lambda: f"boot {self.boots}", forward=made):
            yield


def life(data: Path) -> None:
    """A first boot in 1970, a second eight hours ahead, each set right; says after each step what is safe."""
    gateway = Gateway(data)
    gateway.say = lambda line: print(line, flush=True)
    gateway.error = 5 * S - gateway.time
    gateway.run(150)
    gateway.time_server()
    gateway.run(10)
    _placed(gateway)
    gateway.reboot(HOUR, gateway.time + 9 * HOUR)
    gateway.run(150)
    gateway.tidy()
    gateway.run(2 * 3600, 600)
    gateway.time_server()
    gateway.run(10)
    _placed(gateway)
    gateway.kill()


def made_once(data: Path, said: list[str]) -> str:
    """What is lost or double in a folder after those lines were said, when all is placed; empty when nothing is."""
    done = sum(line.startswith("made") for line in said)
    with Store(data) as store:
        while store.tidy():
            pass
    gateway = Gateway(data)
    archive = [int(sample.value or 0) for sample in gateway.archive()]
    apart = [int(sample.value or 0) for sample in gateway.apart()]
    there = sorted(archive + apart)
    if there in (list(range(done)), list(range(done + 1))) and archive == sorted(archive):
        return ""
    return f"{len(archive)} and {len(apart)} apart, {done} were acknowledged: {archive} {apart}"


def _placed(gateway: Gateway) -> None:
    gateway.say(f"placing {gateway.boots}")
    with patch.multiple(apart, STEP_ROWS=3, STEP_COMMITS=3), patch.object(draw, "STEP_ROWS", 3):
        gateway.tidy()
    gateway.say(f"placed {gateway.boots}")
