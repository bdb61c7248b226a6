"""Calls of asyncua under our own deadline; what it raises leaves as one of our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from drivers.opcua.refusal import refusal

CANCELS, CANCEL_S = 3, 0.2  # a lost cancellation is said again
T = TypeVar("T")


async def within(seconds: float, call: Coroutine[Any, Any, T], connecting: bool = False) -> T:
    """The result of a call; raises DriverError, LinkError no_reply when it takes longer.

    It runs in a task of its own, because asyncua loses a cancellation that meets the end of what it
    waits for, and a follower that cannot be cancelled would keep the agent from stopping.
    """
    task = asyncio.create_task(call)
    task.add_done_callback(_looked_at)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise TimeoutError(f"{seconds:g} s")
        if task.cancelled():
            raise ConnectionError("given up by asyncua")
        return task.result()
    except Exception as error:
        raise refusal(error, connecting) from None
    finally:
        for _ in range(CANCELS):
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=CANCEL_S)


def _looked_at(task: asyncio.Task[T]) -> None:
    """Nobody waits for a call that was given up, so nobody else looks at its error."""
    if not task.cancelled():
        task.exception()
