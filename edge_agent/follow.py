"""Following a device that tells what changed; what its loss means is the same as for a polled one."""

from __future__ import annotations

import asyncio
from collections import Counter

from drivers.driver import Clock, Subscribes
from edge_agent.batch import Batch
from edge_agent.poll import LinkState, Poll, cycle, failed, hand_over


async def follow(poll: Poll, batches: asyncio.Queue[Batch], clock: Clock, health: Counter[str]) -> None:
    """Connect, read everything once, then take what changed, for ever; each result is one batch.

    A loss leaves readings without value, closes, waits, and begins anew. A full queue blocks, and
    that is counted: nothing is dropped.
    """
    try:
        while True:
            await hand_over(await _begun(poll, clock), batches, health)
            while poll.state != LinkState.DOWN:
                batch = await _news(poll, clock)
                if len(batch):
                    await hand_over(batch, batches, health)
            await poll.driver.close()
            await asyncio.sleep(poll.retry.next_wait())
    finally:
        await poll.driver.close()


async def _begun(poll: Poll, clock: Clock) -> Batch:
    try:
        await poll.driver.connect()
    except Exception as fault:
        return failed(poll, clock, fault)
    return await cycle(poll, clock)


async def _news(poll: Poll, clock: Clock) -> Batch:
    driver = poll.driver
    if not isinstance(driver, Subscribes):
        raise TypeError(f"{poll.name} does not tell what changed")
    try:
        return Batch.of(poll.plausible.judged(await driver.changes()))
    except Exception as fault:
        return failed(poll, clock, fault)
