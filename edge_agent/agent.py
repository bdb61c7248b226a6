"""The agent: devices to batches to the store. It only wires, in the order the data travels."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator

from drivers.build import FOLLOWED, driver_for, follower_for, serial_bus, tcp_bus, tunnel_bus
from drivers.bus import Bus
from drivers.driver import Clock
from edge_agent.follow import follow
from edge_agent.inbox import Inbox
from edge_agent.poll import Poll, poll_line
from edge_agent.record import Recorder
from edge_agent.requests import agree, begin
from edge_agent.rescue.examine import Examiner
from edge_agent.rescue.mend import mend
from edge_agent.site import DeviceConfig, Plant, Site
from edge_agent.store.alarms import AlarmReader
from edge_agent.store.lock import writing
from edge_agent.store.store import Store
from edge_agent.time.clock import Timepiece
from edge_agent.time.era import opened, turned
from edge_agent.waiting import Waiting

log = logging.getLogger("leafgate.agent")


async def run_agent(site: Site, wall: Clock, stopped: asyncio.Event) -> None:
    """Run until `stopped`; everything seen by then is committed when this returns.

    Raises BusyError when another writer holds the lock, Stop when the site and its database disagree.
    """
    with writing(site.data, "run"), Store(site.data, site.calendar.cut(wall())) as store:
        inbox, clock = Inbox(site.data), opened(store, wall)
        mend(site.data, store, clock)
        begin(store, site, inbox, clock)
        agree(site, clock())
        while True:
            await _run_era(site, store, inbox, clock, stopped)
            if stopped.is_set():
                break
            clock = turned(store, clock)
        log.info("agent stopped")


async def _run_era(site: Site, store: Store, inbox: Inbox, clock: Timepiece, stopped: asyncio.Event) -> None:
    """Until `stopped`, or until another era must follow that of `clock`: all that was seen is of this one."""
    batches = Waiting()
    health: Counter[str] = Counter()
    recorder = Recorder(site, store, inbox, batches, clock, health)
    lines = dict(_lines(site, clock))
    log.info("agent of %s: %d devices on %d lines", site.plant.site.id, len(site.plant.devices), len(lines))
    polling = [asyncio.create_task(poll_line(bus, polls, batches, clock, health)) for bus, polls in lines.items()]
    followed = list(_followed(site, clock))
    since = _stored(site, followed, clock())
    polling += [asyncio.create_task(follow(poll, batches, clock, health, since)) for poll in followed]
    recording = asyncio.create_task(recorder.run())
    examiner = Examiner(site.data, clock, recorder.doubt, recorder.holes)
    polling.append(asyncio.create_task(examiner.run(recorder.stopping)))
    try:
        await _until([stopped.wait(), _outlived(clock, recorder)], [*polling, recording])
    finally:
        await _cancel(polling)
        recorder.stopping.set()
        await asyncio.gather(recording, return_exceptions=True)
        await recorder.close()
        for bus in lines:
            await bus.close()


def _lines(site: Site, clock: Clock) -> Iterator[tuple[Bus, list[Poll]]]:
    """Every physical line with the devices on it; a host and port is a line too."""
    plant = site.plant
    buses: dict[str, Bus] = {}
    polls: dict[str, list[Poll]] = {}
    for name, config in plant.devices.items():
        if site.profiles[config.profile].protocol in FOLLOWED:
            continue
        key = config.bus or f"{config.host}:{config.port}"
        if key not in buses:
            buses[key] = bus_of(plant, config)
        driver = driver_for(site.device(name), buses[key], clock)
        polls.setdefault(key, []).append(Poll(driver, config.poll))
    for key, bus in buses.items():
        yield bus, polls[key]


def bus_of(plant: Plant, device: DeviceConfig) -> Bus:
    """The line that a device is asked on."""
    line = plant.buses.get(device.bus)
    if line is None:
        return tcp_bus(f"{device.host}:{device.port}", device.host, device.port)
    if line.host:
        return tunnel_bus(device.bus, line.host, line.port, line.wire)
    return serial_bus(device.bus, line.serial, line.wire)


def _followed(site: Site, clock: Clock) -> Iterator[Poll]:
    """The devices that tell what changed, each on a connection of its own."""
    for name, config in site.plant.devices.items():
        if site.profiles[config.profile].protocol in FOLLOWED:
            yield Poll(follower_for(site.device(name), clock), config.poll)


def _stored(site: Site, followed: list[Poll], now: int) -> dict[str, int]:
    """When each tag of these devices was stored last; what came later, and while nobody ran, was missed."""
    tags = [tag.name for poll in followed for tag in poll.driver.device.tags()]
    return {tag: at for tag, (at, _, _) in AlarmReader(site.data).last_good(tags, now).items()}


async def _outlived(clock: Timepiece, recorder: Recorder) -> None:
    """Until another era must follow, and the disk takes what was seen and the turn."""
    await clock.outlived()
    await recorder.storing.wait()


async def _until(ends: Iterable[Coroutine[None, None, object]], tasks: list[asyncio.Task[None]]) -> None:
    """Wait for one of the ends; a task that ends by itself is a fault and is raised."""
    waiting = [asyncio.ensure_future(end) for end in ends]
    done, _ = await asyncio.wait([*waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for end in waiting:
        end.cancel()
    for task in done:
        if task in tasks:
            task.result()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
