"""The replies that a unit of a serial line may still send to questions that were given up.

No reply says which question it answers, so one of them can be taken for the reply to a later question
of the same shape. Nothing is assumed of their order, only that none comes after `LATE` timeouts.
"""

from __future__ import annotations

from collections import deque
from weakref import WeakKeyDictionary

from drivers.bus import Line, Port
from drivers.exchange import now
from drivers.modbus.pdu import answers
from drivers.wire import Wire

LATE = 5.0  # timeouts; a device that is later than this is not used with such a timeout
MOST = 5  # replies: who owes more is left alone until it owes none, for each of them costs every question another


class Owed:
    """What one unit owes; whoever asks it enters each question that is given up."""

    def __init__(self) -> None:
        self._until: deque[float] = deque()  # for each reply when it can come no more; on the event loop's clock
        self._asked: set[bytes] = set()  # what they may answer

    @property
    def too_much(self) -> bool:
        """Whether to ask the unit tells nothing now."""
        self._expire()
        return len(self._until) > MOST

    def lost(self, asked: bytes, timeout_s: float) -> None:
        """A question has been given up just now."""
        self._expire()
        self._asked.add(asked)
        self._until.append(now() + LATE * timeout_s)

    def came(self, asked: bytes, timeout_s: float) -> None:
        """A reply came that one of those owed may be: then it is the reply to this question that is owed."""
        self._expire()
        if self._until:
            self.lost(asked, timeout_s)
            self._until.popleft()

    def like(self, reply: bytes) -> int:
        """How many of the replies owed may look like this one."""
        self._expire()
        return len(self._until) if any(answers(reply, asked) for asked in self._asked) else 0

    def _expire(self) -> None:
        while self._until and self._until[0] <= now():
            self._until.popleft()
        if not self._until:
            self._asked.clear()


_units: WeakKeyDictionary[Line, dict[tuple[int, Wire | None], Owed]] = WeakKeyDictionary()


def owed_by(unit: int, line: Line) -> Owed:
    """The same for everybody who asks a unit of a line; at other line settings the unit hears nothing."""
    bus = line.bus if isinstance(line, Port) else line
    return _units.setdefault(bus, {}).setdefault((unit, line.wire), Owed())
