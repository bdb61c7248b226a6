"""How the agent's time follows from the machine's two clocks: the one that runs evenly since the boot, and the
one that tells the date and that anybody may set. Pure: no I/O; docs/adr/0006-time.md says why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

S = 1_000_000
RELEASED_US = 1_767_225_600 * S  # 2026-01-01 UTC: no reading of this program is older
FAR_US = 10 * 366 * 86_400 * S  # without a time server, a date so far past everything stored is wrong
STEP_US = 60 * S  # a smaller step is taken without ado; clocks of OPC UA servers may differ as much (opcua/story.py)
DRIFT = 10_000  # a crystal is wrong by less than 1/10,000: what it may lose between two settings is no wrong date
MOST_US = 3599 * S  # but less than the hour by which a time zone taken for UTC is wrong
NOISE_US = 10_000  # two clocks cannot be read at the same moment
SLEW = 2  # a clock that was a little ahead runs at half speed until the date has caught up


class Trust(IntEnum):
    """Why a date is believed; the number is what the store keeps, a larger one outweighs a smaller."""

    WRONG = -1  # a time server has come, and by how much it was wrong is not known
    UNSURE = 0  # it is not; stamps say the earliest moment that it can be
    PLAUSIBLE = 1  # nobody synchronises the clock, and what it says can be
    SYNCHRONISED = 2


@dataclass(frozen=True, slots=True)
class Look:
    """Both clocks at one moment: microseconds since the boot, microseconds UTC, and whether a time server sets it."""

    boot: int
    wall: int
    synchronised: bool

    @property
    def offset(self) -> int:
        return self.wall - self.boot


@dataclass(frozen=True, slots=True)
class Era:
    """A time of one boot in which a stamp is the clock since the boot and an offset; `begin` is on that clock.

    A small step of the date, or a better reason to believe it, begins another that goes on where this one ends.

    least: the smallest offset of this boot that puts nothing before what was stored earlier.
    """

    begin: int
    offset: int
    least: int
    trust: Trust

    @property
    def first(self) -> int:
        """Its first stamp, unless a clock that is ahead still runs slowly."""
        return self.begin + self.offset

    @property
    def placing(self) -> int:
        """The offset for what this boot read before: not before what was stored earlier by a date a little ahead."""
        return max(self.offset, self.least) if self.offset >= self.least - STEP_US else self.offset

    def agrees(self, boot: int, offset: int) -> bool:
        """Whether another offset differs by no more than a right clock may be off by then."""
        return abs(offset - self.offset) <= min(STEP_US + max(boot - self.begin, 0) // DRIFT, MOST_US)


def opening(look: Look, newest: int) -> Era:
    """The era with which a boot begins; `newest` is the newest stamp of all that was stored before it."""
    least = max(RELEASED_US, newest + 1) - look.boot
    trust = believed(look, least)
    return Era(look.boot, look.offset if trust else least, least, trust)


def believed(look: Look, least: int) -> Trust:
    """How far the date can be believed."""
    if look.synchronised and look.wall >= RELEASED_US:
        return Trust.SYNCHRONISED
    return Trust.PLAUSIBLE if 0 <= look.offset - least <= FAR_US else Trust.UNSURE


class Course:
    """The time of one era, stamp by stamp, each later than the one before.

    `following` is the era that must come next; until the caller has made a new course of it, this one goes on.
    """

    following: Era | None

    def __init__(self, era: Era, boot: int, last: int = 0) -> None:
        """boot: the time since the boot. last: the newest stamp that was given before; 0 where it does not count."""
        self.era, self.following = era, None
        self.last, self._boot = last, boot
        self.differs = 0  # by how much the machine's date is ahead of ours where it is not believed
        self.before = last  # the newest stamp that was given before `era`

    def stamp(self, boot: int) -> int:
        """The moment of a time since the boot; behind a step back it runs at half speed."""
        slow = self.last + max((boot - self._boot) // SLEW, 1)
        self.last, self._boot = max(boot + self.era.offset, slow), max(boot, self._boot)
        return self.last

    def judge(self, look: Look) -> None:
        """Take a step of the date, or a proof that it is right; not before one back is absorbed.

        So no era ends with stamps that are ahead of its clock.
        """
        if self.last > look.boot + self.era.offset + NOISE_US:
            return
        era, trust = self.era, believed(look, self.era.least)
        step = look.offset - era.offset
        self.following, self.differs = None, 0
        if era.trust == Trust.UNSURE:
            if trust:
                self.following = replace(era, begin=look.boot, offset=look.offset, trust=trust)
        elif era.agrees(look.boot, look.offset):
            offset = look.offset if abs(step) > NOISE_US else era.offset
            after = replace(era, offset=offset, trust=max(era.trust, trust))
            if after != era:
                self.era, self.before = replace(after, begin=look.boot), self.last
        elif trust >= era.trust:
            self.following = replace(era, begin=look.boot, offset=look.offset, trust=trust)
        else:
            self.differs = step


def is_wrong(era: Era, last: int, new: Era, bound: int) -> bool:
    """Whether the stamps of an era of the same boot, up to `last`, are wrong if a new one is right.

    Where both are believed for the same reason only what would come after `bound`, the time that follows it,
    is: who sets a date can err.
    """
    if era.trust == Trust.UNSURE or last > bound:
        return True
    return era.trust < new.trust and not era.agrees(new.begin, new.offset)
