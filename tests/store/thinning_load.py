"""A writer that thins in many steps, for tests that stop it anywhere; what it must answer is known beforehand."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from edge_agent.store.codec.summary import Summary
from edge_agent.store.keep import thin
from edge_agent.store.keep.grain import DAYS, HOURS
from edge_agent.store.store import Store
from tests.store.past import CUT, DAY, HOUR, KINDS, START, fill, opened, periods
from tests.store.test_thinning import same, thinned

END = START + 3 * DAY


def before(data: Path) -> None:
    """Two days that are merged, and a part of the third."""
    with opened(data) as store:
        fill(store, START, START + 2 * DAY + 4 * HOUR, 60 * 1_000_000)


def run(data: Path) -> None:
    """Thin everything to days, a tag a step."""
    with opened(data) as store, patch.object(thin, "STEP_ROWS", 1):
        print("thin", flush=True)
        thinned(store, DAYS)
        print("thinned", flush=True)


def told(data: Path) -> dict[str, list[Summary]]:
    """What each day comes to."""
    return periods(data, START, END, DAYS)


def wrong(data: Path, plain: dict[str, list[Summary]]) -> str:
    """What is lost or double after a cut; empty when nothing is, and the rest can still be thinned."""
    for _ in range(2):
        with Store(data, CUT) as store:
            (sound,) = store._db.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                return str(sound)
        found = told(data)
        for tag in KINDS:
            if not all(same(*pair) for pair in zip(found[tag], plain[tag], strict=True)):
                return f"{tag} is not as it was"
        with opened(data) as store:
            thinned(store, HOURS)
    return ""
