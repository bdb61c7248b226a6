"""One device read here and now, without an agent: its items, and what was said on its line meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from drivers.build import FOLLOWED, driver_for, follower_for
from drivers.bus import Bus
from drivers.driver import Clock, Driver
from drivers.error import LinkError
from drivers.exchange import Exchange, now
from drivers.quotient import Quotients
from drivers.reading import Reading
from edge_agent.agent import bus_of
from edge_agent.site import Site


@dataclass(frozen=True, slots=True)
class Cycle:
    """One reading of every item; `error` is why there is none, `exchanges` are empty for OPC UA."""

    at: int  # microseconds UTC, when it ended
    took_s: float
    readings: list[Reading] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    error: LinkError | None = None


def is_followed(site: Site, name: str) -> bool:
    """Whether the device's protocol has no frames to show."""
    return site.profiles[site.plant.devices[name].profile].protocol in FOLLOWED


async def read_device(site: Site, name: str, clock: Clock, times: int) -> AsyncIterator[Cycle]:
    """As many cycles as told, one after the other, fewer where there is no line; raises ProfileError."""
    async with _driver(site, name, clock) as (driver, heard):
        try:
            await driver.connect()
        except LinkError as lost:
            yield Cycle(clock(), 0.0, error=lost)
            return
        for _ in range(times):
            heard.clear()
            begun, readings, error = now(), [], None
            try:
                readings = await _whole(driver)
            except LinkError as lost:
                error = lost
            yield Cycle(clock(), now() - begun, readings, list(heard), error)


async def _whole(driver: Driver) -> list[Reading]:
    """A cycle to its end; the latest reading of each tag, in the order of the profile."""
    found = {r.tag: r for r in await driver.read()}
    while driver.unfinished:
        found |= {r.tag: r for r in await driver.read()}
    return Quotients(driver.device).added(list(found.values()))


@asynccontextmanager
async def _driver(site: Site, name: str, clock: Clock) -> AsyncIterator[tuple[Driver, list[Exchange]]]:
    """The driver of a device on a line of its own, and the list that its exchanges are written to."""
    heard: list[Exchange] = []
    if is_followed(site, name):
        driver, bus = follower_for(site.device(name), clock), None
    else:
        bus = _tapped(bus_of(site.plant, site.plant.devices[name]), heard)
        driver = driver_for(site.device(name), bus, clock)
    try:
        yield driver, heard
    finally:
        await driver.close()
        if bus is not None:
            await bus.close()


def _tapped(bus: Bus, heard: list[Exchange]) -> Bus:
    bus.tap = heard.append
    return bus
