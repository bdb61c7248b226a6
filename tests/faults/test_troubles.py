"""Any sequence of many small troubles against a plain list of what was acknowledged."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Person
from edge_agent.site import Site
from edge_agent.store.sealed import hot
from edge_agent.store.store import PLANT_DB
from tests.faults.broken import BrokenDisk, inside
from tests.faults.troubled import Writer
from tests.plants import BARE, plant
from tests.store.plain import Plain, Row, stored

EXAMPLES = int(os.environ.get("LEAFGATE_TROUBLES", "15"))  # LEAFGATE_TROUBLES=500 before a release
MINUTE = 60 * 1_000_000
START = 1_784_073_600 * 1_000_000  # 2026-07-15 UTC
GONE = "no_reply"


class Troubles(RuleBasedStateMachine):
    """One site; `safe` is what was acknowledged, `unsure` what a refused commit may have left behind."""

    folder: Path
    disk: BrokenDisk

    @initialize()
    def begin(self) -> None:
        self.disk.mend()
        self.place = Path(mkdtemp(dir=self.folder))
        self.site: Site = plant(self.place, BARE)
        self.now, self.gone, self.number = START, False, 0
        self.safe: list[Row] = []
        self.seen: list[Row] = []
        self.unsure: list[list[Row]] = []
        self.asked, self.refused = set[int](), set[int]()
        self.reader: sqlite3.Connection | None = None
        self.writer: Writer | None = Writer(self.site)
        assert self.writer.opened

    def teardown(self) -> None:
        if not hasattr(self, "place"):
            return
        self.disk.mend()
        self.close_reader()
        self.end(0.0)
        self.start()
        assert self.writer is not None
        for word in ("serve", "flush", "tidy"):
            self.writer.say(word)
            assert self.writer.answer(), "it does not recover"
        assert self.writer.stop()
        self.adopt()
        past = {at: rows for (tag, at), rows in stored(self.site.data).items() if tag == "m.past"}
        assert self.asked <= past.keys() <= self.asked | self.refused, "what was asked for has not taken effect"
        assert all(len(rows) == 1 for rows in past.values())
        shutil.rmtree(self.place)

    @rule(minutes=st.integers(1, 300))
    def see(self, minutes: int) -> None:
        """The devices are read, or do not answer."""
        if self.writer is None:
            return
        rows = []
        for _ in range(10):
            self.now += minutes * MINUTE
            self.number += 1
            value = None if self.gone else float(self.number)
            rows.append(Row("m.power", self.now, self.now, value, 3 if self.gone else 0, GONE if self.gone else None))
        self.writer.say("see", rows)
        assert self.writer.answer()
        self.seen += rows

    @rule()
    def flush(self) -> None:
        if self.writer is not None:
            self.writer.say("flush")
            self.told(self.writer.answer())

    @rule(word=st.sampled_from(["tidy", "serve"]), times=st.integers(1, 10))
    def work(self, word: str, times: int) -> None:
        for _ in range(times if self.writer else 0):
            assert self.writer
            self.writer.say(word)
            self.writer.answer()

    @rule(room=st.integers(0, 200_000))
    def fill(self, room: int) -> None:
        self.disk.fill(room)

    @rule(after=st.integers(0, 100))
    def forbid(self, after: int) -> None:
        self.disk.forbid(after)

    @rule(count=st.integers(1, 5), after=st.integers(0, 5))
    def fail_syncs(self, count: int, after: int) -> None:
        self.disk.fail_syncs(count, after)

    @rule()
    def mend(self) -> None:
        self.disk.mend()

    @rule(hours=st.integers(-48, 48))
    def step_the_clock(self, hours: int) -> None:
        self.now += hours * 60 * MINUTE

    @rule()
    def lose_or_find_the_device(self) -> None:
        self.gone = not self.gone

    @rule()
    def ask(self) -> None:
        """Somebody imports a past reading; what is acknowledged must come."""
        at = len(self.asked) + len(self.refused)
        try:
            Inbox(self.site.data).put([Request("past", [["m.past", at, 1.0, 0, None]], Person("a", "b"), 1)])
            self.asked.add(at)
        except (sqlite3.Error, OSError):
            self.refused.add(at)

    @precondition(lambda self: self.reader is None)
    @rule()
    def open_reader(self) -> None:
        """Somebody reads without an end."""
        try:
            self.reader = sqlite3.connect(f"file:{self.site.data / PLANT_DB}?mode=ro", uri=True, isolation_level=None)
            self.reader.execute("BEGIN")
            self.reader.execute("SELECT COUNT(*) FROM tag").fetchall()
        except sqlite3.Error:
            self.close_reader()

    @rule()
    def close_reader(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    @rule(after_s=st.floats(0.0, 0.005), busy=st.sampled_from([None, "flush", "tidy", "serve"]))
    def end(self, after_s: float, busy: str | None = None) -> None:
        """Kill it, also in the midst of work."""
        if self.writer is None:
            return
        if busy is not None:
            self.writer.say(busy)
        if busy == "flush":
            self.unsure.append([*self.seen])
        self.writer.kill(after_s)
        self.writer = None
        self.adopt()

    @rule()
    def stop(self) -> None:
        if self.writer is not None:
            self.unsure.append([*self.seen])
            if self.writer.stop():
                self.told(True)
            self.writer = None
            self.adopt()

    @precondition(lambda self: self.writer is None)
    @rule()
    def start(self) -> None:
        """A start on a disk that refuses fails, and is tried again."""
        writer = Writer(self.site)
        if writer.opened:
            self.writer = writer
        else:
            writer.kill()

    @invariant()
    def everything_is_there_once(self) -> None:
        if hasattr(self, "site") and self.writer is not None:
            assert self.rows() == self.expected(self.safe)

    def told(self, done: bool) -> None:
        """What the writer said of a commit."""
        if done:
            self.safe += self.seen
            self.seen, self.unsure = [], []
        else:
            self.unsure.append([*self.seen])

    def adopt(self) -> None:
        """The writer is gone: the last commit has come off, or has not, and never by half."""
        found = self.rows()
        for more in [[], *self.unsure]:
            if found == self.expected([*self.safe, *more]):
                self.safe += more
                self.seen, self.unsure = [], []
                return
        raise AssertionError(f"{len(self.safe)} rows were acknowledged, of {len(found)} moments")

    def rows(self) -> dict[tuple[str, int], list[Row]]:
        hot.shared.cache_clear()
        return {key: rows for key, rows in stored(self.site.data).items() if key[0] == "m.power"}

    def expected(self, rows: list[Row]) -> dict[tuple[str, int], list[Row]]:
        return Plain(rows).by_moment()


def machine(folder: Path, disk: BrokenDisk) -> None:
    Troubles.folder, Troubles.disk = folder, disk
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if EXAMPLES > 100 else ()))
    calm = [HealthCheck.too_slow, HealthCheck.data_too_large]
    few = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        phases=phases,
        suppress_health_check=calm,
        database=None,
        deadline=None,
    )
    run_state_machine_as_test(Troubles, settings=few)


def test_many_small_troubles_lose_and_double_nothing(tmp_path: Path) -> None:
    inside(machine, tmp_path / "sites")
