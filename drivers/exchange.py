"""One question on a line and what came back, with the times: for `leafgate read --raw` and the bus's account."""

from __future__ import annotations

import asyncio

from drivers.wire import Wire

MOST_HEARD = 65536  # bytes; what babbles on is no answer


def now() -> float:
    """Seconds on the event loop's clock."""
    return asyncio.get_running_loop().time()


class Exchange:
    """Times are seconds on the event loop's clock; `wire` is None where bytes take no time."""

    __slots__ = ("begun", "ended", "first", "heard", "reason", "request", "sent", "wire")

    def __init__(self, request: bytes, wire: Wire | None) -> None:
        self.request, self.wire = request, wire
        self.heard = bytearray()  # all that came, noise and echoes included
        self.reason: str | None = None  # why there was no answer
        self.begun = now()
        self.sent = self.begun + len(request) * self.byte_s  # when the last byte of the question is out
        self.first: float | None = None  # when the first byte came, as we saw it
        self.ended = self.begun

    @property
    def byte_s(self) -> float:
        return self.wire.byte_s if self.wire is not None else 0.0

    @property
    def took_s(self) -> float:
        return self.ended - self.begun

    @property
    def waited_s(self) -> float:
        """How long the device let the line wait."""
        return max((self.ended if self.first is None else self.first) - self.sent, 0.0)

    @property
    def wire_s(self) -> float:
        """What the bytes of both ways need on the wire."""
        return (len(self.request) + len(self.heard)) * self.byte_s

    def add(self, data: bytes) -> None:
        """Bytes came in, or none within the time."""
        if len(self.heard) < MOST_HEARD:
            self.heard += data
        if data and self.first is None and not self.request.startswith(self.heard):
            self.first = now()  # what an adapter echoes is no reply yet

    def end(self, reason: str | None) -> None:
        """The answer is there, or is not for this reason."""
        self.ended, self.reason = now(), reason
