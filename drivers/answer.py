"""Waiting for the one frame that is meant, whatever else comes in; the same for every protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

F = TypeVar("F")  # a frame of the protocol


class Frames(Protocol[F]):
    """A decoder: bytes in, complete frames out."""

    dropped: int  # bytes that belonged to no frame

    @property
    def pending(self) -> int:
        """Bytes that may become a frame."""
        ...

    def feed(self, data: bytes) -> list[F]: ...

    def flush(self) -> list[F]: ...


class Answer(ABC, Generic[F]):
    """A Receiver of the bus; a protocol says in `meant` which frame answers its question."""

    def __init__(self, decoder: Frames[F]) -> None:
        self._decoder = decoder

    @abstractmethod
    def meant(self, frame: F) -> bool:
        """Whether this frame answers the question."""

    def feed(self, data: bytes) -> F | None:
        return self._pick(self._decoder.feed(data))

    def flush(self) -> F | None:
        return self._pick(self._decoder.flush())

    def damaged(self) -> bool:
        return self._decoder.dropped + self._decoder.pending > 0

    def _pick(self, frames: list[F]) -> F | None:
        return next((f for f in frames if self.meant(f)), None)
