"""What the OPC UA driver makes of a server that stops telling one item's changes. No server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Self

import pytest
from asyncua import ua

from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.recall import CURRENT_TIME
from drivers.opcua.session import Pace, Published, Session, Watch
from drivers.opcua.watched import Watched
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading

ITEMS = {name: Item("power", node=f"i={place}") for place, name in enumerate(("kept", "lost"))}
PROFILE = Profile(Text("线", "line"), "opcua", "test", ITEMS)
POLL_S = 0.02
GAVE_UP_S = 2.0
OVERFLOW = 0x480  # info bits: of a data value, its queue ran over


class Scripted:
    """A session whose values the test sets; after the first values it tells only what the test has it tell."""

    def __init__(self, late_s: float = 0.0, left_out: tuple[int, ...] = ()) -> None:
        self.namespaces: list[str] = []
        self.values = [1.0, 1.0]
        self.reads = 0
        self._watch = Watch(60.0, late_s, set(left_out))
        self.watched: list[set[int]] = []
        self._number = 0

    async def open(self, device: Device, pace: Pace) -> Self:
        return self

    async def read(
        self, nodes: Sequence[ua.NodeId], attribute: ua.AttributeIds = ua.AttributeIds.Value
    ) -> list[ua.DataValue]:
        if attribute == ua.AttributeIds.AccessLevel:
            return [ua.DataValue(ua.Variant(ua.AccessLevel.CurrentRead.mask)) for _ in nodes]
        if list(nodes) == [CURRENT_TIME]:
            return [ua.DataValue(ua.Variant(None))]
        self.reads += 1
        return [ua.DataValue(ua.Variant(value)) for value in self.values]

    async def subscribe(self, nodes: Mapping[int, ua.NodeId], published: Published) -> Watch:
        self._published = published
        await self._publish({index: 0 for index in nodes if index not in self._watch.left_out})
        return self._watch

    async def watch(self, nodes: Mapping[int, ua.NodeId]) -> dict[int, float]:
        self.watched.append(set(nodes))
        return dict.fromkeys(nodes, 0.0)

    async def close(self) -> None: ...

    async def tell(self, index: int, status: int = 0) -> None:
        await self._publish({index: status})

    async def _publish(self, statuses: Mapping[int, int]) -> None:
        self._number += 1
        values = {i: ua.DataValue(ua.Variant(self.values[i]), ua.StatusCode(code)) for i, code in statuses.items()}
        told = [ua.DataChangeNotification([ua.MonitoredItemNotification(i, data) for i, data in values.items()])]
        await self._published(
            ua.PublishResult(NotificationMessage=ua.NotificationMessage(self._number, NotificationData=told))
        )


async def begun(server: Scripted, monkeypatch: pytest.MonkeyPatch, poll_s: float = POLL_S) -> OpcUaDriver:
    monkeypatch.setattr(Session, "open", server.open)
    moments = itertools.count(1000, 1000)
    driver = OpcUaDriver(Device("line", PROFILE, poll=poll_s), lambda: next(moments))
    await driver.read()
    await driver.changes()
    return driver


async def until_lost(driver: OpcUaDriver, told: list[Reading]) -> None:
    async with asyncio.timeout(GAVE_UP_S):
        while True:
            told += await driver.changes()


async def test_a_change_that_two_reads_see_and_nobody_tells_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted()
    driver = await begun(server, monkeypatch)
    server.values = [1.0, 7.0]
    read_before, told = server.reads, list[Reading]()
    with pytest.raises(LinkError, match=r"closed: line\.lost"):
        await until_lost(driver, told)
    assert server.reads - read_before == 2
    assert {(r.tag, r.value, r.quality) for r in told} == {("line.kept", 1.0, Quality.GOOD)}
    await driver.close()
    again = await driver.read()
    assert [r.value for r in again] == [1.0, 7.0]
    assert list(await driver.changes()) == []  # the first notifications repeat what was read
    assert {r.value for r in await driver.changes()} == {1.0, 7.0}  # begun anew, it counts from the start


async def test_a_change_that_is_told_between_two_reads_is_as_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted()
    driver = await begun(server, monkeypatch)
    for value in range(10, 16):
        server.values = [1.0, float(value)]
        await driver.changes()  # the read is ahead of the notification
        await server.tell(1)
        assert [r.value for r in await driver.changes() if r.tag == "line.lost"][:1] == [value]


async def test_a_server_that_looks_rarely_is_given_the_time_it_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(late_s=60.0)
    driver = await begun(server, monkeypatch)
    server.values = [1.0, 7.0]
    for _ in range(4):
        assert {r.tag for r in await driver.changes()} == {"line.kept"}


async def test_what_the_server_does_not_watch_is_told_by_each_read(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(left_out=(1,))
    driver = await begun(server, monkeypatch)
    for value in (7.0, 8.0, 9.0):
        server.values = [1.0, value]
        assert [r.value for r in await driver.changes()] == [1.0, value]


async def told(driver: OpcUaDriver, tag: str) -> list[tuple[float | None, str | None]]:
    return [(r.value, r.reason) for r in await driver.changes() if r.tag == tag]


async def test_where_the_servers_queue_ran_over_a_gap_with_two_ends_stands_before_the_next_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Scripted()
    driver = await begun(server, monkeypatch, poll_s=60.0)
    server.values = [1.0, 7.0]
    await server.tell(1)
    assert await told(driver, "line.lost") == [(7.0, None)]
    server.values = [1.0, 9.0]
    await server.tell(1, OVERFLOW)
    found = list(await driver.changes())
    assert [(r.value, r.quality, r.reason) for r in found] == [
        (None, Quality.BAD, "gap"),
        (None, Quality.BAD, "gap"),
        (9.0, Quality.GOOD, None),
    ]
    assert all(a.at < b.at for a, b in itertools.pairwise(found))
    assert found[1].at == found[2].at - 1


async def test_a_watched_node_that_is_told_to_be_gone_is_asked_for_again_without_a_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.opcua.watched.FIRST_S", 0.02)
    server = Scripted()
    driver = await begun(server, monkeypatch, poll_s=60.0)
    server.values = [1.0, 5.0]
    await server.tell(1)
    await driver.changes()
    await server.tell(1, ua.StatusCodes.BadNodeIdUnknown)
    assert await told(driver, "line.lost") == [(None, "no_node")]
    await driver.changes()
    assert server.watched == [{1}]
    await server.tell(1)
    assert await told(driver, "line.lost") == [(5.0, None)]


async def missed(driver: OpcUaDriver, since: dict[str, int] | None = None) -> list[Reading]:
    return [reading async for part in driver.missed(since or {}) for reading in part]


async def test_a_loss_without_history_leaves_a_gap_with_its_two_ends_and_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Scripted()
    driver = await begun(server, monkeypatch, poll_s=60.0)
    server.values = [1.0, 7.0]
    await server.tell(1)
    last = list(await driver.changes())[-1]
    await driver.close()
    again = await driver.read()
    found = [r for r in await missed(driver) if r.tag == "line.lost"]
    assert [(r.value, r.quality, r.reason) for r in found] == [(None, Quality.BAD, "gap")] * 2
    assert [r.at for r in found] == [last.at + 1, again[1].at - 1]
    assert await missed(driver) == []


async def test_what_was_stored_before_the_start_is_where_the_gap_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted()
    monkeypatch.setattr(Session, "open", server.open)
    driver = OpcUaDriver(Device("line", PROFILE), lambda: 1000)
    await driver.read()
    assert [(r.tag, r.at, r.reason) for r in await missed(driver, {"line.kept": 400, "other.kept": 1})] == [
        ("line.kept", 401, "gap"),
        ("line.kept", 999, "gap"),
    ]


def test_a_node_that_was_never_there_is_asked_for_once_a_minute_and_one_that_went_soon() -> None:
    """A server that counts to its next sign of life from each request must not be asked all the time."""
    watched = Watched(Watch(alive=5.0, late=1.0, left_out={3}), set(), 0.0)
    asked = [t for t in range(600) if watched.wanted(float(t))]
    assert asked == list(range(60, 600, 60))
    watched.lost({4}, 600.0)
    assert [t for t in range(600, 660) if watched.wanted(float(t))][:4] == [600, 602, 606, 614]
