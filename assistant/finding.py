"""What the rules say about one criterion, and what they say about all of them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import fsum

from assistant.indicators import Measured
from assistant.paper import Entry, Standing
from edge_agent.reason import Reason
from kb.framework import Criterion

HAIR = 1e-9  # points; sums are compared free of binary rounding


class State(StrEnum):
    """The six states; missing data is unknown, never unmet."""

    MET = "met"
    PARTLY = "partly"
    UNMET = "unmet"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


class Verdict(StrEnum):
    """Whether the plant can apply."""

    READY = "ready"
    NOT_READY = "not_ready"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one finding; all None where the criterion carries none."""

    now: float | None = None
    possible: float | None = None
    of: float | None = None

    @property
    def at_stake(self) -> float:
        """What could still be won."""
        return (self.of or 0.0) - (self.now or 0.0)


@dataclass(frozen=True)
class Finding:
    """One criterion decided, or not, with everything a person needs to check it."""

    criterion: Criterion
    state: State
    points: Points = Points()
    reasons: tuple[Reason, ...] = ()
    todo: tuple[Reason, ...] = ()  # commands to run, beside the criterion's own advice
    missing: tuple[Reason, ...] = ()
    evidence: tuple[tuple[Entry, Standing], ...] = ()
    measured: Measured | None = None
    owner: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something is left to do for it."""
        return self.state not in (State.MET, State.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Score:
    """Sums over the applicable criteria that carry points."""

    now: float
    possible: float
    of: float
    pass_mark: float | None = None
    basis: str = ""  # where the pass mark comes from


@dataclass(frozen=True, slots=True)
class Gate:
    """How many musts stand in each state."""

    total: int
    by_state: dict[State, int] = field(default_factory=dict)


def gate_of(findings: Iterable[Finding]) -> Gate:
    """The musts counted."""
    states = [f.state for f in findings if f.criterion.kind == "must"]
    return Gate(len(states), {state: states.count(state) for state in State})


def score_of(findings: Iterable[Finding], pass_mark: float | None = None, basis: str = "") -> Score:
    """now: met and partly; possible: now and what unknown and blocked ones could still bring."""
    counted = [f.points for f in findings if f.criterion.kind == "scored" and f.state is not State.NOT_APPLICABLE]
    sums = [fsum(getattr(p, name) or 0.0 for p in counted) for name in ("now", "possible", "of")]
    return Score(sums[0], sums[1], sums[2], pass_mark, basis)


def verdict_of(musts: Iterable[State], score: Score) -> Verdict:
    """Musts gate; points never compensate; no pass mark is ever invented."""
    states, mark = set(musts), score.pass_mark
    if states & {State.PARTLY, State.UNMET} or (mark is not None and score.possible < mark - HAIR):
        return Verdict.NOT_READY
    if states & {State.UNKNOWN, State.BLOCKED} or mark is None or score.now < mark - HAIR:
        return Verdict.CANNOT_TELL
    return Verdict.READY
