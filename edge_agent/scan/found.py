"""What a search found on a line, and how far the search is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.wire import Wire

if TYPE_CHECKING:
    from edge_agent.scan.opcua import Server


@dataclass(slots=True)
class Found:
    """One device that answered; `profiles` are those whose every sign it shows, the best first."""

    protocol: str
    place: str  # as the user or plant.yaml calls the line
    address: str = ""
    unit: int | None = None
    wire: Wire | None = None
    says: str = ""  # what it said of itself
    profiles: list[str] = field(default_factory=list)
    known_as: str = ""  # the device of plant.yaml that it is
    notes: list[str] = field(default_factory=list)  # codes: any_unit, collision
    models: list[int] = field(default_factory=list)  # SunSpec
    server: Server | None = None  # OPC UA

    @property
    def is_device(self) -> bool:
        """Whether it can be addressed; else it is a note of what could not be told apart."""
        return bool(self.address) or self.unit is not None or self.server is not None


@dataclass(frozen=True, slots=True)
class Step:
    """How far a search is; `left_s` is None until one question of this phase is answered or missed."""

    place: str
    protocol: str
    wire: Wire | None
    phase: int
    phases: int
    done: int
    of: int
    left_s: float | None
    found: int


class Progress:
    """Counts questions and tells each step."""

    def __init__(self, tell: Callable[[Step], None]) -> None:
        self._tell = tell
        self.phases = 0
        self.phase = self._done = self._of = 0
        self._begun = 0.0
        self._about: tuple[str, str, Wire | None] = ("", "", None)
        self.found: list[Found] = []

    def is_at(self, place: str) -> bool:
        """Whether the present phase, or the last one, is of this place."""
        return self._about[0] == place

    def begin(self, place: str, protocol: str, wire: Wire | None, of: int) -> None:
        """The next phase, of so many questions."""
        self.phase += 1
        self._about, self._done, self._of, self._begun = (place, protocol, wire), 0, of, time.monotonic()
        self._say()

    def skip(self, phases: int) -> None:
        """So many phases are not needed any more."""
        self.phase += phases

    def more(self, questions: int) -> None:
        """The phase turned out longer."""
        self._of += questions

    def asked(self) -> None:
        """One question is over."""
        self._done += 1
        self._say()

    def take(self, found: Found) -> None:
        """A device answered."""
        self.found.append(found)
        self._say()

    def _say(self) -> None:
        left = max(self._of - self._done, 0)
        left_s = (time.monotonic() - self._begun) / self._done * left if self._done else None
        counts = self.phase, max(self.phases, self.phase), self._done, max(self._of, self._done)
        self._tell(Step(*self._about, *counts, left_s, sum(f.is_device for f in self.found)))
