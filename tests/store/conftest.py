"""What several tests of the store begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.site import Site
from tests.plants import BARE, plant
from tests.store import wrecks


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with every kind of row in its database."""
    made = plant(tmp_path / "site", BARE)
    made.data.mkdir()
    wrecks.fill(made.data)
    return made
