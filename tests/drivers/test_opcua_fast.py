"""Decoding by hand says what asyncua says, and the way from a message to columns loses and reorders nothing."""

from __future__ import annotations

import importlib.metadata
import inspect
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.ua_client import UaClient
from asyncua.client.ua_session import UaSession
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.columns import Columns
from drivers.error import LinkError
from drivers.opcua.news import News
from drivers.opcua.notification import SHAPES, hook, response, rows
from drivers.opcua.parts import Parts
from drivers.opcua.story import CLOCK_OFF_US, Story
from drivers.opcua.values import EPOCH_TICKS, TICKS, Row, row_of, source_time, worth
from drivers.reading import Quality

NOW = 1_790_000_000_000_000  # microseconds UTC
CODES = ua.StatusCodes
T = ua.VariantType

scalars = st.one_of(
    st.builds(ua.Variant, st.booleans(), st.just(T.Boolean)),
    *[
        st.builds(ua.Variant, st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), st.just(kind))
        for kind, bits in ((T.SByte, 8), (T.Int16, 16), (T.Int32, 32), (T.Int64, 64))
    ],
    *[
        st.builds(ua.Variant, st.integers(0, 2**bits - 1), st.just(kind))
        for kind, bits in ((T.Byte, 8), (T.UInt16, 16), (T.UInt32, 32), (T.UInt64, 64))
    ],
    st.builds(ua.Variant, st.floats(width=32), st.just(T.Float)),
    st.builds(ua.Variant, st.floats(), st.just(T.Double)),
)
moments = st.one_of(
    st.none(),
    st.datetimes(datetime(1500, 1, 1), datetime(9999, 12, 31)).map(lambda t: t.replace(tzinfo=UTC)),
)
others = st.one_of(
    st.just(ua.Variant(None, T.Null)),
    st.builds(ua.Variant, st.text(max_size=5), st.just(T.String)),
    st.builds(ua.Variant, st.binary(max_size=5), st.just(T.ByteString)),
    st.builds(ua.Variant, moments.filter(lambda t: t is not None), st.just(T.DateTime)),
    st.builds(ua.Variant, st.uuids(), st.just(T.Guid)),
    st.builds(ua.Variant, st.builds(ua.NodeId, st.integers(0, 2**32 - 1), st.integers(0, 9)), st.just(T.NodeId)),
    st.builds(ua.Variant, st.builds(ua.StatusCode, st.just(CODES.BadTimeout)), st.just(T.StatusCode)),
    st.builds(ua.Variant, st.builds(ua.QualifiedName, st.text(max_size=3)), st.just(T.QualifiedName)),
    st.builds(ua.Variant, st.builds(ua.LocalizedText, st.text(max_size=3)), st.just(T.LocalizedText)),
    st.builds(ua.Variant, st.lists(st.floats(), max_size=4), st.just(T.Double)),
    st.builds(ua.Variant, st.lists(st.text(max_size=2), max_size=3), st.just(T.String)),
)


def data_values(values: st.SearchStrategy[ua.Variant | None]) -> st.SearchStrategy[ua.DataValue]:
    return st.builds(
        ua.DataValue,
        values,
        st.one_of(st.none(), st.integers(0, 2**32 - 1).map(ua.StatusCode)),
        moments,
        moments,
        st.one_of(st.none(), st.integers(0, 9999)),
        st.one_of(st.none(), st.integers(0, 9999)),
    )


changes = st.lists(
    st.builds(
        ua.MonitoredItemNotification,
        st.integers(0, 2**32 - 1),
        st.one_of(data_values(scalars), data_values(st.one_of(scalars, others, st.none()))),
    ),
    max_size=12,
)


def plain(row: Row) -> tuple[Any, ...]:
    """A row as it can be compared: missing parts are 0, not-a-number is itself, no time is before 1601."""
    index, raw, status, _ = row
    told = "nan" if isinstance(raw, float) and math.isnan(raw) else raw
    return index, told, type(raw), status or 0, source_time(row)


