"""Taking away readings or evidence that speaks for the plant never helps it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.gap import Assessment, assess
from assistant.people import set_grade
from assistant.records import Records
from tests.plants import Row, plant_y_rows
from tests.rules.worlds import BY, NOW, PAPERS, RECORDED, file_papers, plant_to_assess, states

ROWS = plant_y_rows()
GOOD = ("met", "partly")
# Scales wide enough that every figure of plant Y lies between base and lead.
WIDE = """
benchmarks:
  gbt36132-2025.C1-01: {base: 3, lead: 0.5, unit: kgce/piece, source: test, valid_from: 2026-01-01}
  gbt36132-2025.C1-02: {base: 9, lead: 1, unit: kgCO2/piece, source: test, valid_from: 2026-01-01}
  gbt36132-2025.C1-03: {base: 0, lead: 30, unit: "%", source: test, valid_from: 2026-01-01}
"""


def assessed(rows: list[Row], papers: list[str]) -> Assessment:
    with tempfile.TemporaryDirectory() as folder:
        site = plant_to_assess(Path(folder), rows, WIDE)
        file_papers(site, papers)
        set_grade(Records(site.data), "gbt36132-2025.C1-12", 0.5, False, "半数产品", BY, RECORDED)
        return assess(site, NOW)


FULL = assessed(ROWS, list(PAPERS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sets(st.integers(0, len(ROWS) - 1), min_size=1, max_size=8),
    st.sets(st.sampled_from(sorted(PAPERS)), max_size=3),
)
def test_taking_away_never_turns_a_finding_good_nor_raises_the_score(dropped: set[int], papers: set[str]) -> None:
    less = assessed([row for i, row in enumerate(ROWS) if i not in dropped], [p for p in PAPERS if p not in papers])
    before, after = states(FULL), states(less)
    assert [name for name in after if after[name] in GOOD and before[name] not in GOOD] == []
    assert less.score.now <= FULL.score.now + 1e-9
    assert all(
        (b.points.now or 0.0) <= (a.points.now or 0.0) + 1e-9 for a, b in zip(FULL.findings, less.findings, strict=True)
    )


def test_the_whole_world_has_something_to_lose() -> None:
    assert sum(state in GOOD for state in states(FULL).values()) == 12
