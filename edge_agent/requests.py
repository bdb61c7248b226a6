"""Carrying out what people ask of the writer: by the agent, or by the command itself when none runs."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from typing import Any

from drivers.driver import Clock
from drivers.reading import Quality
from edge_agent.alarm.journal import ACKNOWLEDGE, ALARM, carry_out
from edge_agent.batch import Batch
from edge_agent.exit import Exit, Stop
from edge_agent.inbox import Inbox, Request
from edge_agent.ledger import Ledger, LedgerEvent, me
from edge_agent.period import Calendar
from edge_agent.site import Site
from edge_agent.store.lock import BusyError, writing
from edge_agent.store.reader import Reader
from edge_agent.store.store import AmountRow, Store

log = logging.getLogger("leafgate.requests")
# The agent logs; a command that writes speaks in the catalogue's sentences, and its log is for no terminal.
logging.getLogger("leafgate").addHandler(logging.NullHandler())
SALVAGE = "salvage"  # a kind of request: a piece of another file (store/rescue/salvage.py)
CHUNK = 5000  # rows in one request, one transaction
WAIT_S = 60.0  # without progress; an agent looks into its inbox every second
LOOK_S = 0.1
ALL = 1_000_000_000
# What a payload can be wrong in; a request that raises one of these is refused and no other suffers.
FAULTS = (ValueError, TypeError, KeyError, IndexError, OverflowError, sqlite3.IntegrityError)


def wall_clock() -> int:
    """Microseconds UTC."""
    return time.time_ns() // 1000


def begin(store: Store, site: Site, inbox: Inbox, clock: Clock = wall_clock) -> None:
    """What every writer does first: remember the site file, note new meters, do what waits in the inbox."""
    now = clock()
    events = Ledger(site, Reader(site.data).ledger()).first_start(me(), now)
    with store.transaction():
        store.remember_site(site.hash, site.text, now)
        store.write_ledger(events)
    drain(store, site, inbox, clock=clock)


def agree(site: Site, now: int) -> None:
    """Raises Stop where plant.yaml contradicts the ledger; only `meter` goes on then, to mend it."""
    Ledger(site, Reader(site.data).ledger()).agree(now)


def submit(site: Site, requests: list[Request], command: str) -> int:
    """Have the requests carried out, here or by the running agent; answers how many rows were new.

    Raises Stop: USAGE for a request that was refused, BUSY when the writer has not taken them in
    time; they stay in the inbox then.
    """
    try:
        return _directly(site, requests, command)
    except BusyError as busy:
        return _through_the_inbox(site, requests, command, busy.pid)


def drain(store: Store, site: Site, inbox: Inbox, most: int = ALL, clock: Clock = wall_clock) -> int:
    """Carry out what waits in the inbox, at most `most` requests; answers how many there were."""
    count = 0
    while count < most and (waiting := inbox.pending(min(most - count, 20))):
        for request in waiting:
            try:
                result: Any = _perform(store, site, request, clock())
            except FAULTS as fault:
                log.error("request %s of %s was refused: %s", request.kind, request.by.name, fault)
                result = {"error": str(fault) or type(fault).__name__}
            inbox.done(request.id, clock(), result)
            count += 1
    return count


def _directly(site: Site, requests: list[Request], command: str) -> int:
    with writing(site.data, command), Store(site.data, site.calendar.cut(wall_clock())) as store:
        begin(store, site, Inbox(site.data))
        if any(request.kind != "ledger" for request in requests):
            agree(site, wall_clock())
        try:
            return sum(_perform(store, site, request, wall_clock()) for request in requests)
        except FAULTS as fault:
            raise Stop(Exit.USAGE, "error.request_refused", why=fault) from None


def _through_the_inbox(site: Site, requests: list[Request], command: str, pid: int) -> int:
    inbox = Inbox(site.data)
    ids = inbox.put(requests)
    done, deadline = 0, time.monotonic() + WAIT_S
    while len(results := inbox.results(ids)) < len(ids):
        if len(results) > done:
            done, deadline = len(results), time.monotonic() + WAIT_S
        if time.monotonic() > deadline:
            raise Stop(Exit.BUSY, "error.busy", pid=pid, count=len(ids) - done)
        try:
            # Whoever wrote may have ended without looking again.
            cut = site.calendar.cut(wall_clock())
            with writing(site.data, command, patience_s=0.0), Store(site.data, cut) as store:
                begin(store, site, inbox)
        except BusyError:
            time.sleep(LOOK_S)
    for result in results:
        if isinstance(result, dict):
            raise Stop(Exit.USAGE, "error.request_refused", why=result["error"])
    return sum(results)


def _perform(store: Store, site: Site, request: Request, now: int) -> int:
    """Once, however often it is asked; raises one of FAULTS, and then nothing of it is written."""
    with store.transaction():
        if request.id and (known := store.applied(request.id)) is not None:
            return known
        new = _effect(store, site, request, now)
        if request.id:
            store.mark_applied(request.id, now, new)
        return new


def _effect(store: Store, site: Site, request: Request, now: int) -> int:
    """`now` is when it is recorded: the time of writing, so that no earlier assessment sees it."""
    payload = json.loads(request.payload) if isinstance(request.payload, str) else request.payload
    if request.kind == "past":
        new = store.write_past(_batch(payload, now))
        notes = [(tag, at, note) for tag, at, _, _, _, *said in payload for note in said if note]
        return max(new, store.write_notes(notes, request.by, now))
    if request.kind == "amounts":
        return _amounts(store, site, request, [AmountRow(*row) for row in payload], now)
    if request.kind == "ledger":
        at, device, kind, detail = payload
        store.write_ledger([LedgerEvent(at, device, kind, detail, request.by, now)])
        return 1
    if request.kind in (ACKNOWLEDGE, ALARM):
        return carry_out(store.alarms, request.kind, payload, request.by, now)
    if request.kind == SALVAGE:
        from edge_agent.store.rescue.salvage import take

        return take(store, payload, request.by, now)
    raise ValueError(f"unknown kind of request: {request.kind}")


def _amounts(store: Store, site: Site, request: Request, rows: list[AmountRow], now: int) -> int:
    """One row after the other, each against what is filed by then: a file may withdraw and file anew."""
    new = 0
    for row in rows:
        clash = None if row.value is None else store.overlapping(row)
        if clash:
            calendar = Calendar(site.zone)
            span = "..".join(f"{calendar.local(at):%Y-%m-%d}" for at in clash)
            raise ValueError(f"{row.tag} {span}")
        new += store.write_amounts([row], request.by, now)
    return new


def _batch(rows: list[list[Any]], seen: int) -> Batch:
    batch = Batch()
    for tag, at, value, quality, reason, *_ in rows:
        batch.add(tag, at, seen, value, Quality(quality), reason)
    return batch
