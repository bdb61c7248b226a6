"""The agent's clock: it runs evenly with the clock since the boot, and follows the date as far as that is believed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from edge_agent.time.boot import since_boot
from edge_agent.time.ntp import synchronised
from edge_agent.time.trust import STEP_US, Course, Era, Look, Trust, opening

log = logging.getLogger("leafgate.clock")
HOUR_US = 3600 * 1_000_000
AHEAD_US = HOUR_US  # a reading further ahead than this has a wrong date
JUDGE_US = 1_000_000  # from one look at the date to the next
LOOKS = 3
NOTED_US = 1_000_000  # a smaller step is not worth a line
Ticks = Callable[[], int]


class Timepiece:
    """A clock for drivers: microseconds UTC, each later than the one before, all of one era.

    Where `following` is an era, the date has proved wrong or right: what was seen by then belongs to this
    era, and `turned` is the clock of the next.
    """

    def __init__(self, sources: tuple[Ticks, Ticks, Callable[[], bool]], era: Era | None, newest: int) -> None:
        """sources: the date, the time since the boot, whether a time server sets the date. era: of this boot, if known.

        newest: the newest stamp so far.
        """
        self._sources = sources
        look = self._look()
        era = era or opening(look, newest)
        last = newest if era.agrees(look.boot, newest - look.boot) else look.boot + era.offset
        self._course, self._judged, self._told = Course(era, look.boot, last), look.boot, 0
        self._course.judge(look)
        _say(era)

    def __call__(self) -> int:
        boot = self._sources[1]()
        if boot - self._judged >= JUDGE_US:
            self._judge()
        return self._course.stamp(boot)

    @property
    def era(self) -> Era:
        """In which all its stamps are."""
        return self._course.era

    @property
    def before(self) -> int:
        """The newest stamp that was given before `era`."""
        return self._course.before

    @property
    def following(self) -> Era | None:
        """The era that must come next."""
        return self._course.following

    @property
    def last(self) -> int:
        """Its newest stamp."""
        return self._course.last

    async def outlived(self) -> None:
        """Wait until another era must come."""
        while self.following is None:
            await asyncio.sleep(JUDGE_US / 1e6)
            self()

    def turned(self) -> Timepiece:
        """The clock of the next era."""
        era = self._course.following or self._course.era
        return Timepiece(self._sources, era, self.last + era.placing - self.era.offset)

    def _look(self) -> Look:
        wall, boot, sets = self._sources
        looks = ((boot(), wall(), boot()) for _ in range(LOOKS))
        before, date, _ = min(looks, key=lambda look: look[2] - look[0])  # the one that nothing came between
        return Look(before, date, sets())

    def _judge(self) -> None:
        look, course = self._look(), self._course
        offset = course.era.offset
        course.judge(look)
        self._judged = look.boot
        if abs(course.era.offset - offset) > NOTED_US:
            log.warning("the machine's clock was set by %+.1f s; following it", (course.era.offset - offset) / 1e6)
        if abs(course.differs - self._told) > STEP_US:
            log.warning("the machine's clock is off by %+.1f h and not believed", course.differs / HOUR_US)
            self._told = course.differs


def forward(
    wall: Ticks, floor: int, since: Ticks = since_boot, sets: Callable[[], bool] = synchronised, era: Era | None = None
) -> Timepiece:
    """A clock that follows `wall` and never goes back; `floor` is the newest time that was used before.

    since: the time since the boot. sets: whether a time server sets `wall`. era: of this boot, where one was begun.
    """
    return Timepiece((wall, since, sets), era, floor)


def _say(era: Era) -> None:
    if era.trust == Trust.UNSURE:
        log.warning("the machine's clock cannot be right; readings are kept apart until it is")
    elif era.trust == Trust.PLAUSIBLE:
        log.info("no time server sets the machine's clock; it is believed as it can be right")
