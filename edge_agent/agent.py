"""The agent: devices to batches to the store. It only wires, in the order the data travels."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator

from drivers.build import driver_for, serial_bus, tcp_bus
from drivers.bus import Bus
from drivers.driver import Clock
from edge_agent.batch import Batch
from edge_agent.inbox import Inbox
from edge_agent.poll import Poll, poll_line
from edge_agent.record import QUEUE_BATCHES, Recorder
from edge_agent.requests import begin, drain
from edge_agent.site import Site
from edge_agent.store.lock import writing
from edge_agent.store.store import Store

log = logging.getLogger("leafgate.agent")


async def run_agent(site: Site, clock: Clock, stopped: asyncio.Event, committed: Callable[[int], None]) -> None:
    """Run until `stopped`; everything seen by then is committed when this returns.

    Raises BusyError when another writer holds the lock, Stop when the site and its database disagree.
    """
    with writing(site.data, "run"), Store(site.data) as store:
        begin(store, site, clock())
        inbox = Inbox(site.data)
        drain(store, inbox)
        batches: asyncio.Queue[Batch] = asyncio.Queue(QUEUE_BATCHES)
        health: Counter[str] = Counter()
        recorder = Recorder(store, inbox, batches, clock, health, committed)
        lines = dict(_lines(site, clock))
        log.info("agent of %s: %d devices on %d lines", site.plant.site.id, len(site.plant.devices), len(lines))
        tasks = [asyncio.create_task(poll_line(polls, batches, clock, health)) for polls in lines.values()]
        tasks.append(asyncio.create_task(recorder.run()))
        try:
            await _until(stopped, tasks)
        finally:
            await _cancel(tasks)
            await recorder.close()
            for bus in lines:
                await bus.close()
        log.info("agent stopped")


def _lines(site: Site, clock: Clock) -> Iterator[tuple[Bus, list[Poll]]]:
    """Every physical line with the devices on it; a host and port is a line too."""
    plant = site.plant
    buses: dict[str, Bus] = {}
    polls: dict[str, list[Poll]] = {}
    for name, config in plant.devices.items():
        key = config.bus or f"{config.host}:{config.port}"
        if key not in buses:
            line = plant.buses.get(config.bus)
            if line is None:
                buses[key] = tcp_bus(key, config.host, config.port)
            else:
                buses[key] = serial_bus(key, line.serial, line.baud, line.parity, line.stop)
        driver = driver_for(site.device(name), buses[key], clock)
        polls.setdefault(key, []).append(Poll(driver, config.poll))
    for key, bus in buses.items():
        yield bus, polls[key]


async def _until(stopped: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait for the stop signal; a task that ends by itself is a fault and is raised."""
    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done:
        if task is not waiting:
            task.result()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
