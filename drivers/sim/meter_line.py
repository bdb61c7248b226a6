"""Meters of one protocol on a line; the same for every protocol in which a meter knows its own address."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from drivers.driver import Clock
from drivers.hunt import Hunter
from drivers.sim.faults import Faults

F = TypeVar("F")  # a frame of the protocol
CHECKSUM = -2  # where damage hits a frame: the last byte but one


class Meter(Protocol[F]):
    """One meter of the line."""

    @property
    def name(self) -> str: ...

    def answer(self, frame: F, faults: Faults, now: int) -> F | None:
        """The reply to a frame; None when the meter stays silent."""
        ...


class MeterLine(ABC, Generic[F]):
    """Every meter hears every frame, and those of other protocols too; the one that is meant replies."""

    def __init__(self, meters: Sequence[Meter[F]], faults: Faults, clock: Clock) -> None:
        self.meters, self._faults, self.clock = meters, faults, clock
        self._hunter = self.hunter()

    @abstractmethod
    def hunter(self) -> Hunter[F]:
        """One that has heard nothing."""

    @abstractmethod
    def sent(self, frame: F) -> bytes:
        """A frame as it stands on the line."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        sent: list[tuple[float, bytes]] = []
        # What is left of another protocol's frame may look like a start: a question behind it still counts.
        for frame in self._hunter.feed(data) + self._hunter.flush():
            for meter in self.meters:
                now = self.clock()
                reply = meter.answer(frame, self._faults, now)
                if reply is not None:
                    sent += self._faults.sent(meter.name, self.sent(reply), CHECKSUM, now, self.sent(frame))
        return sent

    def quiet(self) -> None:
        """The line was silent: forget a frame that never came to its end."""
        self._hunter = self.hunter()
