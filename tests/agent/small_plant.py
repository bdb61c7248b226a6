"""The whole simulated plant with a running agent; meters of few items, so that their line has time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import time as clock_time
from pathlib import Path

import yaml

from configs import FOLDER
from drivers.sim.fragment import filled
from drivers.sim.plant import Plant
from drivers.sim.world import World, last_minute, origin_of, shift_to
from edge_agent.agent import run_agent
from edge_agent.requests import wall_clock
from edge_agent.site import PLANT_FILE, Site, open_site
from edge_agent.store.reader import Reader, Sample

POLL_S = 2.0
PATIENCE_S = 40.0
ITEMS = {
    "dlt645-2007-3ph": ("energy_import", "energy_export", "power"),
    "eastron-sdm630": ("energy_import", "power"),
}


class SmallPlant:
    """A running plant and a running agent."""

    def __init__(self, plant: Plant, site: Site) -> None:
        self.plant, self.site = plant, site
        self.reader = Reader(site.data)

    async def until(self, true: Callable[[dict[str, Sample]], bool], what: object = "") -> dict[str, Sample]:
        """Wait until the newest samples are as asked."""
        last: dict[str, Sample] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true(last := self.reader.last()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"in vain: {what}") from None
        return last


@asynccontextmanager
async def small_plant(folder: Path) -> AsyncIterator[SmallPlant]:
    """Plant A at ten in the morning, served from `folder`."""
    now = last_minute(wall_clock())
    plant = Plant(World(origin_of(now), now, shift_to(now, clock_time(10))), wall_clock)
    async with plant.serve(folder / "wires") as where:
        text = filled(where, "en").replace("poll: 5s", "poll: 2s").replace("poll: 10s", "poll: 2s")
        (folder / PLANT_FILE).write_text(text.replace("poll: 2s", "poll: 2s, timeout: 300ms"), encoding="utf-8")
        secrets = folder / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "press.txt").write_text(where.password, encoding="utf-8")
        _write_profiles(folder / "devices")
        site = open_site(folder)
        stopped = asyncio.Event()
        agent = asyncio.create_task(run_agent(site, wall_clock, stopped))
        try:
            yield SmallPlant(plant, site)
        finally:
            stopped.set()
            await agent


def _write_profiles(folder: Path) -> None:
    """The site's own profiles: the shipped ones with few items."""
    folder.mkdir()
    for name, kept in ITEMS.items():
        shape = yaml.load((FOLDER / "devices" / f"{name}.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
        shape.pop("recognise", None)  # it may rest on an item that is left out
        shape["items"] = {item: shape["items"][item] for item in kept}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(shape, allow_unicode=True), encoding="utf-8")
