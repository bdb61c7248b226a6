"""What a walk through a server finds: against answers as servers give them, and against asyncua's own server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import pytest
import pytest_asyncio
from asyncua import Server, ua
from hypothesis import given
from hypothesis import strategies as st

from configs.load import parse
from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError
from drivers.opcua.browse import Found, browse, node_text
from drivers.opcua.endpoints import endpoints
from drivers.opcua.session import Pace, Session
from drivers.opcua.suggest import suggest, yaml_line
from drivers.opcua.units import CEFACT, unit_of
from drivers.opcua.values import place
from drivers.profile import Profile
from drivers.profile_check import faults

QUICK = Pace(publish=0.05, sampling=0.01, keep_alive=0.2, connect=5.0, call=1.0)
EMPTY = Profile(Text("空", "empty"), "opcua", "none", {})
ROOT = ua.NodeId("0", 1)


class Shown:
    """A server whose nodes refer to each other as told: answers in parts, with few continuation points."""

    def __init__(self, below: Mapping[int, Sequence[int]], step: int, points: int, chunk: int) -> None:
        self.below, self.step, self.points, self.chunk = below, step, points, chunk
        self.open: dict[bytes, tuple[int, int]] = {}
        self.asked = 0
        self.uaclient = self

    async def browse(self, params: ua.BrowseParameters) -> list[ua.BrowseResult]:
        if len(params.NodesToBrowse) > self.chunk:
            raise ua.UaStatusCodeError(ua.StatusCodes.BadTooManyOperations)
        return [self._from(int(str(wanted.NodeId.Identifier)), 0) for wanted in params.NodesToBrowse]

    async def browse_next(self, params: ua.BrowseNextParameters) -> list[ua.BrowseResult]:
        return [self._from(*self.open.pop(point)) for point in params.ContinuationPoints]

    async def read_attributes(self, nodes: list[ua.NodeId], attribute: ua.AttributeIds) -> list[ua.DataValue]:
        value = {ua.AttributeIds.Value: 1.5, ua.AttributeIds.DataType: ua.NodeId(11)}.get(attribute, 1)
        return [ua.DataValue(ua.Variant(value)) for _ in nodes]

    def _from(self, node: int, first: int) -> ua.BrowseResult:
        self.asked += 1
        targets = self.below.get(node, ())
        if first + self.step < len(targets) and len(self.open) >= self.points:
            return ua.BrowseResult(ua.StatusCode(ua.StatusCodes.BadNoContinuationPoints))
        point = None
        if first + self.step < len(targets):
            point = f"{node}.{first}".encode()
            self.open[point] = (node, first + self.step)
        references = [_reference(target) for target in targets[first : first + self.step]]
        return ua.BrowseResult(ContinuationPoint=point, References=references)


def _reference(target: int) -> ua.ReferenceDescription:
    return ua.ReferenceDescription(
        ReferenceTypeId=ua.NodeId(ua.ObjectIds.Organizes),
        NodeId=ua.ExpandedNodeId(str(target), 1),
        BrowseName=ua.QualifiedName(f"n{target}", 1),
        NodeClass=ua.NodeClass.Variable if target % 2 else ua.NodeClass.Object,
    )


async def walked(server: Shown, **how: int) -> list[Found]:
    session = Session(cast(Any, server), QUICK, 0.25)
    session.namespaces = ["", "urn:x"]
    return [found async for found in browse(session, ROOT, **how)]


@given(
    st.dictionaries(st.integers(0, 20), st.lists(st.integers(0, 20), max_size=9), max_size=12),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_every_variable_that_can_be_reached_is_found_once_whatever_the_limits(
    below: dict[int, list[int]], step: int, points: int, chunk: int
) -> None:
    server = Shown(below, step, points, chunk)
    reached, waiting = {0}, [0]
    while waiting:
        fresh = set(below.get(waiting.pop(), ())) - reached
        reached |= fresh
        waiting += fresh
    found = asyncio.run(walked(server))
    assert sorted(int(one.node.rpartition("=")[2]) for one in found) == sorted(n for n in reached if n % 2)
    assert not server.open


async def test_a_server_with_one_continuation_point_is_asked_node_by_node() -> None:
    rooms = {0: [2, 4, 6], 2: [11, 13, 15], 4: [21, 23, 25], 6: [31, 33, 35]}
    found = await walked(Shown(rooms, step=2, points=1, chunk=9))
    assert len(found) == 9


async def test_depth_and_number_are_bounds() -> None:
    chain = {number: [number + 1, number + 2] for number in range(100)}
    assert {one.path.count("/") for one in await walked(Shown(chain, 9, 9, 9), depth=3)} == {0, 1, 2}
    assert len(await walked(Shown(chain, 9, 9, 9), most=7)) == 7


class _Halls(dict[int, Sequence[int]]):
    """Every room has two more behind it, and in none there is a variable."""

    def get(self, room: int, _: object = None) -> Sequence[int]:
        return (4 * room + 2, 4 * room + 4)


async def test_a_server_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Shown({number: range(number + 1, number + 4) for number in range(10**6)}, 9, 9, 9)
    assert len(await walked(server, depth=10**6, most=50)) == 50
    assert server.asked < 300
    monkeypatch.setattr("drivers.opcua.browse.MOST_PLACES", 500)
    endless = Shown(_Halls(), 9, 9, 9)
    assert await walked(endless, depth=10**6) == []


def test_a_node_is_named_by_its_namespace_and_found_again() -> None:
    namespaces = ["http://opcfoundation.org/UA/", "urn:x", "urn:a;b"]
    for text in ("nsu=urn:x;s=Line.Power", "nsu=urn:x;i=7", "i=2258", "nsu=urn:x;b=AAE="):
        node = place(text, namespaces)
        assert node is not None
        assert node_text(node, namespaces) == text
    assert node_text(ua.NodeId("x", 2), namespaces) == "ns=2;s=x"
    assert node_text(ua.NodeId("x", 9), namespaces) == "ns=9;s=x"


@pytest.mark.parametrize(
    ("code", "text", "namespace", "unit"),
    [
        (4937544, "kW·h", CEFACT, "kWh"),
        (4408652, "irgendwas", CEFACT, "degC"),
        (-1, "kVAr", CEFACT, "kvar"),
        (4937544, "℃", "urn:own", "degC"),
        (0, "Hübe", CEFACT, "Hübe"),
        (0, None, None, ""),
    ],
)
def test_a_unit_is_known_by_its_code_or_else_by_its_text(
    code: int, text: str | None, namespace: str | None, unit: str
) -> None:
    assert unit_of(ua.EUInformation(namespace, code, ua.LocalizedText(text))) == unit


def test_what_is_no_engineering_unit_is_none() -> None:
    assert unit_of("kW") == unit_of(None) == ""


def found(path: str, kind: str = "Double", value: object = 1.0, unit: str = "", status: str = "Good") -> Found:
    return Found(f"nsu=urn:x;s=.{path}", path, kind, value, status, unit, ("read",))


def test_the_unit_settles_the_quantity_or_leaves_it_to_the_engineer() -> None:
    shown = suggest(
        [
            found("Meter1/VoltageL1", unit="V"),
            found("Meter2/VoltageL1", unit="kV"),
            found("Meter1/Power", unit="kW"),
            found("Press/Running", "Boolean", True),
            found("Press/Name", "String", "x"),
            found("Press/All", "Double[]", [1.0]),
            found("Press/Link", value=None, status="BadSensorFailure"),
        ]
    )
    assert [(one.name, one.quantity, one.unit) for one in shown] == [
        ("voltage_l1", "voltage", ""),
        ("meter2_voltage_l1", "voltage", "kV"),
        ("power", "", "kW"),
        ("running", "", ""),
        ("press_link", "", ""),
    ]
    assert "power" in shown[2].candidates
    assert "heat_power" in shown[2].candidates
    assert set(shown[3].candidates) == {"device_state", "fault_code"}
    assert "-- (BadSensorFailure)" in yaml_line(shown[4])


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_what_is_proposed_makes_a_profile_without_faults(paths: list[str]) -> None:
    paths = [*paths, "Meter"]
    shown = suggest([found(path, unit="V") for path in paths] + [found(path, unit="kW") for path in paths])
    lines = "\n".join(yaml_line(one) for one in shown)
    assert len({one.name for one in shown}) == len(shown)
    text = f"title: {{zh: 线, en: line}}\nprotocol: opcua\nsource: seen\nitems:\n{lines}\n"
    profile = parse(text, Profile, "line.yaml")
    assert faults(profile) == []
    assert len(profile.value.items) == sum(one.quantity == "voltage" for one in shown) <= len(paths)


@pytest_asyncio.fixture
async def plant() -> AsyncIterator[str]:
    """asyncua's server with a line: a variable with its unit, and a broken one."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/plant")
    server.set_server_name("plant")
    index = await server.register_namespace("urn:leafgate:plant")
    line = await server.nodes.objects.add_object(ua.NodeId("Line", index), "Line")
    power = await line.add_variable(ua.NodeId("Power", index), "Power", 12.5)
    unit = ua.EUInformation(CEFACT, 4937556, ua.LocalizedText("kW"))
    await power.add_property(ua.NodeId("Power.Unit", index), ua.QualifiedName("EngineeringUnits", 0), unit)
    broken = await line.add_variable(ua.NodeId("Broken", index), "Broken", 1)
    await broken.write_value(ua.DataValue(ua.Variant(1), ua.StatusCode(ua.StatusCodes.BadSensorFailure)))
    async with server:
        yield f"opc.tcp://127.0.0.1:{server.bserver.port}/plant"


