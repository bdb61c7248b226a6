"""Carrying out what people ask of the writer: by the agent, or by the command itself when none runs."""

from __future__ import annotations

import time
from typing import Any

from drivers.reading import Quality
from edge_agent.batch import Batch
from edge_agent.exit import Exit, Stop
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Ledger, LedgerEvent, me
from edge_agent.site import Site
from edge_agent.store.lock import BusyError, writing
from edge_agent.store.reader import Reader
from edge_agent.store.store import AmountRow, Store

CHUNK = 5000  # rows in one request, one transaction
WAIT_S = 60.0  # an agent looks into its inbox every second


def wall_clock() -> int:
    """Microseconds UTC."""
    return time.time_ns() // 1000


def begin(store: Store, site: Site, now: int) -> None:
    """What every writer does first: remember the site file, and record meters seen for the first time."""
    ledger = Ledger(site, Reader(site.data).ledger())
    events = ledger.first_start(me(), now)
    with store.transaction():
        store.remember_site(site.hash, site.text, now)
        store.write_ledger(events)


def submit(site: Site, requests: list[Request], command: str) -> int:
    """Have the requests carried out, here or by the running agent; answers how many rows were new.

    Raises Stop(BUSY) when a running writer has not taken them in time; they stay in the inbox.
    """
    inbox = Inbox(site.data)
    try:
        with writing(site.data, command), Store(site.data) as store:
            begin(store, site, wall_clock())
            drain(store, inbox)
            return sum(_perform(store, request) for request in requests)
    except BusyError as busy:
        ids = inbox.put(requests)
        results = inbox.results(ids, WAIT_S)
        if results is None:
            raise Stop(Exit.BUSY, "error.busy", pid=busy.pid, count=len(ids)) from None
        return sum(results)


def drain(store: Store, inbox: Inbox) -> int:
    """Carry out everything that waits in the inbox; answers how many requests there were."""
    count = 0
    while waiting := inbox.pending():
        for request in waiting:
            inbox.done(request.id, wall_clock(), _perform(store, request))
            count += 1
    return count


def _perform(store: Store, request: Request) -> int:
    with store.transaction():
        if request.id and not store.mark_applied(request.id, wall_clock()):
            return 0
        return _effect(store, request)


def _effect(store: Store, request: Request) -> int:
    if request.kind == "past":
        return store.write_past(_batch(request.payload, wall_clock()))
    if request.kind == "amounts":
        return store.write_amounts((AmountRow(*row) for row in request.payload), request.by, request.asked)
    if request.kind == "ledger":
        at, device, kind, detail = request.payload
        store.write_ledger([LedgerEvent(at, device, kind, detail, request.by, request.asked)])
        return 1
    return 0


def _batch(rows: list[list[Any]], seen: int) -> Batch:
    batch = Batch()
    for tag, at, value, quality, reason in rows:
        batch.add(tag, at, seen, value, Quality(quality), reason)
    return batch
