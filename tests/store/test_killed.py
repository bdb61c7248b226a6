"""kill -9 at random moments under load: what was acknowledged or seen stays, and nothing is there twice."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from tests.store.killed import STEPS, Site

KILLS = int(os.environ.get("LEAFGATE_KILLS", "60"))  # LEAFGATE_KILLS=200 before a release
KILLS_OF_ONE_SITE = 10  # then a fresh folder, so that the first start is hit as well


def test_a_killed_agent_loses_and_doubles_nothing(tmp_path: Path) -> None:
    draw, batches = Random(), 0
    for number in range(-(-KILLS // KILLS_OF_ONE_SITE)):
        site = Site(tmp_path / str(number), STEPS[number % len(STEPS)])
        for _ in range(min(KILLS_OF_ONE_SITE, KILLS - number * KILLS_OF_ONE_SITE)):
            site.kill_a_writer(draw)
            site.check()
        site.check_from(0, site.checked)
        batches += site.checked + 1
    assert batches > KILLS, "there was no load"
