"""Requests of many nodes, asked in parts that the server takes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from drivers.error import LinkError
from drivers.opcua.deadline import within
from drivers.opcua.refusal import TooMuchError

MOST_PER_CALL = 500  # items in one request, when the server sets no lower limit of its own
T = TypeVar("T")
R = TypeVar("R")


class Parts:
    """How many nodes one service of a server takes at once: as it said, or as was found."""

    def __init__(self, call_s: float) -> None:
        self._call_s = call_s
        self.most = MOST_PER_CALL
        self._taken = 0  # the largest part that was answered in the present call

    def limit(self, said: object) -> None:
        """Keep to what the server says of itself; 0 or nothing is no limit."""
        if isinstance(said, int) and said > 0:
            self.most = min(self.most, said)

    async def ask(
        self,
        items: Sequence[T],
        call: Callable[[Sequence[T]], Coroutine[Any, Any, Sequence[R]]],
        refused: Callable[[str], R],
    ) -> list[R]:
        """One answer for each item, in order; `refused` makes that of an item which is too much by itself.

        A part that is too much is halved, and later calls begin with what was taken. Raises LinkError,
        noise where the server answers another number of items.
        """
        self._taken, found = 0, list[R]()
        size = self.most
        for start in range(0, len(items), size):
            found += await self._part(items[start : start + size], call, refused)
        if 0 < self._taken < min(size, len(items)):
            self.most = self._taken
        return found

    async def _part(
        self,
        items: Sequence[T],
        call: Callable[[Sequence[T]], Coroutine[Any, Any, Sequence[R]]],
        refused: Callable[[str], R],
    ) -> list[R]:
        try:
            found = await within(self._call_s, call(items))
        except TooMuchError as error:
            if len(items) == 1:
                return [refused(error.detail)]
            half = len(items) // 2
            return [*await self._part(items[:half], call, refused), *await self._part(items[half:], call, refused)]
        if len(found) != len(items):
            raise LinkError("noise", f"{len(found)} answers for {len(items)} nodes")
        self._taken = max(self._taken, len(items))
        return list(found)
