"""The whole line on a real pty and socket: Plant A, the agent, the store, the account."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from drivers.reading import Quality
from drivers.sim.faults import Fault
from drivers.sim.plant import Plant
from drivers.sim.world import World, last_minute, origin_of
from edge_agent.agent import run_agent
from edge_agent.requests import wall_clock
from edge_agent.site import PLANT_FILE, Site, open_site
from edge_agent.status import status
from edge_agent.store.lock import BusyError
from edge_agent.store.reader import Reader, Sample
from tests.drivers.conftest import wires

PATIENCE_S = 20.0


class Line:
    """A running plant and a running agent."""

    def __init__(self, plant: Plant, site: Site) -> None:
        self.plant, self.site = plant, site
        self.reader = Reader(site.data)

    async def until(self, true: Callable[[dict[str, Sample]], bool]) -> dict[str, Sample]:
        """Wait until the newest samples are as asked."""
        async with asyncio.timeout(PATIENCE_S):
            while not true(last := self.reader.last()):
                await asyncio.sleep(0.05)
        return last


SITE = """
site: {{id: hall, title: Hall, timezone: Asia/Shanghai}}
buses:
  line1: {{serial: "{serial}", baud: 9600, parity: N}}
devices:
  m1:  {{bus: line1, profile: dlt645-2007-3ph, address: 000000000161, poll: 2s, timeout: 100ms, ct: 800}}
  m2:  {{bus: line1, profile: dlt645-2007-3ph, address: 000000000162, poll: 2s, timeout: 100ms, ct: 500}}
  hp1: {{host: 127.0.0.1, port: {port}, profile: midea-m-thermal, unit: 1, poll: 2s, timeout: 100ms}}
meters:
  grid: {{tag: m1.energy_import, carrier: electricity, flow: grid_import}}
"""


def site_of(folder: Path, serial: Path, port: int) -> Site:
    (folder / PLANT_FILE).write_text(SITE.format(serial=serial, port=port), encoding="utf-8")
    return open_site(folder)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Line]:
    """A line and a socket of Plant A, read by an agent with a short poll."""
    now = last_minute(wall_clock())
    plant = Plant(World(origin_of(now), now, 0), wall_clock)
    async with wires(plant, folder) as where:
        site = site_of(folder, *where)
        stopped = asyncio.Event()
        agent = asyncio.create_task(run_agent(site, wall_clock, stopped))
        try:
            yield Line(plant, site)
        finally:
            stopped.set()
            await agent


def good(last: dict[str, Sample], *tags: str) -> bool:
    return all(tag in last and last[tag].quality == Quality.GOOD for tag in tags)


async def test_every_device_is_stored_as_its_register_says(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        last = await line.until(lambda last: good(last, "m1.energy_import", "m2.power", "hp1.energy_import"))
        for tag, register in (("m1", line.plant.measures.of("m1")), ("m2", line.plant.measures.of("m2"))):
            sample = last[f"{tag}.energy_import"]
            assert sample.value == pytest.approx(register(sample.at)["energy_import"], abs=0.02)
        shown = {t["name"]: t["value"] for t in status(line.site, wall_clock())["tags"]}
        assert shown["m1.energy_import"] == pytest.approx(800 * (last["m1.energy_import"].value or 0), rel=1e-4)
    said = status(line.site, wall_clock())
    assert said["agent"]["state"] == "stopped"
    assert {link["state"] for link in said["links"]} == {"unknown"}


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.CHECKSUM, Fault.ERROR])
async def test_a_device_that_lies_gives_no_number_and_the_others_go_on(fault: Fault, tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        await line.until(lambda last: good(last, "m1.energy_import", "m2.energy_import", "hp1.power"))
        line.plant.faults.set("m2", fault)
        last = await line.until(lambda last: last["m2.energy_import"].quality >= Quality.BAD)
        assert last["m2.energy_import"].value is None
        assert last["m2.energy_import"].reason
        begun = wall_clock()
        last = await line.until(lambda last: last["m1.power"].at > begun and last["hp1.power"].at > begun)
        assert good(last, "m1.power", "hp1.power")
        line.plant.faults.clear("m2")
        await line.until(lambda last: good(last, "m2.energy_import"))
    numbers = [s.value for s in line.reader.samples(line.reader.ids()["m2.energy_import"], 0, wall_clock()) if s.value]
    assert numbers == sorted(numbers)


async def test_noise_around_every_answer_changes_no_number(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        line.plant.faults.set("m1", Fault.NOISY)
        line.plant.faults.set("hp1", Fault.NOISY)
        last = await line.until(lambda last: good(last, "m1.energy_import", "m2.energy_import"))
        assert last["m1.energy_import"].value == pytest.approx(
            line.plant.measures.grid(last["m1.energy_import"].at)["energy_import"], abs=0.02
        )


async def test_a_second_agent_is_refused_while_one_runs(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        await line.until(lambda last: bool(last))
        with pytest.raises(BusyError):
            await run_agent(line.site, wall_clock, asyncio.Event())


async def test_an_agent_killed_at_any_moment_keeps_all_that_a_reader_has_seen(tmp_path: Path) -> None:
    """What a screen has shown is still there after kill -9, the file is sound, and the next agent goes on."""
    now = last_minute(wall_clock())
    plant = Plant(World(origin_of(now), now, 0), wall_clock)
    async with wires(plant, tmp_path) as where:
        site = site_of(tmp_path, *where)
        reader = Reader(site.data)
        for pause in (0.0, 0.4, 0.9):
            agent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "edge_agent.cli", "-C", str(tmp_path), "run", stderr=asyncio.subprocess.DEVNULL
            )
            begun = wall_clock()
            async with asyncio.timeout(PATIENCE_S):
                while max((s.seen for s in reader.last().values()), default=0) <= begun:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(pause)
            seen = reader.last()
            agent.kill()
            await agent.wait()
            with closing(sqlite3.connect(site.data / "plant.db")) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            kept = reader.last()
            assert all(kept[tag].at >= sample.at for tag, sample in seen.items())
        ids = reader.ids()
        registers = [s.value for s in reader.samples(ids["m1.energy_import"], 0, wall_clock()) if s.value is not None]
        assert registers == sorted(registers)
