"""One OPC UA server: reads every item at once, then takes what its subscription brings.

A notification carries the server's time. Once per poll period all items are read again, and a value
that is as it was is told again with our time: the server affirms it. One that is not, and stays
untold, is watched by nobody any more: the link ends. Per tag, time never runs back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from asyncua import ua

from configs.quantity import quantities
from drivers.driver import Clock, Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.news import ROWS, Change, News
from drivers.opcua.session import Pace, Session
from drivers.opcua.values import Judged, judged, place, source_time
from drivers.reading import Quality, Reading

CLOCK_OFF_US = 60_000_000  # between two clocks that a time server sets; more is a clock that nobody sets
LATE_TIMES = 2  # as late as the server promised, and once more for a busy one
NO_NAMESPACE: Judged = (None, Quality.ABSENT, "no_namespace")


class OpcUaDriver:
    """See `drivers.driver.Driver` and `Subscribes` for the promise."""

    _news: News | None
    _known: list[Judged]  # what the server said last of each item
    _last: list[Reading]  # what we made of it
    _unheard: set[int]  # subscribed, and the first notification is still to come
    _unwatched: set[int]  # the server tells these only when asked
    _untold: dict[int, float]  # what the affirming reads found changed, and since when on the event loop's clock
    _late_s: float  # a change that is not told after this is never told
    _affirm_at: float  # on the event loop's clock

    def __init__(self, device: Device, clock: Clock, pace: Pace | None = None, rows: int = ROWS) -> None:
        pace = pace or Pace()
        self.device = device
        self._clock, self._rows = clock, rows
        self._pace = replace(pace, publish=min(pace.publish, device.poll))
        items = device.profile.items
        self._tags = [f"{device.name}.{name}" for name in items]
        self._factors = [quantities()[item.quantity].factor(item.unit) or 1.0 for item in items.values()]
        self._session: Session | None = None
        self._nodes: dict[int, ua.NodeId] = {}  # items by index; one without its namespace is left out
        self._forget()

    async def connect(self) -> None:
        """Open a new session; what it raises says `Session.open`, and ProfileError bad_node."""
        await self._opened()

    async def probe(self) -> str:
        return await (await self._opened()).product()

    async def read(self) -> list[Reading]:
        now_true = await self._judged(await self._opened())
        now = self._clock()
        self._known = now_true
        self._last = [Reading(tag, *found, now, now) for tag, found in zip(self._tags, now_true, strict=True)]
        return list(self._last)

    async def changes(self) -> list[Reading]:
        if self._session is None or not self._last:
            raise LinkError("closed", "read comes first")
        loop = asyncio.get_running_loop()
        news = self._news or await self._subscribe(self._session)
        await news.wait(self._affirm_at)
        readings = [reading for change in news.take() for reading in self._told(change)]
        if loop.time() >= self._affirm_at:
            self._affirm_at = loop.time() + self.device.poll
            try:
                readings += self._affirmed(await self._judged(self._session))
            except LinkError as error:
                news.end(error)  # what came before it is told first
        return readings

    async def close(self) -> None:
        session, self._session = self._session, None
        self._forget()
        if session is not None:
            await session.close()

    def _forget(self) -> None:
        self._news, self._affirm_at = None, 0.0
        self._known, self._last = [], []
        self._unheard, self._unwatched = set(), set()
        self._untold, self._late_s = {}, 0.0

    async def _opened(self) -> Session:
        if self._session is None:
            session = await Session.open(self.device, self._pace)
            try:
                self._nodes = dict(self._placed(session.namespaces))
            except ValueError as error:
                await session.close()
                raise ProfileError("bad_node", str(error)) from None
            self._session = session
        return self._session

    def _placed(self, namespaces: list[str]) -> Iterable[tuple[int, ua.NodeId]]:
        for index, item in enumerate(self.device.profile.items.values()):
            node = place(item.node, namespaces)
            if node is not None:
                yield index, node

    async def _subscribe(self, session: Session) -> News:
        news = News(self._clock, self._rows)
        self._unheard = set(self._nodes)
        watch = await session.subscribe(self._nodes, news.published)
        self._unwatched = watch.left_out | (set(range(len(self._tags))) - set(self._nodes))
        self._untold, self._late_s = {}, LATE_TIMES * watch.late
        news.expect(watch.alive)
        self._news = news
        self._affirm_at = asyncio.get_running_loop().time() + self.device.poll
        return news

    async def _judged(self, session: Session) -> list[Judged]:
        found = [NO_NAMESPACE] * len(self._tags)
        values = await session.read(list(self._nodes.values()))
        for index, data in zip(self._nodes, values, strict=True):
            found[index] = judged(data, self._factors[index])
        return found

    def _told(self, change: Change) -> Iterable[Reading]:
        """What a notification says; the first one of an item often repeats what was read."""
        if change.index not in self._nodes:
            return
        found = judged(change.data, self._factors[change.index])
        begun = change.index not in self._unheard
        self._unheard.discard(change.index)
        self._untold.pop(change.index, None)
        if begun or found != self._known[change.index]:
            self._known[change.index] = found
            yield self._next(change.index, *_timed(change, found), change.seen)

    def _affirmed(self, now_true: list[Judged]) -> Iterable[Reading]:
        """What is as it was. What is not will be told by the subscription, with its own time.

        Raises LinkError closed, and tells nothing, where two reads in turn wait for that in vain.
        """
        self._check_told(now_true)
        now = self._clock()
        for index, found in enumerate(now_true):
            if found == self._known[index]:
                last = self._last[index]
                yield self._next(index, (last.value, last.quality, last.reason), now, now)
            elif index in self._unwatched:
                self._known[index] = found
                yield self._next(index, found, now, now)

    def _check_told(self, now_true: list[Judged]) -> None:
        """A node that was deleted and made anew, as with a new PLC program, has lost its watch on the server."""
        now, before = asyncio.get_running_loop().time(), self._untold
        changed = {index for index, found in enumerate(now_true) if found != self._known[index]} - self._unwatched
        self._untold = {index: before.get(index, now) for index in changed}
        for index in changed & set(before):
            if now - before[index] >= self._late_s:
                raise LinkError("closed", f"{self._tags[index]} changed and was not told")

    def _next(self, index: int, found: Judged, at: int, seen: int) -> Reading:
        """The item's next reading, later than its last one whatever the server's clock says."""
        at = max(at, self._last[index].at + 1)
        self._last[index] = Reading(self._tags[index], *found, at, seen)
        return self._last[index]


def _timed(change: Change, found: Judged) -> tuple[Judged, int]:
    """When a notification was true; a clock that is off makes the time ours, and a good value stays good.

    Nothing is true before we hear of it. What repeats an old value never comes here.
    """
    source = source_time(change.data)
    if source is None:
        return found, change.seen
    if abs(source - change.seen) <= CLOCK_OFF_US:
        return found, min(source, change.seen)
    value, quality, reason = found
    return (value, quality, "clock_off" if quality == Quality.GOOD else reason), change.seen
