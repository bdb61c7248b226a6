"""What a server kept: against asyncua's own history server, and against answers as other servers give them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import pytest_asyncio
from asyncua import Server, ua
from hypothesis import given
from hypothesis import strategies as st

from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError
from drivers.opcua import history
from drivers.opcua.history import PAGE, History, read_history
from drivers.opcua.session import Pace, Session
from drivers.profile import Profile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
S = 1_000_000
START = 1_800_000_000 * S
QUICK = Pace(publish=0.05, sampling=0.01, keep_alive=0.2, connect=5.0, call=1.0)
EMPTY = Profile(Text("空", "empty"), "opcua", "none", {})
HISTORY_READ = 5  # AccessLevel: CurrentRead and HistoryRead (OPC 10000-3, 8.57)


def stored(at: int, value: float, status: int = 0) -> ua.DataValue:
    stamp = EPOCH + timedelta(microseconds=at)
    return ua.DataValue(ua.Variant(value, ua.VariantType.Double), ua.StatusCode(status), stamp, stamp)


def shown(found: History | None) -> list[tuple[int, Any]]:
    """When each value was true, and the value."""
    assert found is not None
    return [
        ((data.SourceTimestamp - EPOCH) // timedelta(microseconds=1), data.Value.Value if data.Value else None)
        for data in found.values
        if data.SourceTimestamp is not None
    ]


class Historian:
    """Answers as a server does: page size, order, how it goes on, what it adds."""

    def __init__(self, values: Sequence[ua.DataValue], page: int = PAGE) -> None:
        self.values, self.page = list(values), page
        self.newest_first = self.no_points = self.bounds = self.stuck = False
        self.refusal: int | None = None
        self.breaks_at: int | None = None
        self.access: object = HISTORY_READ
        self.historizing: object = True
        self.asked = 0
        self.open: set[bytes] = set()
        self.uaclient = self  # what the driver reaches through `client`

    async def read(self, _: ua.ReadParameters) -> list[ua.DataValue]:
        return [ua.DataValue(ua.Variant(value)) for value in (self.access, self.historizing)]

    async def history_read(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        details, (wanted,) = params.HistoryReadDetails, params.NodesToRead
        assert isinstance(details, ua.ReadRawModifiedDetails)
        self.open.discard(wanted.ContinuationPoint or b"")
        if params.ReleaseContinuationPoints:
            return [ua.HistoryReadResult()]
        self.asked += 1
        if self.refusal is not None:
            return [ua.HistoryReadResult(StatusCode=ua.StatusCode(self.refusal))]
        if self.breaks_at == self.asked:
            return [ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadContinuationPointInvalid))]
        between = (v for v in self.values if details.StartTime <= cast(datetime, v.SourceTimestamp) <= details.EndTime)
        chosen = sorted(between, key=lambda v: cast(datetime, v.SourceTimestamp), reverse=self.newest_first)
        first = int(wanted.ContinuationPoint or b"0")
        part = chosen[first : first + min(self.page, details.NumValuesPerNode)]
        if self.bounds and not first:
            lost = ua.StatusCode(ua.StatusCodes.BadBoundNotFound)
            part = [ua.DataValue(None, lost, details.StartTime), *part]
        point = None
        if first + self.page < len(chosen) and not self.no_points:
            point = b"0" if self.stuck else str(first + self.page).encode()
            self.open.add(point)
        return [ua.HistoryReadResult(ContinuationPoint=point, HistoryData=ua.HistoryData(part))]


async def asked(server: Historian, start: int, end: int, most: int = 10_000) -> History | None:
    session = Session(cast(Any, server), QUICK, 0.25)
    return await read_history(session, ua.NodeId("x", 2), start, end, most)


def seconds(*numbers: int) -> list[ua.DataValue]:
    return [stored(START + number * S, float(number)) for number in numbers]


@given(
    st.lists(st.integers(0, 60), unique=True),
    st.integers(1, 7),
    st.integers(0, 60),
    st.integers(0, 60),
    st.booleans(),
    st.booleans(),
)
def test_whatever_the_pages_each_value_between_comes_once_in_order(
    numbers: list[int], page: int, start: int, end: int, newest_first: bool, bounds: bool
) -> None:
    server = Historian(seconds(*numbers), page)
    server.newest_first, server.bounds = newest_first, bounds
    found = asyncio.run(asked(server, START + start * S, START + end * S))
    assert [at for at, _ in shown(found)] == [START + n * S for n in sorted(numbers) if start < n <= end]
    assert found is not None
    assert found.missing is None
    assert found.joined == (start in numbers and start < end)
    assert not server.open


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_server_that_cuts_without_a_word_is_asked_on(newest_first: bool) -> None:
    server = Historian(seconds(*range(2 * PAGE + 5)))
    server.no_points, server.newest_first = True, newest_first
    found = await asked(server, START, START + 5000 * S)
    assert [value for _, value in shown(found)] == [float(n) for n in range(1, 2 * PAGE + 5)]
    assert found is not None
    assert found.missing is None


@pytest.mark.parametrize(
    ("newest_first", "kept", "missing"), [(False, [1, 2, 3], (3, 60)), (True, [28, 29, 30], (0, 28))]
)
async def test_more_than_asked_for_leaves_a_hole_with_two_ends_and_releases_the_server(
    newest_first: bool, kept: list[int], missing: tuple[int, int]
) -> None:
    server = Historian(seconds(*range(31)), page=2)
    server.newest_first = newest_first
    found = await asked(server, START, START + 60 * S, most=3)
    assert found is not None
    assert [value for _, value in shown(found)] == kept
    assert found.missing == tuple(START + end * S for end in missing)
    assert not server.open


async def test_as_many_as_asked_for_is_whole() -> None:
    found = await asked(Historian(seconds(1, 2, 3)), START, START + 3 * S, most=3)
    assert found is not None
    assert found.missing is None


async def test_a_reading_that_breaks_off_keeps_what_it_has_and_names_the_hole() -> None:
    server = Historian(seconds(*range(31)), page=10)
    server.breaks_at = 2
    found = await asked(server, START, START + 60 * S)
    assert found is not None
    assert len(found.values) == 9
    assert found.missing == (START + 9 * S, START + 60 * S)


async def test_a_server_that_turns_on_the_spot_is_left() -> None:
    server = Historian(seconds(*range(31)), page=10)
    server.stuck = True
    found = await asked(server, START, START + 60 * S)
    assert server.asked <= 3
    assert found is not None
    assert found.missing == (START + 9 * S, START + 60 * S)


async def test_a_bad_status_is_kept_as_it_was_stored() -> None:
    broken = stored(START + S, 7.0, ua.StatusCodes.BadSensorFailure)
    found = await asked(Historian([broken]), START, START + 2 * S)
    assert found is not None
    assert [data.StatusCode and data.StatusCode.value for data in found.values] == [ua.StatusCodes.BadSensorFailure]


@pytest.mark.parametrize("code", sorted(history.NO_HISTORY))
async def test_a_node_without_history_is_none(code: int) -> None:
    server = Historian(seconds(1))
    server.refusal = code
    assert await asked(server, START, START + 9 * S) is None


async def test_a_node_that_is_not_recorded_is_none_although_the_server_answers() -> None:
    for access, historizing in ((1, True), (HISTORY_READ, False)):
        server = Historian(seconds(1))
        server.access, server.historizing = access, historizing
        assert await asked(server, START, START + 9 * S) is None
        assert server.asked == 0
    silent = Historian(seconds(1))
    silent.access = silent.historizing = None
    assert len(shown(await asked(silent, START, START + 9 * S))) == 1


async def test_another_refusal_is_a_hole_and_not_the_lack_of_history() -> None:
    server = Historian(seconds(1))
    server.refusal = ua.StatusCodes.BadOutOfService
    assert await asked(server, START, START + S) == History([], (START, START + S), False)


async def test_no_time_between_is_nothing_asked() -> None:
    server = Historian(seconds(1))
    assert await asked(server, START + S, START + S) == History([], None, False)
    assert server.asked == 0


@dataclass
class Kept:
    """asyncua's server, and what it was told."""

    url: str
    nodes: dict[str, ua.NodeId]
    told: list[tuple[int, float]]


