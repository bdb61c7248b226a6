"""Following a device that tells what changed; what its loss means is the same as for a polled one."""

from __future__ import annotations

import asyncio
from collections import Counter

from drivers.driver import Clock, Subscribes
from edge_agent.batch import Batch
from edge_agent.poll import Poll, asked, failed, found, hand_over


async def follow(poll: Poll, batches: asyncio.Queue[Batch], clock: Clock, health: Counter[str]) -> None:
    """Connect, read everything once, then take what changed, for ever; each result is one batch.

    The link is up when the first changes came: a device that answers reads and takes no subscription
    is down, and asked ever more rarely. A loss leaves readings without value, closes, waits, and
    begins anew. A full queue blocks, and that is counted: nothing is dropped.
    """
    try:
        while True:
            batch, usable = await _begun(poll, clock)
            await hand_over(batch, batches, health)
            while usable:
                batch, usable = await _news(poll, clock)
                if len(batch):
                    await hand_over(batch, batches, health)
            await poll.driver.close()
            await asyncio.sleep(poll.retry.next_wait())
    finally:
        await poll.driver.close()


async def _begun(poll: Poll, clock: Clock) -> tuple[Batch, bool]:
    try:
        await poll.driver.connect()
    except Exception as fault:
        return failed(poll, clock, fault), False
    return await asked(poll, clock)


async def _news(poll: Poll, clock: Clock) -> tuple[Batch, bool]:
    driver = poll.driver
    if not isinstance(driver, Subscribes):
        raise TypeError(f"{poll.name} does not tell what changed")
    try:
        batch = Batch.of(poll.plausible.judged(await driver.changes()))
    except Exception as fault:
        return failed(poll, clock, fault), False
    found(poll, clock, batch)
    return batch, True
