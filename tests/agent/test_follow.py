"""Following a device: what it tells is stored, what it loses is said, and it always begins anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from configs.text import Text
from drivers.columns import Columns
from drivers.driver import Device, Subscribes
from drivers.error import LinkError, ProfileError
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from edge_agent.batch import Batch
from edge_agent.follow import follow
from edge_agent.poll import LinkState, Poll
from edge_agent.retry import Retry

PROFILE = Profile(Text("线", "line"), "opcua", "test", {"power": Item("power", node="i=1")})
Row = tuple[str, float | None, str | None]


class Told:
    """A driver whose connects and changes follow a script; None in a script waits for ever."""

    unfinished = False
    blocked = 0

    def __init__(self, connects: list[Exception | float], changes: list[Exception | list[float] | None]) -> None:
        self.device = Device("line", PROFILE)
        self.connects, self.news = connects, changes
        self.calls: list[str] = []
        self.past: list[Exception | list[float]] = []
        self.since: list[Mapping[str, int]] = []

    async def connect(self) -> None:
        self.calls.append("connect")
        if isinstance(self.connects[0], Exception):
            raise self.connects.pop(0)  # type: ignore[misc]

    async def probe(self) -> str:
        return "told"

    async def read(self, until: float = math.inf) -> list[Reading]:
        said = self.connects.pop(0)
        assert isinstance(said, float)
        return [self._reading(said)]

    async def missed(self, since: Mapping[str, int]) -> AsyncIterator[Columns]:
        self.since.append(since)
        said = self.past.pop(0) if self.past else []
        if isinstance(said, Exception):
            raise said
        yield Batch.of(self._reading(value) for value in said)

    async def changes(self) -> Columns:
        said = self.news.pop(0) if self.news else None
        if isinstance(said, Exception):
            raise said
        if said is None:
            await asyncio.Event().wait()
        return Batch.of(self._reading(value) for value in said or [])

    async def close(self) -> None:
        self.calls.append("close")

    def _reading(self, value: float) -> Reading:
        return Reading("line.power", value, Quality.GOOD, None, 1, 1)


def tick() -> Callable[[], int]:
    moments = iter(range(1, 1_000_000))
    return lambda: next(moments)


@contextlib.asynccontextmanager
async def followed(
    driver: Told, size: int = 100, since: Mapping[str, int] | None = None
) -> AsyncIterator[tuple[asyncio.Queue[Batch], Poll, Counter[str]]]:
    batches: asyncio.Queue[Batch] = asyncio.Queue(size)
    poll, health = Poll(driver, 1.0, retry=Retry(first_s=0.01)), Counter[str]()
    task = asyncio.create_task(follow(poll, batches, tick(), health, since))
    try:
        yield batches, poll, health
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def rows(batches: asyncio.Queue[Batch], count: int) -> list[list[Row]]:
    async with asyncio.timeout(2.0):
        taken = [await batches.get() for _ in range(count)]
    return [list(zip(b.tags, b.values, b.reasons, strict=True)) for b in taken]


async def test_what_it_reads_and_what_it_tells_arrive_as_batches() -> None:
    driver = Told([1.0], [[2.0, 3.0], [], [4.0]])
    assert isinstance(driver, Subscribes)
    async with followed(driver) as (batches, poll, _):
        assert await rows(batches, 3) == [
            [("line.power", 1.0, None)],
            [("line.power", 2.0, None), ("line.power", 3.0, None), ("line.link", float(LinkState.UP), None)],
            [("line.power", 4.0, None)],
        ]
        assert poll.state == LinkState.UP
    assert driver.calls == ["connect", "close"]


async def test_a_loss_leaves_no_value_says_why_and_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "leafgate")
    driver = Told([1.0, LinkError("refused"), 5.0], [[], LinkError("closed"), [6.0]])
    async with followed(driver) as (batches, _, _):
        begun, *found = await rows(batches, 6)
    assert begun + found[0] == [("line.power", 1.0, None), ("line.link", float(LinkState.UP), None)]
    assert found[1] == [("line.power", None, "closed"), ("line.link", float(LinkState.DOWN), "closed")]
    # The newest reason is the one that helps: a pulled adapter explains more than the first silence.
    assert found[2] == [("line.power", None, "refused"), ("line.link", float(LinkState.DOWN), "refused")]
    assert found[3] == [("line.power", 5.0, None)]
    assert found[4] == [("line.power", 6.0, None), ("line.link", float(LinkState.UP), None)]
    assert driver.calls == ["connect", "close", "connect", "close", "connect", "close"]
    assert [r.levelname for r in caplog.records if r.name == "leafgate.poll"] == ["WARNING", "DEBUG", "INFO"]


async def test_a_device_that_answers_reads_and_takes_no_subscription_is_down_and_asked_more_rarely() -> None:
    driver = Told([1.0, 2.0, 3.0, 4.0], [LinkError("refused"), LinkError("refused"), LinkError("refused"), [5.0]])
    async with followed(driver) as (batches, poll, _):
        found = await rows(batches, 6)
        assert poll.retry.failures >= 2
        found += await rows(batches, 2)
        assert poll.retry.failures == 0
    values = [row for batch in found for row in batch if row[0] == "line.power"]
    assert [v for _, v, _ in values] == [1.0, None, 2.0, None, 3.0, None, 4.0, 5.0]
    links = [row for batch in found for row in batch if row[0] == "line.link"]
    assert [(v, why) for _, v, why in links] == [(float(LinkState.DOWN), "refused"), (float(LinkState.UP), None)]


async def test_what_is_wrong_with_the_file_or_with_us_is_said_and_tried_again() -> None:
    driver = Told([ProfileError("no_endpoint"), ZeroDivisionError("bug"), 1.0], [ZeroDivisionError("bug")])
    async with followed(driver) as (batches, _, _):
        found = await rows(batches, 4)
    assert [batch[0] for batch in found] == [
        ("line.power", None, "no_endpoint"),
        ("line.power", None, "driver_fault"),
        ("line.power", 1.0, None),
        ("line.power", None, "driver_fault"),
    ]


async def test_what_was_missed_comes_before_what_was_read() -> None:
    driver = Told([3.0, 6.0], [LinkError("closed"), [7.0]])
    driver.past = [[1.0, 2.0], [4.0, 5.0]]
    async with followed(driver, since={"line.power": 9}) as (batches, _, _):
        found = await rows(batches, 6)
    values = [v for batch in found for tag, v, _ in batch if tag == "line.power"]
    assert values == [1.0, 2.0, 3.0, None, 4.0, 5.0, 6.0, 7.0]
    assert driver.since[0] == {"line.power": 9}


async def test_a_past_that_cannot_be_had_is_a_loss_and_what_was_read_is_left_out() -> None:
    driver = Told([1.0, 2.0], [])
    driver.past = [LinkError("no_reply"), []]
    async with followed(driver) as (batches, _, _):
        found = await rows(batches, 2)
    assert [batch[0] for batch in found] == [("line.power", None, "no_reply"), ("line.power", 2.0, None)]


async def test_a_device_that_had_to_wait_for_us_is_counted() -> None:
    driver = Told([1.0], [[2.0]])
    driver.blocked = 3
    async with followed(driver) as (batches, _, health):
        await rows(batches, 2)
        assert health["agent.blocked"] == 3


class Metered(Told):
    """It tells a power that should move a counter, and a counter that stands still."""

    def __init__(self) -> None:
        super().__init__([1.0], [])
        items = {"power": Item("power", node="i=1"), "energy_import": Item("energy_import", node="i=2")}
        self.device = Device("line", Profile(Text("线", "line"), "opcua", "test", items))
        self.told = 0

    async def changes(self) -> Columns:
        self.told += 30_000_000
        found = Columns()
        for tag, value in (("line.power", 100.0), ("line.energy_import", 5.0), ("line.other", 1.0)):
            found.add(tag, self.told, self.told, value, Quality.GOOD, None)
        await asyncio.sleep(0)
        return found


async def test_a_counter_that_stands_still_is_doubted_among_columns_and_nothing_else_is() -> None:
    async with followed(Metered(), size=3) as (batches, _, _):
        async with asyncio.timeout(2.0):
            while "frozen" not in (batch := await batches.get()).reasons:
                pass
    told = dict(zip(batch.tags, zip(batch.qualities, batch.values, strict=True), strict=True))
    assert told["line.energy_import"] == (Quality.UNCERTAIN, 5.0)
    assert told["line.power"] == (Quality.GOOD, 100.0)
    assert told["line.other"] == (Quality.GOOD, 1.0)


async def test_a_full_queue_makes_it_wait_and_is_counted_and_nothing_is_dropped() -> None:
    driver = Told([0.0], [[float(n)] for n in range(1, 20)])
    async with followed(driver, size=1) as (batches, _, health):
        await asyncio.sleep(0.05)
        assert len(driver.news) == 18  # one batch in the queue, one in its hand
        assert health["agent.blocked"] == 1
        found = await rows(batches, 20)
    assert [batch[0][1] for batch in found] == [float(n) for n in range(20)]


async def test_it_is_closed_when_it_is_stopped_in_the_middle_of_anything() -> None:
    class Slow(Told):
        async def connect(self) -> None:
            self.calls.append("connect")
            await asyncio.Event().wait()

    driver = Slow([], [])
    async with followed(driver):
        await asyncio.sleep(0.02)
    assert driver.calls == ["connect", "close"]
