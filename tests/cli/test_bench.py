"""leafgate bench drivers: every figure is a ratio to a limit of the same run, beside its goal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge_agent.bench import line, opcua
from edge_agent.bench.drivers import LINE_GOAL
from edge_agent.bench.opcua import OpcUaCost
from edge_agent.cli import main
from edge_agent.exit import Exit

BOUND = 3.0  # a busy machine; the goal itself is no test


@pytest.fixture
def without_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OPC UA figure has tests of its own and takes a server half a minute."""
    monkeypatch.setattr(opcua, "measure", lambda values, seconds: OpcUaCost(None, 2.0, None, 31.0, values, "no node"))


@pytest.mark.usefixtures("without_servers")
def test_every_figure_stands_beside_its_goal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "drivers", "--quick", "--json"]) == Exit.DONE
    body: Any = json.loads(capsys.readouterr().out)
    assert (body["schema"], body["quick"]) == ("leafgate.bench.drivers/1", True)
    rows = body["rows"]
    assert {row["group"] for row in rows} == {"line", "modbus", "opcua"}
    for row in rows:
        assert row["goal"] > 0
        assert row["met"] is (None if row["ratio"] is None else row["ratio"] <= row["goal"])
        assert (row["ratio"] is None) == bool(row["why"])
        assert row["figures"]


@pytest.mark.usefixtures("without_servers")
def test_a_figure_that_cannot_be_taken_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "drivers", "--quick"]) == Exit.DONE
    out = capsys.readouterr().out
    assert "node-opcua" in out.splitlines()[-1]
    assert "3.5 字符" in out


def test_a_question_takes_longer_than_the_wire_needs_and_not_much() -> None:
    figures = line.measure([19200], 0.05)
    assert {f.case for f in figures} >= {"dlt645-energy", "dlt645-voltages", "rtu-1", "rtu-10", "rtu-60"}
    for figure in figures:
        assert figure.count >= 1
        assert 1.0 <= figure.ratio < BOUND, figure
    assert LINE_GOAL < BOUND


def test_a_block_costs_the_line_less_than_its_items() -> None:
    """Three voltages in one answer: the meter tells them as a block, and the driver asks for it."""
    by_case = {f.case: f for f in line.measure([19200], 0.05)}
    assert by_case["dlt645-voltages"].least_s < 3 * by_case["dlt645-frequency"].least_s / 2