@pytest_asyncio.fixture
async def kept() -> AsyncIterator[Kept]:
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/kept")
    index = await server.register_namespace("urn:leafgate:kept")
    nodes = {n: await server.nodes.objects.add_variable(ua.NodeId(n, index), n, 0.0) for n in ("power", "plain")}
    async with server:
        await server.historize_node_data_change(nodes["power"], period=None, count=5000)
        await asyncio.sleep(0.05)
        told = [(START + n * S, float(n)) for n in range(1, PAGE + 200)]
        for at, value in told:
            await server.iserver.history_manager.storage.save_node_value(nodes["power"].nodeid, stored(at, value))
        ids = {name: node.nodeid for name, node in nodes.items()}
        yield Kept(f"opc.tcp://127.0.0.1:{server.bserver.port}/kept", ids, told)


async def test_asyncuas_history_is_read_whole_from_a_moment_on(kept: Kept) -> None:
    device = Device("kept", EMPTY, url=kept.url, security="none")
    session = await Session.open(device, QUICK)
    try:
        start, end = kept.told[9][0], kept.told[-1][0]
        found = await read_history(session, kept.nodes["power"], start, end, 5000)
        assert shown(found) == kept.told[10:]
        assert found is not None
        assert (found.missing, found.joined) == (None, True)
        assert await read_history(session, kept.nodes["plain"], start, end, 10) is None
        assert await read_history(session, ua.NodeId("no such", 2), start, end, 10) is None
        some = await read_history(session, kept.nodes["power"], start, end, 10)
        assert some is not None
        assert some.missing == (kept.told[19][0], end)
        assert all(a < b for (a, _), (b, _) in itertools.pairwise(kept.told))
    finally:
        await session.close()
    with pytest.raises(LinkError):
        await read_history(session, kept.nodes["power"], start, end, 10)
