"""Thinned now and then, the store still answers as a plain table does: of whole slots as if nothing had gone."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from edge_agent.store.codec.columns import FOREVER
from edge_agent.store.keep import thin
from edge_agent.store.keep.budget import Budget
from edge_agent.store.keep.grain import DAYS, HOURS, QUARTERS, edges_of
from edge_agent.store.keep.retention import Keep
from edge_agent.store.old import LAST
from tests.store.past import ZONE
from tests.store.plain import Row
from tests.store.plain_thinned import KINDS, PlainThinned, thinned_blocks
from tests.store.test_same_answers import DAY, START, TAGS, SameAnswers, batch_of, version_of
from tests.store.test_thinning import thinned


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
        with patch.multiple(thin, GAIN=1e9, FEW=0):
            thinned(store, grain)
        self.plain.came_late(3 * DAY)
        self.plain.thin(*thinned_blocks(self.data), ZONE)

    @rule()
    def ask_whole_days(self) -> None:
        """Of whole days all readings that ever were count."""
        edges = edges_of(START - 2 * DAY, START + 3 * DAY, DAYS, ZONE)
        whole, cut = self.plain.whole(), self.cut if version_of(self.data) > LAST else 0
        for tag in TAGS:
            number = self.reader.ids().get(tag)
            if number is None or tag in self.plain.came_late(3 * DAY):
                continue
            found = self.reader.summaries(number, edges)
            for told, (start, end) in zip(found, pairwise(edges), strict=True):
                plain = whole.period(tag, start, end, FOREVER, cut)
                sums = {"total": pytest.approx(plain.pop("total")), "area": pytest.approx(plain.pop("area"))}
                assert {name: getattr(told, name) for name in [*plain, *sums]} == plain | sums

    def _ask_periods(self, tag: str, number: int, edges: list[int], until: int) -> None:
        """Edges anywhere are asked for only while nothing is thinned."""
        if not self.plain.slots:
            super()._ask_periods(tag, number, edges, until)


SameAnswersThinned.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSameAnswersThinned = SameAnswersThinned.TestCase
