"""One serial line with devices of several protocols on it: every device hears every byte."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

SILENCE_S = 0.05  # half a frame that is older than this will never be completed


class Listener(Protocol):
    """The devices of one protocol on the line."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        """Take what was said on the line; answer the replies, each with its delay in seconds."""
        ...

    def quiet(self) -> None:
        """The line was silent: forget half a frame."""
        ...


class SharedLine:
    """A Responder that stands for the whole line."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners
        self._heard = 0.0

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        now = time.monotonic()
        silent, self._heard = now - self._heard > SILENCE_S, now
        sent: list[tuple[float, bytes]] = []
        for listener in self._listeners:
            if silent:
                listener.quiet()
            sent += listener.feed(data)
        return sent
