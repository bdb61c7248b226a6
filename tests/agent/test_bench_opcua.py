"""The benchmark of OPC UA values runs without node-opcua too, and then says that there is no ratio."""

from __future__ import annotations

import pytest

from edge_agent.bench import opcua


def test_without_node_opcua_asyncua_is_the_only_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcua, "node_program", lambda: None)
    monkeypatch.setattr(opcua, "TURNS", 1)
    monkeypatch.setattr(opcua, "PERIOD_S", 0.1)
    found = opcua.measure(values=20, seconds=0.6, warm_up=0.0)
    assert (found.ratio, found.node_us) == (None, None)
    assert "node-opcua is not installed" in found.why
    assert found.values >= 20
    assert 0.0 < found.ours_us < found.library_us * 2
