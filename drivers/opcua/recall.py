"""What happened to an item while nobody followed it: from the server's own history, or a gap with its two ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from asyncua import ua

from drivers.opcua.history import History, read_history
from drivers.opcua.session import Session
from drivers.opcua.story import CLOCK_OFF_US, GAP, gap_ends
from drivers.opcua.values import EPOCH, MICROSECOND, Judged, row_of, source_time, worth

MOST = 10_000  # values of one item; more would stand in the way of what happens now
LOOK_BACK_US = 3_600_000_000  # where the source of the last reading is not known, its value is sought so far back
CURRENT_TIME = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)

Moment = tuple[int, Judged]


@dataclass(frozen=True, slots=True)
class Break:
    """Where an item's story broke off, microseconds UTC."""

    at: int  # of its last reading
    source: int | None = None  # when the server said its last value was true, where that is known
    known: Judged | None = None  # what the server said last, where that is known

    def is_none(self, source: int | None, known: Judged) -> bool:
        """Whether the server still shows the value that it showed then."""
        if source is None:
            return False
        return source <= self.at if self.source is None else (source, known) == (self.source, self.known)


class Past:
    """How far the history of one session's server can be used."""

    def __init__(self, session: Session, nodes: Mapping[int, ua.NodeId], factors: Sequence[float]) -> None:
        self._session, self._nodes, self._factors = session, nodes, factors
        self._kept: set[int] = set()  # the items of which the server keeps a history
        self.clock_off = False  # a history by a clock that is off says when in the server's words, not in ours

    @classmethod
    async def open(cls, session: Session, nodes: Mapping[int, ua.NodeId], factors: Sequence[float], now: int) -> Self:
        """Ask what the server keeps; raises LinkError."""
        past = cls(session, nodes, factors)
        (clock,) = await session.read([CURRENT_TIME])
        told = clock.Value.Value if clock.Value is not None else None
        past.clock_off = told is not None and abs((told - EPOCH) // MICROSECOND - now) > CLOCK_OFF_US
        access = await session.read(list(nodes.values()), ua.AttributeIds.AccessLevel)
        past._kept = {index for index, data in zip(nodes, access, strict=True) if _readable(data)}
        return past

    async def of(self, index: int, broken: Break, end: int, until: float) -> list[Moment]:
        """What was true after the break and before `end`, oldest first, without value at the two ends of every gap.

        After `until`, on the event loop's clock, everything is a gap. Raises LinkError.
        """
        history = None
        if index in self._kept and not self.clock_off and asyncio.get_running_loop().time() < until:
            start = broken.at - LOOK_BACK_US if broken.source is None else broken.source
            history = await read_history(self._session, self._nodes[index], start, end, MOST)
        if history is None:
            return gap(broken, end)
        return joined(history, broken, end, self._factors[index])


def gap(broken: Break, end: int) -> list[Moment]:
    """Nothing is known between the two; where nothing was known before, that goes on."""
    unknown = broken.known is not None and broken.known[0] is None
    return [] if unknown else [(at, GAP) for at in gap_ends(broken.at, end)]


def joined(history: History, broken: Break, end: int, factor: float) -> list[Moment]:
    """The values of a history between the break and `end`, and gaps where it has holes."""
    values: dict[int, Judged] = {}
    known = history.joined
    for data in history.values:
        row = row_of(0, data)
        at = source_time(row)
        if at is not None and broken.at < at < end:
            values[at] = worth(row, factor)
        known = known or (at is not None and at <= broken.at)
    holes = [] if known else [(broken.at, min(values, default=end))]
    if history.missing is not None:
        start, stop = history.missing
        holes.append((max(start, broken.at), min(stop, end)))
    for start, stop in holes:
        for at in gap_ends(start, stop):
            values.setdefault(at, GAP)
    return sorted(values.items(), key=lambda moment: moment[0])


def _readable(access: ua.DataValue) -> bool:
    """A server that does not say is asked for the history itself."""
    allowed = access.Value.Value if access.Value is not None else None
    return not isinstance(allowed, int) or bool(allowed & ua.AccessLevel.HistoryRead.mask)
