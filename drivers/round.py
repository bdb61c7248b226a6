"""Which questions a cycle asks one device, in which order, and what a silence or damage ends.

HIGH questions are asked in every cycle; of the LOW ones one a cycle, in turn. A cycle can be cut by
time and goes on where it stopped, so that a slow device costs the others on its line little.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from drivers.error import LinkError
from drivers.reading import Reading

MOST_DAMAGED = 2  # damaged replies that end a cycle: each costs the line a timeout
LACKING_CYCLES = 240  # what the device lacks is asked again this much later; devices get replaced


class Question(Protocol):
    """One read of a device; equal questions are the same question."""

    @property
    def names(self) -> tuple[str, ...]:
        """The items that it fetches."""
        ...

    @property
    def low(self) -> bool: ...


Q = TypeVar("Q", bound=Question)
Found = dict[str, Reading]


class Rounds(Generic[Q]):
    """The questions of one device; `failed` and `absent` say what an unanswered one leaves of its items."""

    def __init__(self, questions: Iterable[Q], failed: Callable[[Q, str], Found], absent: Callable[[Q], Found]) -> None:
        listed = list(questions)
        self._high = [q for q in listed if not q.low]
        self._low = deque(q for q in listed if q.low)
        self._failed, self._absent = failed, absent
        self._unasked = set(self._low)
        self._suspects: dict[Q, None] = {}  # unanswered when asked last; the one that waits longest comes first
        self._left: deque[Q] = deque()  # of the present cycle
        self._resting: dict[Q, int] = {}  # cycles that a question is still left out
        self._heard, self._damaged = False, 0

    @property
    def unfinished(self) -> bool:
        """Whether time cut the last cycle; the next call goes on with it."""
        return bool(self._left)

    async def cycle(self, ask: Callable[[Q], Awaitable[Found]], until: float = math.inf) -> Found:
        """The items that this cycle, or this part of it, read; at least one question is asked.

        No question begins after `until` on the event loop's clock. Raises LinkError when the first
        question of a cycle stays without any answer.
        """
        found: Found = {}
        if not self._left:
            found |= self._begin()
        loop = asyncio.get_running_loop()
        while self._left:
            question = self._left.popleft()
            self._unasked.discard(question)
            try:
                found |= await ask(question)
                self._heard = True
                self._suspects.pop(question, None)
            except LinkError as error:
                found |= self._unanswered(question, error)
            if loop.time() >= until:
                break
        return found

    def replace(self, question: Q, others: Sequence[Q]) -> None:
        """From now on ask `others` in the place of a question that the device refuses, at once in this cycle."""
        for group in (self._high, self._low):
            if question in group:
                place = group.index(question)
                group.remove(question)
                for other in reversed(others):
                    group.insert(place, other)
        self._unasked.discard(question)
        self._suspects.pop(question, None)
        self._left.extendleft(reversed(others))

    def rest(self, question: Q) -> None:
        """The device lacks it: leave it out for a long while."""
        self._resting[question] = LACKING_CYCLES

    def reset(self) -> None:
        """The device may be another one: ask everything."""
        self._resting.clear()

    def _begin(self) -> Found:
        self._heard, self._damaged = False, 0
        if not self._resting and not self._suspects:
            self._left.extend([*self._high, *self._lows()])
            return {}
        if all(q in self._resting for q in (*self._high, *self._low)):
            self._resting.clear()
        found: Found = {}
        for question in self._ordered([*self._high, *self._lows()]):
            left = self._resting.get(question, 0)
            if left > 1:
                self._resting[question] = left - 1
                found |= self._absent(question)
            else:
                self._resting.pop(question, None)
                self._left.append(question)
        return found

    def _ordered(self, questions: list[Q]) -> list[Q]:
        """Those that were not answered come last, so that they cost the others nothing."""
        suspects = [q for q in self._suspects if q in questions]
        return [q for q in questions if q not in self._suspects] + suspects

    def _lows(self) -> list[Q]:
        """Those never asked, so that every value is known soon; after that one a cycle."""
        if self._unasked:
            return [q for q in self._low if q in self._unasked]
        self._low.rotate(-1)
        return list(self._low)[-1:]

    def _unanswered(self, question: Q, error: LinkError) -> Found:
        """What is left of the cycle; silence, or too much damage, leaves the line to the others."""
        self._suspects.pop(question, None)
        self._suspects[question] = None
        noise = error.reason == "noise"
        if not noise and not self._heard:
            self._left.clear()
            raise error
        found = self._failed(question, error.reason)
        self._damaged += noise
        if not noise or self._damaged >= MOST_DAMAGED:
            for left in self._left:
                found |= self._failed(left, error.reason)
            self._left.clear()
        return found
