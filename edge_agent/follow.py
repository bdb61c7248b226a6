"""Following a device that tells what changed; what its loss means is the same as for a polled one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from drivers.columns import Columns
from drivers.driver import Clock, Subscribes
from edge_agent.batch import Batch
from edge_agent.poll import Poll, asked, failed, found, hand_over

BLOCKED = "agent.blocked"  # the health tag that counts how often somebody had to wait for the store


async def follow(
    poll: Poll,
    batches: asyncio.Queue[Batch],
    clock: Clock,
    health: Counter[str],
    since: Mapping[str, int] | None = None,
) -> None:
    """Connect, read everything once, then take what changed, for ever; each result is one batch.

    The link is up when the first changes came: a device that answers reads and takes no subscription
    is down, and asked ever more rarely. A loss leaves readings without value, closes, waits, and
    begins anew: what was missed comes before what was read. `since` says when each tag was stored
    last. A full queue blocks, and that is counted: nothing is dropped.
    """
    driver, blocked = poll.driver, 0
    if not isinstance(driver, Subscribes):
        raise TypeError(f"{poll.name} does not tell what changed")
    try:
        while True:
            batch, usable = await _begun(poll, clock)
            if usable:
                batch, usable = await _caught_up(poll, driver, batch, since or {}, batches, clock, health)
            await hand_over(batch, batches, health)
            while usable:
                batch, usable = await _news(poll, driver, clock)
                health[BLOCKED] += driver.blocked - blocked
                blocked = driver.blocked
                if len(batch):
                    await hand_over(batch, batches, health)
            await driver.close()
            await asyncio.sleep(poll.retry.next_wait())
    finally:
        await driver.close()


async def _begun(poll: Poll, clock: Clock) -> tuple[Batch, bool]:
    try:
        await poll.driver.connect()
    except Exception as fault:
        return failed(poll, clock, fault), False
    return await asked(poll, clock)


async def _caught_up(
    poll: Poll,
    driver: Subscribes,
    batch: Batch,
    since: Mapping[str, int],
    batches: asyncio.Queue[Batch],
    clock: Clock,
    health: Counter[str],
) -> tuple[Batch, bool]:
    """Hand over what was missed before the reading in `batch`; a failure leaves none of that reading."""
    try:
        async for past in driver.missed(since):
            if len(past):
                await hand_over(Batch.over(past), batches, health)
    except Exception as fault:
        return failed(poll, clock, fault), False
    return batch, True


async def _news(poll: Poll, driver: Subscribes, clock: Clock) -> tuple[Batch, bool]:
    try:
        batch = _doubted(poll, await driver.changes())
    except Exception as fault:
        return failed(poll, clock, fault), False
    found(poll, clock, batch)
    return batch, True


def _doubted(poll: Poll, told: Columns) -> Batch:
    """What was told and what is computed of it; counters that cannot be right are uncertain."""
    batch, tags = Batch.over(told), poll.plausible.tags
    rows = [place for place, tag in enumerate(told.tags) if tag in tags] if tags else []
    for place, reading in zip(rows, poll.plausible.judged([told.row(place) for place in rows]), strict=True):
        batch.qualities[place], batch.reasons[place] = int(reading.quality), reading.reason
    parts = poll.quotients.tags
    told_parts = [told.row(place) for place, tag in enumerate(told.tags) if tag in parts] if parts else []
    for made in poll.quotients.made_of(told_parts):
        batch.add(made.tag, made.at, made.seen, made.value, made.quality, made.reason)
    return batch
