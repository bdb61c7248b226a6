"""A wire that can be cut and joined again while the plant runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

T = TypeVar("T")
LOOK_S = 0.1  # how often the wire looks whether it is cut


@contextlib.asynccontextmanager
async def cuttable(
    opened: Callable[[T | None], AbstractAsyncContextManager[T]], is_cut: Callable[[], bool]
) -> AsyncIterator[T]:
    """What `opened` gives, closed while `is_cut` and opened again after, until the block ends.

    `opened` is told what it gave the first time, so that it can come back at the same place.
    """
    first: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    keeping = asyncio.create_task(_keep(opened, is_cut, first))
    both: set[asyncio.Future[Any]] = {keeping, first}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            keeping.result()
        yield first.result()
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


async def _keep(
    opened: Callable[[T | None], AbstractAsyncContextManager[T]], is_cut: Callable[[], bool], first: asyncio.Future[T]
) -> None:
    where: T | None = None
    while True:
        try:
            async with opened(where) as where:
                if not first.done():
                    first.set_result(where)
                await _until(is_cut, True)
        except OSError:
            if not first.done():
                raise
            await asyncio.sleep(LOOK_S)  # the place is not free again yet
        await _until(is_cut, False)


async def _until(is_cut: Callable[[], bool], wanted: bool) -> None:
    while is_cut() != wanted:  # noqa: ASYNC110  a schedule decides, nobody could set an event
        await asyncio.sleep(LOOK_S)
