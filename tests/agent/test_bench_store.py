"""leafgate bench store: every figure is taken of readings that are all there, and stands beside its goal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.bench import ingest, life, question, size
from edge_agent.bench.reference import A_DAY, reference
from edge_agent.bench.report import Row
from edge_agent.cli import main
from edge_agent.exit import Exit

NOWHERE = Path("nowhere.csv.gz")


def test_ingest_is_measured_beside_rows_of_both_widths() -> None:
    cost = ingest.measure(batches=2, rounds=2)
    assert cost.ours_us > 0
    assert 0 < cost.ratio < cost.full_ratio, "rows with more columns cost more"


def test_a_reading_takes_less_room_at_rest_than_its_value_alone() -> None:
    found = size.measure(reference(days=3, steel=NOWHERE))
    assert (found.samples, found.share) == (3 * A_DAY * 8, 1.0)
    assert 0 < found.block_bytes < 8.0
    assert found.block_bytes < found.disk_bytes


def test_without_the_steel_plant_the_simulated_one_is_measured() -> None:
    data = reference(days=2, steel=NOWHERE)
    assert (data.name, data.samples) == ("simulated", 2 * A_DAY * 8)


def test_the_steel_plant_is_a_year_of_quarter_hours(shared: Path) -> None:
    data = reference(steel=shared / "data" / "steel_industry.csv.gz")
    assert (data.name, data.samples) == ("steel", 365 * A_DAY * 6)
    assert data.batches[0].values[0] == 3.17


def test_what_is_written_over_a_life_holds_more_than_what_remains() -> None:
    found = life.measure(hours=0.01)
    assert found.samples == 8 * ingest.ROWS
    assert found.written_bytes > found.disk_bytes > 0
    assert found.writes > 0


def test_questions_are_asked_at_the_midnights_of_both_zones() -> None:
    found = question.measure(days=3, rounds=1)
    assert [(a.question, a.zone) for a in found] == [(q, z) for z in question.ZONES for q in ("year", "day")]
    assert all(a.ours_ms > 0 and a.rows_ms > 0 for a in found)
    utc, shanghai = (question.midnights(zone, 1) for zone in question.ZONES)
    assert utc[0] - shanghai[0] == 8 * 3600 * 1_000_000


@pytest.mark.parametrize(("ratio", "least", "met"), [(0.8, True, True), (0.7, True, False), (0.7, False, True)])
def test_a_goal_is_a_bound_from_one_side(ratio: float, least: bool, met: bool) -> None:
    row = Row("ingest", "cpu", ratio, 0.75, least=least)
    assert row.is_met is met
    assert row.as_json()["sign"] == (">=" if least else "<=")


def test_every_figure_of_the_store_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "store", "--quick", "--json"]) == Exit.DONE
    body: Any = json.loads(capsys.readouterr().out)
    assert (body["schema"], body["quick"]) == ("leafgate.bench.store/1", True)
    assert {row["group"] for row in body["rows"]} == {"ingest", "size", "life", "question", "documents"}
    for row in body["rows"]:
        assert row["met"] is (row["ratio"] >= row["goal"] if row["sign"] == ">=" else row["ratio"] <= row["goal"])
        assert row["figures"]
