"""What the OPC UA driver makes of a server that stops telling one item's changes. No server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import pytest
from asyncua import ua

from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.session import Pace, Published, Session, Watch
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading

ITEMS = {name: Item("power", node=f"i={place}") for place, name in enumerate(("kept", "lost"))}
PROFILE = Profile(Text("线", "line"), "opcua", "test", ITEMS)
POLL_S = 0.02
GAVE_UP_S = 2.0


class Scripted:
    """A session whose values the test sets; it tells of a change only what the test has it tell."""

    def __init__(self, late_s: float = 0.0, left_out: tuple[int, ...] = ()) -> None:
        self.namespaces: list[str] = []
        self.values = [1.0, 1.0]
        self.reads = 0
        self._watch = Watch(60.0, late_s, set(left_out))
        self._number = 0

    async def open(self, device: Device, pace: Pace) -> Self:
        return self

    async def read(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        self.reads += 1
        return [ua.DataValue(ua.Variant(value)) for value in self.values]

    async def subscribe(self, nodes: Mapping[int, ua.NodeId], published: Published) -> Watch:
        self._published = published
        return self._watch

    async def close(self) -> None: ...

    def tell(self, index: int) -> None:
        self._number += 1
        item = ua.MonitoredItemNotification(index, ua.DataValue(ua.Variant(self.values[index])))
        data = [ua.DataChangeNotification([item])]
        self._published(
            ua.PublishResult(NotificationMessage=ua.NotificationMessage(self._number, NotificationData=data))
        )


async def begun(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> OpcUaDriver:
    monkeypatch.setattr(Session, "open", server.open)
    driver = OpcUaDriver(Device("line", PROFILE, poll=POLL_S), lambda: 1)
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
    assert {r.value for r in await driver.changes()} == {1.0, 7.0}  # begun anew, it counts from the start


async def test_a_change_that_is_told_between_two_reads_is_as_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted()
    driver = await begun(server, monkeypatch)
    for value in range(10, 16):
        server.values = [1.0, float(value)]
        await driver.changes()  # the read is ahead of the notification
        server.tell(1)
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
