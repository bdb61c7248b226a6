"""A machine that is the same everywhere: its disk does not differ from run to run."""

from __future__ import annotations

import pytest

from edge_agent.overview import past
from edge_agent.store.trends import TrendReader


@pytest.fixture(autouse=True)
def _the_same_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "_free", lambda site: 83_000_000_000)
    monkeypatch.setattr(TrendReader, "size", lambda self: 1_200_000_000 if self._path.exists() else None)
