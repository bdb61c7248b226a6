"""What the OPC UA driver makes of a press line that falls silent, is restarted, or tells more than is taken."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from drivers.error import LinkError
from drivers.reading import Quality
from drivers.sim.faults import Fault
from edge_agent.agent import run_agent
from edge_agent.site import Site
from edge_agent.store.reader import Reader
from tests.drivers.press import (
    GAVE_UP_S,
    PASSWORD,
    QUICK,
    STEP_S,
    Bench,
    at_rest,
    now,
    recovered,
    serving,
    until,
    until_lost,
)
from tests.plants import BARE, plant

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """One server for all tests here: starting one takes seconds."""
    async with serving(tmp_path_factory.mktemp("opcua")) as bench:
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def bench(served: Bench, tmp_path: Path) -> AsyncIterator[Bench]:
    """The server at rest and without faults, with a folder of our own."""
    with served.at_rest(tmp_path) as fresh:
        yield fresh


async def test_a_restarted_server_is_read_again_and_tells_its_changes(served: Bench, bench: Bench) -> None:
    driver = bench.driver()
    await driver.read()
    await driver.changes()
    bench.faults.set("press", Fault.RESTARTED)
    assert (await until_lost(driver)).reason == "closed"
    with pytest.raises(LinkError):
        await driver.changes()
    await driver.close()
    with pytest.raises(LinkError, match="refused"):
        await driver.read()
    served.shown["power_1"] = 7.0
    bench.faults.clear("press")
    again = {r.tag: r.value for r in await recovered(driver)}
    assert again["press.power_1"] in (7.0, at_rest()["power_1"])
    served.shown["power_1"] = 8.0
    assert (await until(driver, lambda r: r.value == 8.0)).tag == "press.power_1"
    await driver.close()


async def test_a_silent_server_is_noticed_by_the_missing_signs_of_life(bench: Bench) -> None:
    driver = bench.driver(replace(QUICK, call=30.0), poll=60.0)  # nothing but the timer can notice it
    await driver.read()
    await driver.changes()
    bench.faults.set("press", Fault.SILENT)
    begun = time.monotonic()
    lost = await until_lost(driver)
    assert (lost.reason, "sign of life" in lost.detail) == ("no_reply", True)
    assert time.monotonic() - begun < 2.0
    bench.faults.clear("press")
    await driver.close()


async def test_a_server_that_takes_the_connection_and_says_nothing_is_no_reply(bench: Bench) -> None:
    bench.faults.set("press", Fault.SILENT)
    with pytest.raises(LinkError, match="no_reply"):
        await bench.driver(replace(QUICK, connect=0.3)).connect()


async def test_more_changes_than_the_queue_holds_make_the_server_wait_and_none_is_lost(
    served: Bench, bench: Bench
) -> None:
    driver = bench.driver(rows=15)
    await driver.read()
    await driver.changes()
    written: list[float] = []

    def counting(at: int) -> dict[str, float]:
        written.append(float(len(written) + 1000))
        return {name: written[-1] for name in at_rest() if not name.startswith("running")}

    served.moving = counting
    told: list[float | None] = []
    while len(written) < 60:
        told += [r.value for r in await driver.changes() if r.tag == "press.strokes_1"]
        await asyncio.sleep(0.1)
    got = list(dict.fromkeys(value for value in told if value is not None and value >= 1000))
    assert got == written[: len(got)]
    assert len(got) > 20
    assert driver.blocked > 0
    await driver.close()


async def test_after_a_loss_the_servers_history_tells_what_happened_meanwhile(served: Bench, bench: Bench) -> None:
    driver = bench.driver()
    await driver.read()
    await driver.changes()
    served.shown |= {"power_1": 201.0, "oil_temperature_1": 201.0}
    last = await until(driver, lambda r: r.tag == "press.power_1" and r.value == 201.0)
    bench.faults.set("press", Fault.RESTARTED)
    assert (await until_lost(driver)).reason == "closed"
    written = []
    for value in (202.0, 203.0, 204.0):
        served.shown |= {"power_1": value, "oil_temperature_1": value}
        written.append(value)
        await asyncio.sleep(3 * STEP_S)
    bench.faults.clear("press")
    read = {r.tag: r for r in await recovered(driver)}
    found = [reading async for part in driver.missed({}) for reading in part]
    power = [r for r in found if r.tag == "press.power_1"]
    assert [value for value, _ in itertools.groupby(r.value for r in power)] in (written, [201.0, *written])
    assert {(r.quality, r.reason) for r in power} == {(Quality.GOOD, None)}
    assert all(a.at < b.at for a, b in itertools.pairwise([last, *power, read["press.power_1"]]))
    oil = [r for r in found if r.tag == "press.oil_temperature_1"]
    assert [(r.value, r.reason) for r in oil] == [(None, "gap")] * 2
    assert oil[1].at == read["press.oil_temperature_1"].at - 1
    await driver.close()


async def test_a_cancelled_wait_leaves_a_driver_that_can_be_closed(bench: Bench) -> None:
    driver = bench.driver()
    await driver.read()
    await driver.changes()
    waiting = asyncio.create_task(driver.changes())
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await driver.close()
    await driver.close()


async def test_the_agent_stores_what_the_press_line_shows_and_that_it_is_lost(served: Bench, bench: Bench) -> None:
    (bench.folder / "secrets").mkdir()
    (bench.folder / "secrets" / "press.txt").write_text(PASSWORD, encoding="utf-8")
    line = f"{{url: '{bench.url}', profile: press-line, user: leafgate, password_file: secrets/press.txt, poll: 1s}}"
    site = plant(bench.folder, f"{BARE}devices:\n  press: {line}\n")
    stopped = asyncio.Event()
    agent = asyncio.create_task(run_agent(site, now, stopped))
    stored = partial(newest, site)
    await until_stored(lambda: stored("press.power_1") == (at_rest()["power_1"], None))
    await until_stored(lambda: stored("press.link") == (1.0, None))
    bench.faults.set("press", Fault.RESTARTED)
    await until_stored(lambda: (stored("press.power_1") or (0.0, None))[0] is None)
    stopped.set()
    await agent
    assert stored("press.link") in ((0.0, "closed"), (0.0, "refused"))  # how it went, or what the next try found


def newest(site: Site, tag: str) -> tuple[float | None, str | None] | None:
    sample = Reader(site.data).last(now()).get(tag)
    return None if sample is None else (sample.value, sample.reason)


async def until_stored(said: Callable[[], bool]) -> None:
    async with asyncio.timeout(GAVE_UP_S):
        while not said():
            await asyncio.sleep(0.05)
