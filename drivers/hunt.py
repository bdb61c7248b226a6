"""Looking for frames in a stream of bytes; the same for every protocol whose frames have a beginning."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Generic, Self, TypeVar

F = TypeVar("F")  # a frame of the protocol


class Hunter(ABC, Generic[F]):
    """Finds frames in a stream; after a fault it goes on one byte later, so that noise hides nothing."""

    filler: bytes = b""  # bytes that may stand between frames and are no fault

    def __init__(self) -> None:
        self._rest = bytearray()
        self.dropped = 0  # bytes that belonged to no frame, fillers left out

    @abstractmethod
    def size(self, data: bytearray, start: int) -> int | None:
        """Bytes of the frame at `start`; 0 when there is none, None when it is not complete yet."""

    @abstractmethod
    def frame(self, raw: bytes) -> F:
        """The frame that these bytes are."""

    @property
    def pending(self) -> int:
        """Bytes that may become a frame."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[F]:
        """Add bytes, return the complete frames; keep the rest."""
        self._rest += data
        frames: list[F] = []
        start = 0
        while start < len(self._rest):
            size = self.size(self._rest, start)
            if size is None:
                break
            if size:
                frames.append(self.frame(bytes(self._rest[start : start + size])))
            elif self._rest[start] not in self.filler:
                self.dropped += 1
            start += size or 1
        del self._rest[:start]
        return frames

    def flush(self) -> list[F]:
        """The line went quiet: the frames behind a start that never came to its end."""
        for start in range(1, len(self._rest)):
            tail = self._fresh()
            frames = tail.feed(bytes(self._rest[start:]))
            if frames:
                self.dropped += start + tail.dropped
                self._rest = tail._rest
                return frames
        return []

    def _fresh(self) -> Self:
        """Another of the same kind that has heard nothing."""
        other = copy.copy(self)
        other._rest, other.dropped = bytearray(), 0
        return other
