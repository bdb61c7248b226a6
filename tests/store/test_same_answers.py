"""Whatever is written, sealed, merged, restarted or upgraded, the store answers as a plain table does."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.codec.columns import FOREVER
from edge_agent.store.database import reading, version
from edge_agent.store.old import LAST
from edge_agent.store.reader import Reader
from edge_agent.store.sealed import merge, seal
from edge_agent.store.store import Store
from edge_agent.store.trends import TrendReader
from tests.store.plain import Plain, Row, old_database, stored

S = 1_000_000
MINUTE, HOUR, DAY = 60 * S, 3600 * S, 86_400 * S
START = 1_788_134_400 * S  # 2026-08-31 UTC, so that a month ends soon
CLOCK = (START, START + 15 * MINUTE, START + HOUR, START + DAY, START + DAY + 1, START + 2 * DAY, START + 60 * DAY)
TAGS = ("m.e", "inv.state")

cuts = st.sampled_from([0, 8 * HOUR, -5 * HOUR, 5 * HOUR + 45 * MINUTE, 10 * HOUR + 30 * MINUTE])

# Few moments, so that rows meet; about the ends of days and months, and dates that nobody had.
near = st.tuples(st.sampled_from([0, 0, 1, 3]), st.sampled_from([0, 60, 3600, 86_399]))
dates = st.sampled_from([-5, 2**60, START - 40 * DAY])
moments = st.one_of(near.map(lambda m: START + m[0] * DAY + m[1] * S), near.map(lambda m: START + m[1] * S + 1), dates)
waits = st.sampled_from([1, S, 7 * MINUTE, HOUR, DAY, 31 * DAY])
values = st.one_of(st.integers(0, 3).map(float), st.sampled_from([0.1, -0.0, 12345.678, 1e300]))
kinds = st.one_of(
    st.tuples(values, st.just(0), st.none()),
    st.tuples(values, st.just(1), st.just("uncertain_value")),
    st.sampled_from([(None, 3, "timeout"), (None, 4, None), (None, 3, "asleep"), (None, 0, None)]),
)
readings = st.tuples(st.sampled_from(TAGS), moments, kinds)


def version_of(data: Path) -> int:
    if not (data / "plant.db").exists():
        return 0
    with reading(data / "plant.db") as db:
        return version(db)


def batch_of(rows: list[Row]) -> Batch:
    batch = Batch()
    for row in rows:
        batch.add(row.tag, row.at, row.seen, row.value, Quality(row.quality), row.reason)
    return batch


Drawn = tuple[str, int, tuple[float | None, int, str | None]]


class SameAnswers(RuleBasedStateMachine):
    """Both sides are written the same and asked the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.data = Path(self.folder.name)
        self.plain, self.now = Plain(), START
        self.store: Store | None = None
        self.cut = self.zone = 0
        self.reader, self.trends, self.alarms = Reader(self.data), TrendReader(self.data), AlarmReader(self.data)

    def teardown(self) -> None:
        if self.store:
            self.store.close()
        self.folder.cleanup()

    @initialize(version=st.integers(0, 2), rows=st.lists(readings, max_size=30), cut=cuts)
    def begin(self, version: int, rows: list[Drawn], cut: int) -> None:
        self.cut = cut
        if version:
            self.plain.rows = self._seen(rows)
            old_database(self.data / "plant.db", version, self.plain.rows)

    @rule(rows=st.lists(readings, min_size=1, max_size=12))
    def write(self, rows: list[Drawn]) -> None:
        written, store = self._seen(rows), self._writer()
        with store.transaction():
            half = len(written) // 2
            store.write([batch_of(written[:half]), batch_of(written[half:])])
        self.plain.rows += written

    @rule(tag=st.sampled_from(TAGS), count=st.integers(2, 150), step=st.sampled_from([S, MINUTE, 15 * MINUTE, DAY]))
    def write_regularly(self, tag: str, count: int, step: int) -> None:
        rows = [Row(tag, self.now + i * step, self.now + i * step, i % 50 / 10, 0, None) for i in range(count)]
        with self._writer().transaction():
            self._writer().write([batch_of(rows)])
        self.plain.rows += rows

    @rule(rows=st.lists(readings, min_size=1, max_size=12))
    def write_past(self, rows: list[Drawn]) -> None:
        written, store = self._seen(rows), self._writer()
        with store.transaction():
            assert store.write_past(batch_of(written)) == self.plain.past(written)

    @rule(rows=st.lists(readings, min_size=1, max_size=5))
    def fail(self, rows: list[Drawn]) -> None:
        def write() -> None:
            with store.transaction():
                store.write([batch_of(self._seen(rows))])
                raise ZeroDivisionError

        store = self._writer()
        with pytest.raises(ZeroDivisionError):
            write()

    @rule(wait=waits)
    def wait(self, wait: int) -> None:
        self.now += wait

    @rule()
    def go_back(self) -> None:
        self.now -= 3 * HOUR

    @rule()
    def tidy(self) -> None:
        self._writer().tidy()

    @rule(rows=st.sampled_from([1, 20, 1000]), merged=st.sampled_from([5, 100_000]))
    def tidy_all(self, rows: int, merged: int) -> None:
        """As if so many rows were many."""
        few = patch.multiple(merge, STEP_ROWS=rows, STEP_BLOCKS=rows, MERGED_ROWS=merged)
        with patch.multiple(seal, STEP_ROWS=rows), few:
            while self._writer().tidy():
                pass

    @rule(zone=cuts)
    def restart(self, zone: int) -> None:
        """In another zone too: the cut stays."""
        self.zone = zone
        if self.store:
            self.store.close()
        self.store = None

    @rule(ends=st.tuples(moments, moments), until=st.one_of(st.just(FOREVER), moments), state=values)
    def ask(self, ends: tuple[int, int], until: int, state: float) -> None:
        start, end = sorted(ends)
        for tag in TAGS:
            number = self.reader.ids().get(tag, 99)
            self._ask_near(tag, number, start, until)
            assert self.reader.falls(number, start, end, until) == self.plain.falls(tag, start, end, until)
            with patch("edge_agent.store.reader.PAGE", 3):
                assert list(self.reader.samples(number, start, end)) == self.plain.valid(tag, start, end - 1)
            assert self.reader.since(tag, state) == self.plain.since(tag, state)
            self._ask_periods(tag, number, sorted({start, *CLOCK, end}), until)
        plain = [minute for name in TAGS for minute in self.plain.minutes(name, START, START + DAY)]
        assert sorted(self.trends.minutes(TAGS, START, START + DAY)) == sorted(plain)

    def _ask_near(self, tag: str, number: int, at: int, until: int) -> None:
        before, after = self.plain.good(tag, end=at, until=until), self.plain.good(tag, start=at, until=until)
        assert self.reader.good_before(number, at, until) == (before[-1] if before else None)
        assert self.reader.good_after(number, at, until) == (after[0] if after else None)
        assert self.trends.last_usable([tag], at).get(tag) == self.plain.usable(tag, at)
        last = self.plain.good(tag, end=at)
        told = (last[-1].at, last[-1].value, last[-1].reason) if last else None
        assert self.alarms.last_good([tag], at).get(tag) == told

    def _ask_periods(self, tag: str, number: int, edges: list[int], until: int) -> None:
        found = self.reader.summaries(number, edges, until)
        cut = self.cut if version_of(self.data) > LAST else 0
        for told, (start, end) in zip(found, pairwise(edges), strict=True):
            plain = self.plain.period(tag, start, end, until, cut)
            sums = {"total": pytest.approx(plain.pop("total")), "area": pytest.approx(plain.pop("area"))}
            assert {name: getattr(told, name) for name in [*plain, *sums]} == plain | sums

    @invariant()
    def every_row_is_there_once_and_in_its_turn(self) -> None:
        rows = stored(self.data)
        assert rows == self.plain.by_moment()
        assert self.trends.oldest() == self.plain.oldest()
        for before in (FOREVER, START + DAY, START):
            assert self.reader.last(before) == self.plain.last(before)

    def _writer(self) -> Store:
        if self.store is None:
            self.store = Store(self.data, self.cut if version_of(self.data) <= LAST else self.zone)
        return self.store

    def _seen(self, rows: list[Drawn]) -> list[Row]:
        self.now += S
        return [Row(tag, at, self.now, *kind) for tag, at, kind in rows]


SameAnswers.TestCase.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSameAnswers = SameAnswers.TestCase
