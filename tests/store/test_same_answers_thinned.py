"""Thinned now and then, the store still answers as a plain table does: of whole slots as if nothing had gone."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from edge_agent.store.codec.columns import FOREVER
from edge_agent.store.keep import revisions, thin
from edge_agent.store.keep.budget import Budget
from edge_agent.store.keep.grain import DAYS, HOURS, QUARTERS, edges_of
from edge_agent.store.keep.retention import Keep
from edge_agent.store.old import LAST
from tests.store.past import ZONE
from tests.store.plain import Row
from tests.store.plain_thinned import KINDS, PlainThinned, thinned_blocks
from tests.store.test_same_answers import DAY, START, TAGS, SameAnswers, batch_of, kinds, version_of
from tests.store.test_thinning import thinned

EDGES = edges_of(START - 2 * DAY, START + 3 * DAY, DAYS, ZONE)


class SameAnswersThinned(SameAnswers):
    """With a rule that thins everything that is merged."""

    plain: PlainThinned

    def __init__(self) -> None:
        super().__init__()
        self.plain = PlainThinned()

    @rule(grain=st.sampled_from([QUARTERS, HOURS, DAYS]))
    def thin(self, grain: int) -> None:
        """As if slots were always smaller; two months later, so that all is merged."""
        store = self._writer()
        self.now += 70 * DAY
        rows = [Row(tag, self.now, self.now, 1.0, 0, None) for tag in TAGS]
        with store.transaction():
            store.write([batch_of(rows)])
        self.plain.rows += rows
        while store.tidy():
            pass
        store.keep(Keep(Budget(1 << 60, 0), ZONE), KINDS)
        with patch.multiple(thin, GAIN=1e9, FEW=0, MOST_STATES=FOREVER), patch.object(revisions, "TOGETHER_US", 0):
            thinned(store, grain)
        self.plain.came_late(3 * DAY)
        self.plain.thin(*thinned_blocks(self.data), ZONE)

    @rule(pick=st.integers(0, 9999), kind=kinds, each=st.booleans())
    def correct(self, pick: int, kind: tuple[float | None, int, str | None], each: bool) -> None:
        """Say something else of a moment of a slot that stayed, or of each, or withdraw it."""
        if self.plain.slots:
            tag, first, last = self.plain.slots[pick % len(self.plain.slots)]
            there = sorted({row.at for row in self.plain.rows if row.tag == tag and first <= row.at <= last})
            written = self._seen([(tag, at, kind) for at in (there if each else there[pick % len(there) :][:1])])
            store = self._writer()
            with store.transaction():
                assert store.write_past(batch_of(written)) == self.plain.past(written)

    @rule(back=st.integers(0, 30))
    def ask_whole_days(self, back: int) -> None:
        """Of whole days all readings that ever were count, and what came later changes no earlier answer."""
        seen = sorted({row.seen for row in self.plain.rows})
        late = self.plain.came_late(3 * DAY)
        for tag in TAGS:
            if (number := self.reader.ids().get(tag)) is None:
                continue
            if tag not in late:
                self._ask_days(tag, number, FOREVER)
            elif not self._gone_again(tag):
                self._ask_counts(tag, number)
            until = ([0, *(at for at in seen if at < late.get(tag, FOREVER))])[-1 - back :][0]
            if until >= self.plain.over(tag, EDGES[-1] + 3 * DAY):
                self._ask_days(tag, number, until)
                for edge in EDGES:
                    good = self.plain.whole().good(tag, end=edge - 1, until=until)
                    assert self.reader.good_before(number, edge - 1, until) == (good[-1] if good else None)

    def _ask_days(self, tag: str, number: int, until: int) -> None:
        whole, cut = self.plain.whole(), self.cut if version_of(self.data) > LAST else 0
        found = self.reader.summaries(number, EDGES, until)
        for told, (start, end) in zip(found, pairwise(EDGES), strict=True):
            plain = whole.period(tag, start, end, until, cut)
            sums = {"total": pytest.approx(plain.pop("total")), "area": pytest.approx(plain.pop("area"))}
            assert {name: getattr(told, name) for name in [*plain, *sums]} == plain | sums

    def _ask_counts(self, tag: str, number: int) -> None:
        """Of what was corrected after it was thinned: the counts, and no more time than there is."""
        whole = self.plain.whole()
        exact = all(abs(row.value or 0.0) < 1e9 for row in whole.rows)  # a larger one swallows the others
        for told, (start, end) in zip(self.reader.summaries(number, EDGES), pairwise(EDGES), strict=True):
            plain = whole.period(tag, start, end, FOREVER, self.cut)
            assert (told.n, told.usable) == (plain["n"], plain["usable"])
            assert told.good <= (plain["good"] or 0)
            assert 0 <= told.held <= end - start
            assert bool(told.good) == bool(self.plain.good(tag, start, end - 1))
            if exact and told.good == plain["good"]:
                assert told.total == pytest.approx(plain["total"])

    def _gone_again(self, tag: str) -> bool:
        """Whether a row was written of a moment of which one is gone: it counts as one more."""
        gone = {row.at for row in self.plain.gone if row.tag == tag}
        return any(row.at in gone for row in self.plain.rows if row.tag == tag)

    def _ask_periods(self, tag: str, number: int, edges: list[int], until: int) -> None:
        """Edges anywhere are asked for only while nothing is thinned."""
        if not self.plain.slots:
            super()._ask_periods(tag, number, edges, until)


SameAnswersThinned.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSameAnswersThinned = SameAnswersThinned.TestCase
