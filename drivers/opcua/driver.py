"""One OPC UA server: reads every item at once, then takes what its subscription brings.

A notification carries the server's time. Once per poll period all items are read again, and a value
that is as it was is told again with our time: the server affirms it. One that is not, and stays
untold, is watched by nobody any more: the link ends. What broke off is recalled after the next read.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace

from asyncua import ua

from configs.quantity import quantities
from drivers.columns import Columns
from drivers.driver import Clock, Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.news import ROWS, Message, News
from drivers.opcua.recall import Break, Past, gap
from drivers.opcua.session import Pace, Session
from drivers.opcua.story import Story
from drivers.opcua.values import NO_NODE, Row, overflowed, place, row_of
from drivers.opcua.watched import Watched
from drivers.reading import Reading

RECALL_S = 30.0  # for the past of all items; what is left is a gap, because the present must not wait
PART_ROWS = 1000  # of the past that are handed over at once


class OpcUaDriver:
    """See `drivers.driver.Driver` and `Subscribes` for the promise."""

    unfinished = False

    _watched: Watched  # as long as there is news
    _affirm_at: float  # on the event loop's clock

    def __init__(self, device: Device, clock: Clock, pace: Pace | None = None, rows: int = ROWS) -> None:
        pace = pace or Pace()
        self.device = device
        self._clock, self._rows = clock, rows
        self._pace = replace(pace, publish=min(pace.publish, device.poll))
        items = device.profile.asked
        factors = [quantities()[item.quantity].factor(item.unit) or 1.0 for item in items.values()]
        self._story = Story([f"{device.name}.{name}" for name in items], factors)
        self._session: Session | None = None
        self._news: News | None = None
        self._past: Past | None = None
        self._nodes: dict[int, ua.NodeId] = {}  # items by index; one without its namespace is left out
        self._broken: dict[int, Break] = {}  # items whose story broke off and did not yet go on
        self._blocked = 0

    @property
    def blocked(self) -> int:
        """How often the server had to wait, because nobody took what it told."""
        return self._blocked + (self._news.blocked if self._news is not None else 0)

    async def connect(self) -> None:
        """Open a new session; what it raises says `Session.open`, and ProfileError bad_node."""
        await self._opened()

    async def probe(self) -> str:
        return await (await self._opened()).product()

    async def read(self, until: float = math.inf) -> list[Reading]:
        rows = await self._read(await self._opened())
        now, story = self._clock(), self._story
        story.begin(rows, now)
        return [Reading(tag, *found, now, now) for tag, found in zip(story.tags, story.known, strict=True)]

    async def missed(self, since: Mapping[str, int]) -> AsyncIterator[Columns]:
        session, until = self._begun(), asyncio.get_running_loop().time() + RECALL_S
        for index, tag in enumerate(self._story.tags):
            if tag in since:
                self._broken.setdefault(index, Break(since[tag]))
        if not self._broken:
            return
        await self._subscribed(session)  # what happens while the past is sought is kept
        found, lost = Columns(), None
        try:
            for index in list(self._broken):
                await self._recall(session, index, until, found)
                if len(found) >= PART_ROWS:
                    yield found
                    found = Columns()
        except LinkError as error:
            lost = error
        yield found
        if lost is not None:
            raise lost

    async def changes(self) -> Columns:
        session, loop = self._begun(), asyncio.get_running_loop()
        news = await self._subscribed(session)
        await news.wait(min(self._affirm_at, self._watched.again_at))
        found = Columns()
        for message in news.take():
            await self._tell(session, news, message, found)
        self._watched.lost(self._story.gone, loop.time())
        self._story.gone.clear()
        try:
            await self._watch_again(session)
            if loop.time() >= self._affirm_at:
                self._affirm_at = loop.time() + self.device.poll
                await self._affirm(session, found)
        except LinkError as error:
            news.end(error)  # what came before it is told first
        return found

    async def close(self) -> None:
        session, self._session = self._session, None
        news, self._news = self._news, None
        self._past = None
        story = self._story
        for index, at in enumerate(story.at):
            self._broken.setdefault(index, Break(at, story.sources[index], story.known[index]))
        story.end()
        if news is not None:
            self._blocked += news.blocked
            news.end(LinkError("closed", "by us"))  # its publish loop must not wait for room for ever
        if session is not None:
            await session.close()

    def _begun(self) -> Session:
        if self._session is None or not self._story.at:
            raise LinkError("closed", "read comes first")
        return self._session

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
        for index, item in enumerate(self.device.profile.asked.values()):
            node = place(item.node, namespaces)
            if node is not None:
                yield index, node

    async def _subscribed(self, session: Session) -> News:
        if self._news is None:
            loop, news = asyncio.get_running_loop(), News(self._clock, self._rows)
            self._story.watch(self._nodes)
            promise = await session.subscribe(self._nodes, news.published)
            without = set(range(len(self._story.tags))) - set(self._nodes)
            self._watched = Watched(promise, without, loop.time())
            news.expect(promise.alive)
            self._news, self._affirm_at = news, loop.time() + self.device.poll
        return self._news

    async def _read(self, session: Session) -> dict[int, Row]:
        values = await session.read(list(self._nodes.values()))
        return {index: row_of(index, data) for index, data in zip(self._nodes, values, strict=True)}

    async def _tell(self, session: Session, news: News, message: Message, found: Columns) -> None:
        """What a message says; where the server's queue ran over, what is known of the time before comes first."""
        rows, seen, begun = message.rows, message.seen, 0
        for at, row in [(at, row) for at, row in enumerate(rows) if row[2] and overflowed(row)]:
            self._story.tell(rows[begun:at], seen, found)
            begun = at
            if row[0] in self._nodes:
                await self._bridge(session, news, row, seen, found)
        self._story.tell(rows[begun:] if begun else rows, seen, found)

    async def _bridge(self, session: Session, news: News, row: Row, seen: int, found: Columns) -> None:
        story, index = self._story, row[0]
        broken, end = Break(story.at[index], story.sources[index]), story.when(row, seen)
        until = asyncio.get_running_loop().time() + RECALL_S
        try:
            moments = await (await self._remembered(session)).of(index, broken, end, until)
        except LinkError as error:
            news.end(error)
            moments = gap(broken, end)
        story.go_on(index, moments, seen, found)

    async def _recall(self, session: Session, index: int, until: float, found: Columns) -> None:
        """Add what an item did between its break and the last read."""
        story, broken, seen = self._story, self._broken[index], self._clock()
        past = await self._remembered(session)
        if past.clock_off or not broken.is_none(story.sources[index], story.known[index]):
            for at, judged in await past.of(index, broken, story.at[index], until):
                found.add(story.tags[index], at, seen, *judged)
        del self._broken[index]

    async def _remembered(self, session: Session) -> Past:
        self._past = self._past or await Past.open(session, self._nodes, self._story.factors, self._clock())
        return self._past

    async def _watch_again(self, session: Session) -> None:
        wanted = self._watched.wanted(asyncio.get_running_loop().time())
        if wanted:
            made = await session.watch({index: self._nodes[index] for index in sorted(wanted)})
            if self._news is not None:
                self._news.alive()  # node-opcua begins to count anew to its next sign of life
            self._story.watch(made)
            self._watched.found(made)

    async def _affirm(self, session: Session, found: Columns) -> None:
        """Read all; raises LinkError closed, and tells nothing, where a change is waited for in vain."""
        now_true, watched, story = self._story.worth(await self._read(session)), self._watched, self._story
        now, changed = asyncio.get_running_loop().time(), story.changed(now_true)
        watched.lost({index for index in changed if now_true[index] == NO_NODE}, now)
        untold = watched.never_told(changed, now)
        if untold is not None:
            raise LinkError("closed", f"{story.tags[untold]} changed and was not told")
        watched.lost(watched.by_reads_only & changed.keys(), now)
        story.affirm(now_true, watched.by_reads_only, self._clock(), found)
