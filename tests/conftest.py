"""Fixtures shared by all rooms of the house."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("leafgate", deadline=None)  # how long an example takes says more of the machine than of it
settings.load_profile("leafgate")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
REQUIRED = set(os.environ.get("LEAFGATE_REQUIRE", "").split(","))


@pytest.fixture(autouse=True)
def _nothing_of_the_developers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's language and site do not reach a test."""
    monkeypatch.delenv("LEAFGATE_LANG", raising=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material; without it the test skips, or fails where it is required."""
    if not SHARED.is_dir():
        missing("shared", f"the folder {SHARED.name} is not beside this project")
    return SHARED


def missing(what: str, why: str) -> None:
    """Skip with the reason, or fail where LEAFGATE_REQUIRE names `what`."""
    if what in REQUIRED:
        pytest.fail(f"required by LEAFGATE_REQUIRE: {why}")
    pytest.skip(why)