@settings(max_examples=300, deadline=None)
@given(changes)
def test_by_hand_says_what_asyncua_says(items: list[ua.MonitoredItemNotification]) -> None:
    body = struct_to_binary(ua.DataChangeNotification(items))
    theirs = struct_from_binary(ua.DataChangeNotification, Buffer(body))
    assert [plain(row) for row in rows(body)] == [
        plain(row_of(item.ClientHandle, item.Value)) for item in theirs.MonitoredItems
    ]


def test_every_layout_of_a_plain_number_is_decoded_without_asyncua() -> None:
    stamp = datetime(2026, 11, 21, tzinfo=UTC)
    for mask in range(64):
        value = ua.Variant(7, T.Int16) if mask & 1 else None
        data = ua.DataValue(
            value,
            ua.StatusCode(CODES.UncertainSubNormal) if mask & 2 else None,
            stamp if mask & 4 else None,
            stamp if mask & 8 else None,
            5 if mask & 16 else None,
            5 if mask & 32 else None,
        )
        body = struct_to_binary(ua.DataChangeNotification([ua.MonitoredItemNotification(9, data)] * 2))
        assert (body[8:10] in SHAPES) == bool(mask & 1), mask
        assert [plain(row) for row in rows(body)] == [plain(row_of(9, data))] * 2


def test_the_names_of_asyncua_that_are_hooked_are_there() -> None:
    assert importlib.metadata.version("asyncua").startswith("2.1."), "read client/ua_session.py before raising the pin"
    assert "response = await self.publish(pending_acks)" in inspect.getsource(UaSession._publish_loop)
    assert list(inspect.signature(UaSession.publish).parameters) == ["self", "acks"]
    assert list(inspect.signature(UaSession._send_request).parameters)[:3] == ["self", "request", "timeout"]
    loop = inspect.getsource(UaSession._publish_loop)
    assert loop.index("await result") < loop.index("pending_acks.append"), "the acknowledgement waits for the callback"
    assert isinstance(UaClient("opc.tcp://x").session, UaSession)


def published(*parts: Any, number: int = 1) -> bytes:
    message = ua.NotificationMessage(number, datetime.now(UTC), list(parts))
    answer = ua.PublishResponse()
    answer.Parameters = ua.PublishResult(77, [1, 2, 3], False, message, [ua.StatusCode()], [])
    whole: bytes = struct_to_binary(answer)
    return whole


def changed(count: int, value: float = 1.0, ticks_us: int = NOW) -> ua.DataChangeNotification:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks_us)
    data = ua.DataValue(ua.Variant(value, T.Double), ua.StatusCode(), at, at)
    return ua.DataChangeNotification([ua.MonitoredItemNotification(index, data) for index in range(count)])


def test_a_whole_response_is_decoded_part_by_part() -> None:
    ended = ua.StatusChangeNotification(ua.StatusCode(CODES.BadTimeout))
    found = response(Buffer(published(changed(3), ended, number=9))).Parameters
    theirs = struct_from_binary(ua.PublishResponse, Buffer(published(changed(3), ended, number=9))).Parameters
    assert (found.SubscriptionId, found.MoreNotifications) == (theirs.SubscriptionId, theirs.MoreNotifications)
    assert found.NotificationMessage.SequenceNumber == 9
    told, end = found.NotificationMessage.NotificationData
    assert [row[0] for row in told] == [0, 1, 2]
    assert end.Status.value == CODES.BadTimeout
    assert response(Buffer(published())).Parameters.NotificationMessage.NotificationData == []


