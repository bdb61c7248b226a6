"""Our driver and asyncua's own server: many nodes, small limits, nodes that are not there, go and come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import InternalSession

from configs.text import Text
from drivers.driver import Device
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.session import Pace
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMESPACE = "urn:leafgate:nodes"
QUICK = Pace(publish=0.05, sampling=0.0, keep_alive=0.5, connect=5.0, call=5.0)
MANY = 1000
ROUNDS = 5
GAVE_UP_S = 10.0


def now() -> int:
    return time.time_ns() // 1000


@dataclass
class Plant:
    """The running server and its nodes, `N0` to `N999`, each showing its own number."""

    server: Server
    index: int
    url: str = ""

    async def add(self, name: str, value: float) -> Any:
        node = ua.NodeId(name, self.index)
        return await self.server.nodes.objects.add_variable(node, ua.QualifiedName(name, self.index), value)

    async def write(self, name: str, value: float) -> None:
        data = ua.DataValue(ua.Variant(value))
        await self.server.write_attribute_value(ua.NodeId(name, self.index), data)

    def driver(self, names: list[str], poll: float = 60.0, pace: Pace = QUICK) -> OpcUaDriver:
        items = {name.lower(): Item("count", node=f"nsu={NAMESPACE};s={name}") for name in names}
        profile = Profile(Text("线", "line"), "opcua", "test", items)
        return OpcUaDriver(Device("line", profile, url=self.url, security="none", poll=poll), now, pace)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/nodes")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    made = Plant(server, await server.register_namespace(NAMESPACE))
    for number in range(MANY):
        await made.add(f"N{number}", float(number))
    async with server:
        made.url = f"opc.tcp://127.0.0.1:{server.bserver.port}/nodes"
        yield made


async def until(driver: OpcUaDriver, wanted: Callable[[Reading], bool]) -> Reading:
    async with asyncio.timeout(GAVE_UP_S):
        while True:
            for reading in await driver.changes():
                if wanted(reading):
                    return reading


async def test_five_thousand_values_in_one_publish_all_arrive_in_order_under_their_names(plant: Plant) -> None:
    names = [f"N{number}" for number in range(MANY)]
    driver = plant.driver(names, pace=Pace(publish=0.5, sampling=0.0))
    await driver.read()
    await driver.changes()
    for part in range(1, ROUNDS + 1):
        for number in range(MANY):
            await plant.write(f"N{number}", number + part / 8)
    told: dict[str, list[float | None]] = {f"line.n{number}": [] for number in range(MANY)}
    async with asyncio.timeout(GAVE_UP_S):
        while sum(map(len, told.values())) < ROUNDS * MANY:
            for reading in await driver.changes():
                told[reading.tag].append(reading.value)
    steps = [part / 8 for part in range(1, ROUNDS + 1)]
    assert told == {f"line.n{number}": [number + step for step in steps] for number in range(MANY)}
    for number in range(MANY):
        await plant.write(f"N{number}", float(number))
    await driver.close()


async def test_a_limit_of_a_hundred_nodes_that_nobody_told_and_bad_nodes_give_no_value_a_wrong_name(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"N{number}" if number % 20 else f"Gone{number}" for number in range(1000)]
    _limit(monkeypatch, "read", lambda params: len(params.NodesToRead))
    _limit(monkeypatch, "create_monitored_items", lambda params: len(params.ItemsToCreate))
    driver = plant.driver(names)
    right: dict[str, tuple[float | None, Quality]]
    right = {f"line.n{n}": (float(n), Quality.GOOD) for n in range(1000) if n % 20}
    right |= {f"line.gone{n}": (None, Quality.ABSENT) for n in range(0, 1000, 20)}
    assert {r.tag: (r.value, r.quality) for r in await driver.read()} == right
    await driver.changes()
    for number in range(1000):
        await plant.write(f"N{number}", number + 0.25)
    told: dict[str, float | None] = {}
    async with asyncio.timeout(GAVE_UP_S):
        while len(told) < 950:
            told |= {reading.tag: reading.value for reading in await driver.changes()}
    assert told == {f"line.n{n}": n + 0.25 for n in range(1000) if n % 20}
    for number in range(1000):
        await plant.write(f"N{number}", float(number))
    await driver.close()


async def test_a_node_that_a_read_finds_deleted_is_watched_again_when_it_is_there_and_the_link_stays(
    plant: Plant,
) -> None:
    """asyncua's server tells nobody that a watched node is deleted."""
    node = await plant.add("Short", 1.0)
    driver = plant.driver(["Short", "N1"], poll=0.2)
    await driver.read()
    await driver.changes()
    await _forget(plant, node)
    gone = await until(driver, lambda r: r.tag == "line.short" and r.value is None)
    assert (gone.quality, gone.reason) == (Quality.ABSENT, "no_node")
    await plant.add("Short", 2.0)
    assert (await until(driver, lambda r: r.tag == "line.short" and r.value is not None)).value == 2.0
    await _watched_again(driver)
    await plant.write("Short", 3.0)
    assert (await until(driver, lambda r: r.tag == "line.short" and r.value == 3.0)).quality == Quality.GOOD
    await _forget(plant, node)
    await driver.close()


async def test_a_node_that_appears_later_is_read_and_then_watched(plant: Plant) -> None:
    driver = plant.driver(["Late", "N1"], poll=0.2)
    assert {r.tag: r.reason for r in await driver.read()} == {"line.late": "no_node", "line.n1": None}
    node = await plant.add("Late", 1.0)
    assert (await until(driver, lambda r: r.tag == "line.late" and r.value is not None)).value == 1.0
    await _watched_again(driver)
    await plant.write("Late", 2.0)
    assert (await until(driver, lambda r: r.value == 2.0)).tag == "line.late"
    await _forget(plant, node)
    await driver.close()


async def _watched_again(driver: OpcUaDriver) -> None:
    """Take what comes until the server watches every item; from then on only notifications can tell."""
    async with asyncio.timeout(GAVE_UP_S):
        while driver._watched.by_reads_only:
            await driver.changes()
    driver.device = replace(driver.device, poll=60.0)
    await driver.changes()


async def _forget(plant: Plant, node: Any) -> None:
    """Delete a node whose watches are forgotten before; asyncua calls them wrongly, in a coroutine nobody awaits."""
    data = plant.server.iserver.aspace[node.nodeid]
    data.attributes[ua.AttributeIds.Value].datachange_callbacks.clear()
    await plant.server.delete_nodes([node])


def _limit(monkeypatch: pytest.MonkeyPatch, service: str, size: Callable[[Any], int]) -> None:
    """The server answers a larger request with BadTooManyOperations as a whole."""
    unlimited = getattr(InternalSession, service)

    async def limited(session: InternalSession, params: Any, *more: Any) -> Any:
        if size(params) > 100:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        return await unlimited(session, params, *more)

    monkeypatch.setattr(InternalSession, service, limited)
