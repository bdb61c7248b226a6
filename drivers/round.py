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
MOST_SILENT = 3  # times running that one question stays unanswered while others are answered
LONGEST_REST = 64  # cycles that such a question is left out, at most


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
Rest = tuple[int, str | None]  # cycles that are left, and the reason; None for what the device lacks


class Rounds(Generic[Q]):
    """The questions of one device; `failed` and `absent` say what an unanswered one leaves of its items."""

    def __init__(self, questions: Iterable[Q], failed: Callable[[Q, str], Found], absent: Callable[[Q], Found]) -> None:
        listed = list(questions)
        self._high = [q for q in listed if not q.low]
        self._low = [q for q in listed if q.low]  # the next in turn first
        self._failed, self._absent = failed, absent
        self._unasked = set(self._low)
        self._suspects: dict[Q, int] = {}  # unanswered when asked last, and how often running; longest ago first
        self._left: deque[Q] = deque()  # of the present cycle
        self._resting: dict[Q, Rest] = {}
        self._answers: Q | None = None  # the question that was answered last
        self._heard, self._damaged = False, 0

    @property
    def unfinished(self) -> bool:
        """Whether time cut the last cycle; the next call goes on with it."""
        return bool(self._left)

    async def cycle(self, ask: Callable[[Q], Awaitable[Found]], until: float = math.inf) -> Found:
        """The items that this cycle, or this part of it, read; at least one question is asked.

        No question begins after `until` on the event loop's clock. Raises LinkError when the first
        question of a cycle stays without any answer. Of a low item that was not asked nothing is said.
        """
        found: Found = {}
        if not self._left:
            found |= self._begin()
        loop = asyncio.get_running_loop()
        while self._left:
            question = self._left.popleft()
            self._took_its_turn(question)
            try:
                found |= await ask(question)
                self._answered(question)
            except LinkError as error:
                found |= self._unanswered(question, error)
            if loop.time() >= until:
                break
        return found

    def replace(self, question: Q, others: Sequence[Q]) -> None:
        """From now on ask `others` in the place of a question that the device refuses, at once in this cycle."""
        for group, low in ((self._high, False), (self._low, True)):
            place = group.index(question) if question in group else len(group)
            group[place : place + 1] = [q for q in others if q.low == low]
        self._unasked.discard(question)
        self._suspects.pop(question, None)
        self._left.extendleft(reversed(others))

    def rest(self, question: Q) -> None:
        """The device lacks it: leave it out for a long while."""
        self._resting[question] = (LACKING_CYCLES, None)

    def _begin(self) -> Found:
        self._heard, self._damaged = False, 0
        planned = [*self._high, *self._lows()]
        if not self._resting and not self._suspects:
            self._left.extend(planned)
            return {}
        found: Found = {}
        for question in self._ordered(planned):
            cycles, why = self._resting.pop(question, (0, None))
            if cycles <= 1:
                self._left.append(question)
                continue
            self._resting[question] = (cycles - 1, why)
            found |= self._absent(question) if why is None else self._failed(question, why)
        if not self._left:
            self._ask_something(planned)
        return found

    def _ask_something(self, planned: list[Q]) -> None:
        """Everything rests: one question shows all the same whether the device is there."""
        question = self._answers if self._answers in (*self._high, *self._low) else planned[0]
        assert question is not None
        self._resting.pop(question, None)
        self._left.append(question)

    def _ordered(self, questions: list[Q]) -> list[Q]:
        """Those that were not answered come last, so that they cost the others nothing."""
        suspects = [q for q in self._suspects if q in questions]
        return [q for q in questions if q not in self._suspects] + suspects

    def _lows(self) -> list[Q]:
        """Those never asked, so that every value is known soon; after that one a cycle."""
        return [q for q in self._low if q in self._unasked] if self._unasked else self._low[:1]

    def _took_its_turn(self, question: Q) -> None:
        if question.low:
            self._unasked.discard(question)
            self._low.remove(question)
            self._low.append(question)

    def _answered(self, question: Q) -> None:
        self._heard, self._answers = True, question
        self._suspects.pop(question, None)

    def _unanswered(self, question: Q, error: LinkError) -> Found:
        """What is left of the cycle; silence, or too much damage, leaves the line to the others."""
        times = self._suspects.pop(question, 0) + 1
        self._suspects[question] = times
        noise = error.reason == "noise"
        if not noise and not self._heard:
            self._left.clear()
            self._suspects[question] = 1  # a device that is away answers nothing
            raise error
        if not noise and times >= MOST_SILENT:
            self._resting[question] = (min(2 ** (times - MOST_SILENT + 1), LONGEST_REST), error.reason)
        found = self._failed(question, error.reason)
        self._damaged += noise
        if not noise or self._damaged >= MOST_DAMAGED:
            for left in self._left:
                if not left.low:
                    found |= self._failed(left, error.reason)
            self._left.clear()
        return found
