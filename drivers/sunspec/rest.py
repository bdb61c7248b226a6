"""When an inverter is asleep: it says so, or it has withdrawn its live values without a fault.

An inverter at rest keeps its counters; a meter never rests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.sunspec.places import Place
from drivers.sunspec.values import Registers

LIVE = ("W", "A")  # mandatory: an inverter that has neither does not work
DC_MODELS = (160, 714)  # inputs of an inverter: what they lack while it rests is asleep too


@dataclass(frozen=True, slots=True)
class States:
    """The point with the operating state, its values at rest, its value in a fault."""

    point: str
    resting: tuple[int, ...]
    fault: int


OLD = States("St", (1, 2, 6), 7)  # OFF, SLEEPING, SHUTTING_DOWN; FAULT: model_103.json
DER = States("InvSt", (0, 1, 5), 6)  # the same words in model_701.json
STATES = {**dict.fromkeys((101, 102, 103, 111, 112, 113), OLD), 701: DER}


@dataclass(frozen=True, slots=True)
class Rest:
    """Where an inverter model tells whether it rests."""

    states: States
    state: Place | None
    live: tuple[Place, ...]

    @classmethod
    def of(cls, model_id: int, places: Mapping[str, Place]) -> Rest | None:
        """Of a model with its places by path; None for one that is no inverter."""
        states = STATES.get(model_id)
        if states is None:
            return None
        return cls(states, places.get(states.point), tuple(places[name] for name in LIVE if name in places))

    @property
    def places(self) -> list[Place]:
        """What must be read to know it."""
        return [*self.live, *([self.state] if self.state else [])]

    def asleep(self, registers: Registers) -> bool:
        """Whether it rests; a model that is too short for its state does not tell."""
        if self.state is None:
            return False
        state = registers.raw(self.state)
        if state in self.states.resting:
            return True
        return state != self.states.fault and all(registers.raw(place) is None for place in self.live)
