"""Carrying the agent's clock from one start to the next and over each turn of the date: the era is in the store."""

from __future__ import annotations

import logging

from drivers.driver import Clock
from edge_agent.store.store import Store
from edge_agent.time.boot import boot_id
from edge_agent.time.clock import HOUR_US, Timepiece, forward

log = logging.getLogger("leafgate.clock")


def opened(store: Store, wall: Clock) -> Timepiece:
    """The clock of a start; within one boot it goes on as the last start left it."""
    newest, known = store.apart.eras.newest(), store.apart.eras.of(boot_id())
    clock = forward(wall, newest, era=known[-1].era if known else None)
    if clock.following:
        return turned(store, clock)
    _enter(store, clock, clock.before)
    return clock


def turned(store: Store, clock: Timepiece) -> Timepiece:
    """The clock of the next era, which is committed."""
    after = clock.turned()
    hours = (after.era.offset - clock.era.offset) / HOUR_US
    log.warning("the machine's date is believed now: %+.2f h, and so moves what was read by a wrong one", hours)
    _enter(store, after, clock.last)
    return after


def _enter(store: Store, clock: Timepiece, last: int) -> None:
    with store.transaction():
        store.apart.enter(boot_id(), clock.era, last)
