"""What the plant looks like now: last values with quality and age, links, the agent's heartbeat."""

from __future__ import annotations

from typing import Any

from configs.quantity import quantities
from drivers.reading import Kind, Quality
from edge_agent.kept import kept
from edge_agent.ledger import Ledger, multiplier
from edge_agent.period import US
from edge_agent.poll import LINK_ITEM, LinkState
from edge_agent.rescue.told import damaged
from edge_agent.site import Site
from edge_agent.store.lock import LOCK_FILE, WATCH_LOCK, Holder, running
from edge_agent.store.reader import Reader, Sample
from edge_agent.time.clock import AHEAD_US
from edge_agent.time.told import time_told
from edge_agent.when import iso


def status(site: Site, now: int) -> dict[str, Any]:
    """The body of `status --json`; a value too old for its max_age is stale and not shown."""
    reader = Reader(site.data)
    last = reader.last(now + AHEAD_US)
    holder = running(site.data, LOCK_FILE)
    agent = holder if holder and holder.command == "run" else None
    hangs = agent is not None and agent.state(now) == "silent"
    watch = running(site.data, WATCH_LOCK)
    clock = time_told(site, now)
    missing = "kept_apart" if clock["state"] == "unsure" else "never_read"
    return {
        "as_of": iso(now, site.zone),
        "agent": _agent(site, agent, now),
        "damaged": damaged(site),
        "watch": {"state": "running" if watch else "stopped", "last": iso(watch.alive, site.zone) if watch else None},
        "links": [_link(site, reader, name, last, None if hangs else agent) for name in site.plant.devices],
        "tags": _tags(site, reader, last, now, missing),
        "store": kept(site),
        "clock": clock,
    }


def _agent(site: Site, agent: Holder | None, now: int) -> dict[str, Any]:
    """Running or stuck since its start, silent since its last sign of life, or stopped; and why it is stuck."""
    if agent is None:
        return {"state": "stopped", "since": None, "trouble": None}
    state = agent.state(now)
    since = agent.alive if state == "silent" else agent.since
    return {"state": state, "since": iso(since, site.zone), "trouble": agent.trouble or None}


def _link(site: Site, reader: Reader, name: str, last: dict[str, Sample], agent: Holder | None) -> dict[str, Any]:
    """What the running agent has found; what an earlier one said is no longer known."""
    sample = last.get(f"{name}.{LINK_ITEM}")
    if sample is None or sample.value is None or agent is None or sample.at < agent.since:
        return {"name": name, "state": "unknown", "since": None, "error": None}
    since = reader.since(f"{name}.{LINK_ITEM}", sample.value)
    state = LinkState(int(sample.value)).code
    return {"name": name, "state": state, "since": iso(since or sample.at, site.zone), "error": sample.reason}


def _tags(site: Site, reader: Reader, last: dict[str, Sample], now: int, missing: str) -> list[dict[str, Any]]:
    """missing: why a tag has no reading at all."""
    ledger = Ledger(site, reader.ledger())
    rows = []
    for name, tag in site.tags().items():
        unit = quantities()[tag.quantity].unit
        sample = last.get(name)
        if tag.kind == Kind.AMOUNT:
            rows.append(_amount(site, reader, name, unit))
            continue
        if sample is None:
            rows.append(_row(name, None, unit, Quality.ABSENT.code, missing, None, None))
            continue
        value, quality, why = sample.value, sample.quality, sample.reason
        if quality <= Quality.UNCERTAIN and now - sample.at > tag.max_age:
            value, quality, why = None, Quality.STALE, "too_old"
        if value is not None:
            value *= multiplier(site, ledger, name, sample.at)
        age = round((now - sample.at) / US, 1)
        rows.append(_row(name, value, unit, quality.code, why, iso(sample.at, site.zone), age))
    for name in sorted(last):
        if name.startswith("agent."):  # what the agent counts of itself since its start
            sample = last[name]
            age = round((now - sample.at) / US, 1)
            rows.append(_row(name, sample.value, "1", sample.quality.code, None, iso(sample.at, site.zone), age))
    return rows


def _amount(site: Site, reader: Reader, name: str, unit: str) -> dict[str, Any]:
    """The newest filed period; its end stands for the time of the value."""
    filed = reader.amounts(name)
    if not filed:
        return _row(name, None, unit, Quality.ABSENT.code, "never_filed", None, None)
    newest = max(filed, key=lambda a: a.end)
    return _row(name, newest.value, unit, Quality.GOOD.code, None, iso(newest.end, site.zone), None)


def _row(
    name: str, value: float | None, unit: str, quality: str, why: str | None, at: str | None, age: float | None
) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "quality": quality, "reason": why, "at": at, "age_s": age}
