"""Readings of some days for tests of thinning: a gauge with holes, a counter that falls, a state, a slow meter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from drivers.reading import Kind, Quality
from edge_agent.batch import Batch
from edge_agent.store.codec.summary import Summary
from edge_agent.store.keep.budget import Budget
from edge_agent.store.keep.grain import edges_of
from edge_agent.store.keep.retention import Keep
from edge_agent.store.reader import Reader
from edge_agent.store.store import Store

S = 1_000_000
HOUR, DAY = 3600 * S, 86_400 * S
ZONE = ZoneInfo("Asia/Shanghai")
CUT = 8 * HOUR
START = 1_788_192_000 * S  # 2026-09-01 in Shanghai
KINDS = {"m.power": Kind.GAUGE, "m.energy": Kind.COUNTER, "i.state": Kind.STATE, "slow.energy": Kind.COUNTER}
WIDE = Keep(Budget(1 << 60, 0), ZONE)


def opened(data: Path, keep: Keep = WIDE) -> Store:
    """A store that keeps within limits."""
    store = Store(data, CUT)
    store.keep(keep, {name: kind.value for name, kind in KINDS.items()})
    return store


def readings(start: int, end: int, step: int, seed: int) -> Iterator[Batch]:
    """An hour in each batch; every moment of a tag comes once."""
    draw = Random(seed)
    power, energy, state = 100.0, 5000.0, 1.0
    for hour in range(start, end, HOUR):
        batch = Batch()
        for at in range(hour, min(hour + HOUR, end), step):
            power = round(power + draw.choice((0, 0, 0.1, -0.1, 0.3, -0.3)), 1)
            energy = 0.0 if draw.random() < 0.001 else round(energy + abs(power) / 3600, 2)
            state = float(draw.randrange(4)) if draw.random() < 0.01 else state
            bad = draw.random() < 0.02
            if draw.random() > 0.01:
                value, quality, why = (None, Quality.BAD, "no_reply") if bad else (power, Quality.GOOD, None)
                batch.add("m.power", at, at + 40_000, value, quality, why)
            batch.add("m.energy", at, at + 40_000, energy, Quality.GOOD, None)
            doubt = draw.random() < 0.005
            batch.add(
                "i.state", at, at, state, Quality.UNCERTAIN if doubt else Quality.GOOD, "doubt" if doubt else None
            )
            if at % (900 * S) == 0:
                batch.add("slow.energy", at, at, energy, Quality.GOOD, None)
        yield batch


def fill(store: Store, start: int, end: int, step: int, seed: int = 1) -> None:
    """Write and seal, and merge all that ended an hour before `end`."""
    for batch in readings(start, end, step, seed):
        with store.transaction():
            store.write([batch])
        tidied(store)


def tidied(store: Store) -> int:
    """Every step there is to do; answers how many there were."""
    count = 0
    while store.tidy():
        count += 1
    return count


def periods(data: Path, start: int, end: int, grain: int) -> dict[str, list[Summary]]:
    """What each slot of a grain comes to."""
    reader = Reader(data)
    ids, edges = reader.ids(), edges_of(start, end, grain, ZONE)
    return {tag: reader.summaries(ids[tag], edges) for tag in KINDS if tag in ids}