async def test_asyncuas_server_is_walked_and_read(plant: str) -> None:
    session = await Session.open(Device("line", EMPTY, url=plant, security="none"), QUICK)
    try:
        seen = {one.path: one async for one in browse(session)}
    finally:
        await session.close()
    assert seen["Line/Power"] == Found(
        "nsu=urn:leafgate:plant;s=Power", "Line/Power", "Double", 12.5, "Good", "kW", ("read",)
    )
    assert (seen["Line/Broken"].value, seen["Line/Broken"].status) == (None, "BadSensorFailure")
    assert not [path for path in seen if path.startswith("Server")]


async def test_a_server_says_what_it_offers_before_anyone_logs_in(plant: str) -> None:
    offer = await endpoints(plant)
    assert offer.name == "plant"
    assert [(each.security, each.mode, each.usable) for each in offer.endpoints] == [("none", "", True)]
    assert "anonymous" in offer.endpoints[0].users
    assert (offer.fingerprint, offer.valid) == ("", None)


async def test_who_never_answers_is_no_reply() -> None:
    held = []
    mute = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    async with mute:
        with pytest.raises(LinkError, match="no_reply"):
            await endpoints(f"opc.tcp://127.0.0.1:{mute.sockets[0].getsockname()[1]}/", timeout=0.1)
        for writer in held:
            writer.close()


async def test_nobody_there_is_refused(unused_tcp_port: int) -> None:
    with pytest.raises(LinkError, match="refused"):
        await endpoints(f"opc.tcp://127.0.0.1:{unused_tcp_port}/")