async def test_a_message_that_nobody_can_decode_ends_the_subscription_at_once() -> None:
    session = UaClient("opc.tcp://x").session
    whole = published(changed(3))
    sent = iter([whole, whole[:-80]])

    async def send(request: object, timeout: float) -> Buffer:
        return Buffer(next(sent))

    news = News(lambda: NOW)
    session._send_request = send
    session._subscription_callbacks[77] = news.published
    hook(session)
    await news.published((await session.publish([])).Parameters)
    with pytest.raises(ua.UaError):
        await session.publish([])
    assert [len(message.rows) for message in news.take()] == [3]
    with pytest.raises(LinkError, match="BadDecodingError"):
        await news.wait(math.inf)


def story(count: int, value: float = 0.0) -> Story:
    begun = Story([f"d.n{n}" for n in range(count)], [1.0] * count)
    begun.begin({n: (n, value, 0, 0) for n in range(count)}, NOW - 1000)
    begun.watch(range(count))
    return begun


async def test_five_thousand_values_in_one_publish_all_arrive() -> None:
    news, told, found = News(lambda: NOW + 10), story(5000), Columns()
    for number in (1, 2):
        whole = response(Buffer(published(changed(5000, float(number), NOW + number), number=number)))
        await news.published(whole.Parameters)
    for message in news.take():
        told.tell(message.rows, message.seen, found)
    assert len(found) == 10_000
    assert found.values == [1.0] * 5000 + [2.0] * 5000
    assert found.tags == [f"d.n{n}" for n in range(5000)] * 2
    assert set(found.at) == {NOW + 1, NOW + 2}


given_rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.one_of(st.floats(), st.integers(-(2**63), 2**64), st.booleans(), st.none()),
        st.sampled_from(
            [0, b"", int(CODES.BadSensorFailure), int(CODES.UncertainSubNormal), int(CODES.BadNodeIdUnknown)]
        ),
        st.one_of(
            st.just(b""),
            st.just(0),
            st.integers(-3 * CLOCK_OFF_US, 100).map(lambda us: (NOW + us) * TICKS + EPOCH_TICKS),
        ),
    ),
    max_size=60,
)


@given(st.lists(given_rows, max_size=4))
def test_per_tag_time_never_runs_back_and_each_row_is_told_once_as_it_is_worth(messages: list[list[Row]]) -> None:
    told, found = story(4, value=-1.5), Columns()
    for message in messages:
        told.tell(message, NOW, found)
    every = [row for message in messages for row in message if row[0] < 4]
    for index in range(4):
        mine = [r for r in found if r.tag == f"d.n{index}"]
        assert all(a.at < b.at for a, b in pairwise(mine))
        sent = [worth(row, 1.0) for row in every if row[0] == index]
        if sent and sent[0] == (-1.5, Quality.GOOD, None):
            sent = sent[1:]  # the first one repeats what was read
        assert [(r.value, r.quality) for r in mine] == [(value, quality) for value, quality, _ in sent]
        assert all(r.seen == NOW for r in mine)


@given(st.integers(1, 400), st.integers(1, 150), st.sets(st.integers(0, 400), max_size=3))
@settings(max_examples=60, deadline=None)
async def test_a_server_that_takes_less_than_it_says_is_asked_in_halves(
    count: int, most: int, poison: set[int]
) -> None:
    parts, sizes = Parts(1.0), list[int]()

    async def call(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        if len(items) > most or poison & set(items):
            raise ua.UaStatusCodeError(CODES.BadTooManyOperations)
        return list(items)

    for _ in range(2):
        found = await parts.ask(range(count), call, lambda why: -1)
        assert found == [-1 if item in poison else item for item in range(count)]
    if not poison and count > most:
        assert parts.most <= most
        sizes.clear()
        await parts.ask(range(count), call, lambda why: -1)
        assert max(sizes) <= most


async def test_another_number_of_answers_is_noise_and_no_value_under_a_wrong_name() -> None:
    async def call(items: Sequence[int]) -> list[int]:
        return list(items)[1:]

    with pytest.raises(LinkError, match="noise"):
        await Parts(1.0).ask(range(5), call, lambda why: -1)
