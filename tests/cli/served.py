"""The simulated plant on a loop of its own, beside a command that runs one itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")
START_S = 30.0


@contextmanager
def served(serve: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """What `serve` gives, as long as the block lasts."""
    ready: list[T | BaseException] = []
    begun, over = threading.Event(), threading.Event()

    async def live() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=lambda: (over.wait(), loop.call_soon_threadsafe(stopped.set)), daemon=True).start()
        async with serve() as where:
            ready.append(where)
            begun.set()
            await stopped.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            ready.append(error)
            begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert begun.wait(START_S)
        where = ready[0]
        if isinstance(where, BaseException):
            raise where
        yield where
    finally:
        over.set()
        thread.join()
