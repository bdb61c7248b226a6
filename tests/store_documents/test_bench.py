"""The measurement of the documents runs and says something sensible; its goals are printed by `bench store`."""

from __future__ import annotations

from edge_agent.bench.documents import CHUNK, measure


def test_documents_are_measured_against_bare_sqlite() -> None:
    figures = measure(small=CHUNK, middle=2 * CHUNK, large=8 * CHUNK)
    assert figures.insert_rate > 0
    assert figures.insert_ratio > 0.2
    assert figures.growth_ratio > 0.1
    assert figures.find_ratio > 0.02, "a scan instead of the index"
