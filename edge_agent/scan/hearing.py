"""Asking whoever is there: everything that comes within the time is kept, and damage is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from drivers.answer import Answer, Frames
from drivers.bus import Line
from drivers.error import LinkError

F = TypeVar("F")
UNHEARD = ("no_reply", "noise")


@dataclass(frozen=True, slots=True)
class Heard(Generic[F]):
    """The whole frames, and whether bytes came that belong to none: two spoke at once, or the line is noisy."""

    frames: list[F]
    damaged: bool


class Everyone(Answer[F]):
    """Takes no frame for the answer, so that the line listens for the whole time."""

    def __init__(self, decoder: Frames[F]) -> None:
        super().__init__(decoder)
        self.frames: list[F] = []

    def meant(self, frame: F) -> bool:
        self.frames.append(frame)
        return False


async def hear(line: Line, request: bytes, decoder: Frames[F], timeout_s: float) -> Heard[F]:
    """What anyone says to a question; raises LinkError where there is no line."""
    everyone = Everyone(decoder)
    try:
        await line.ask(request, everyone, timeout_s)
    except LinkError as error:
        if error.reason not in UNHEARD:
            raise
    return Heard(everyone.frames, everyone.damaged())
