"""What a DataValue is worth, where a node stands, which certificate is meant; and the queue of news. No server."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
from asyncua import ua
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.deadline import within
from drivers.opcua.identity import first, identity
from drivers.opcua.news import LAST_NUMBER, News
from drivers.opcua.refusal import refusal
from drivers.opcua.session import Pace, Session
from drivers.opcua.values import judged, place
from drivers.profile import Item, Profile
from drivers.reading import Quality

CODES = ua.StatusCodes


def value(raw: object, status: int = CODES.Good) -> ua.DataValue:
    return ua.DataValue(ua.Variant(raw), ua.StatusCode(status))


def test_a_number_that_is_none_never_leaves_as_a_number() -> None:
    for raw in (None, math.nan, math.inf, "7", [1.0], b"7"):
        found, quality, reason = judged(value(raw), 1.0)
        assert (found, quality) == (None, Quality.BAD), raw
        assert reason in ("not_a_number", "no_value")
    assert judged(value(True), 1.0) == (1.0, Quality.GOOD, None)
    assert judged(value(1e308), 1000.0) == (None, Quality.BAD, "not_a_number")
    assert judged(value(2**63), 0.001)[0] == pytest.approx(2**63 / 1000)


def test_the_last_value_of_a_lost_source_is_no_value() -> None:
    for status in (CODES.UncertainLastUsableValue, CODES.UncertainNoCommunicationLastUsableValue):
        assert judged(value(5.0, status), 1.0) == (None, Quality.STALE, "last_usable")
    assert judged(value(5.0, CODES.UncertainSubNormal), 1.0) == (5.0, Quality.UNCERTAIN, "uncertain_value")
    assert judged(value(5.0, CODES.GoodLocalOverride), 1.0) == (5.0, Quality.UNCERTAIN, "overridden")


@given(st.integers(0, 2**32 - 1))
def test_a_value_leaves_only_with_a_quality_that_may_carry_one(status: int) -> None:
    found, quality, reason = judged(value(5.0, status), 2.0)
    assert (found is None) == (quality > Quality.UNCERTAIN)
    assert (reason is None) == (quality == Quality.GOOD)
    assert found in (None, 10.0)
    if status >= 0x80000000:
        assert found is None


def test_a_node_is_found_by_the_name_of_its_namespace() -> None:
    spaces = ["http://opcfoundation.org/UA/", "urn:other", "urn:press"]
    assert place("nsu=urn:press;s=Line;1=a", spaces) == ua.NodeId("Line;1=a", 2)
    assert place("nsu=urn:press;i=7", spaces) == ua.NodeId(7, 2)
    assert place("ns=1;i=7", []) == ua.NodeId(7, 1)
    assert place("nsu=urn:gone;i=7", spaces) is None
    for wrong in ("", "Meter1", "nsu=urn:press", "i=x"):
        with pytest.raises(ValueError, match=r".*"):
            place(wrong, spaces)


def test_the_servers_own_certificate_is_the_first_of_its_chain(tmp_path: Path) -> None:
    one = identity(tmp_path / "a", "a", "urn:a", ExtendedKeyUsageOID.SERVER_AUTH).certificate
    two = identity(tmp_path / "b", "b", "urn:b", ExtendedKeyUsageOID.SERVER_AUTH).certificate
    assert first(one + two) == first(one) == one
    assert first(b"") == b""


def test_a_foreign_error_has_one_meaning_while_connecting_and_one_later() -> None:
    untrusted = ua.UaStatusCodeError(CODES.BadCertificateUntrusted)
    checks = ua.UaStatusCodeError(CODES.BadSecurityChecksFailed)
    assert {refusal(e, connecting=True).reason for e in (untrusted, checks)} == {"cert_untrusted"}
    assert refusal(ua.UaStatusCodeError(CODES.BadSessionIdInvalid)).reason == "closed"
    assert refusal(TimeoutError()).reason == "no_reply"
    assert refusal(ConnectionResetError()).reason == "closed"
    assert refusal(ValueError("what")).reason == "noise"
    assert isinstance(refusal(KeyError()), LinkError)


async def test_a_password_is_not_sent_in_clear_and_nothing_before_it(unused_tcp_port: int, tmp_path: Path) -> None:
    secret = tmp_path / "password.txt"
    secret.write_text("gut", encoding="utf-8")
    url = f"opc.tcp://127.0.0.1:{unused_tcp_port}/"  # nobody listens: a try to connect would be refused
    profile = Profile(Text("线", "line"), "opcua", "test", {"power": Item("power", node="i=1")})
    device = Device("line", profile, url=url, security="none", user="leafgate", password_file=secret)
    with pytest.raises(ProfileError, match="password_in_clear"):
        await Session.open(device, Pace())


def message(number: int, *values: float) -> ua.PublishResult:
    items = [ua.MonitoredItemNotification(index, value(v)) for index, v in enumerate(values)]
    data = [ua.DataChangeNotification(items)] if items else []
    return ua.PublishResult(NotificationMessage=ua.NotificationMessage(number, NotificationData=data))


def taken(news: News) -> list[float]:
    return [row[1] for part in news.take() for row in part.rows]


async def test_what_comes_in_the_same_message_behind_an_end_is_not_taken() -> None:
    news, later = News(lambda: 1), message(1, 1.0)
    ended = ua.StatusChangeNotification(ua.StatusCode(CODES.BadTimeout))
    later.NotificationMessage.NotificationData.insert(0, ended)
    await news.published(later)
    assert news.take() == []
    with pytest.raises(LinkError, match="BadTimeout"):
        await news.wait(math.inf)


async def test_news_come_in_order_and_a_missing_message_ends_them_after_what_came_before() -> None:
    news = News(lambda: 1)
    await news.published(message(LAST_NUMBER, 1.0))
    await news.published(message(1))  # a keep-alive names the number that comes next
    await news.published(message(1, 2.0))
    await news.published(message(3, 4.0))
    await news.wait(math.inf)
    assert taken(news) == [1.0, 2.0]
    await news.published(message(4, 5.0))
    with pytest.raises(LinkError, match="closed"):
        await news.wait(math.inf)


async def test_a_full_queue_lets_the_publish_loop_wait_and_is_counted_and_nothing_is_dropped() -> None:
    news = News(lambda: 1, rows=3)
    await news.published(message(1, 1.0, 2.0))
    waiting = asyncio.create_task(news.published(message(2, 3.0, 4.0)))
    await asyncio.sleep(0.01)
    assert (news.blocked, waiting.done(), taken(news)) == (1, False, [1.0, 2.0])
    await waiting
    assert taken(news) == [3.0, 4.0]
    await news.published(message(3, *range(10)))  # larger than the queue, and fits into an empty one
    assert (news.blocked, len(taken(news))) == (1, 10)


async def test_a_message_that_waits_for_room_is_a_sign_of_life() -> None:
    news = News(lambda: 1, rows=1)
    news.expect(0.01)
    await news.published(message(1, 1.0))
    waiting = asyncio.create_task(news.published(message(2, 2.0)))
    await asyncio.sleep(0.05)
    assert taken(news) == [1.0]
    await news.wait(math.inf)
    assert taken(news) == [2.0]
    await waiting


async def test_a_publish_loop_that_waits_is_let_go_when_the_subscription_ends() -> None:
    news = News(lambda: 1, rows=1)
    await news.published(message(1, 1.0))
    waiting = asyncio.create_task(news.published(message(2, 2.0)))
    await asyncio.sleep(0)
    news.end(LinkError("closed"))
    await asyncio.wait_for(waiting, 1.0)
    assert taken(news) == [1.0]


async def test_a_sign_of_life_without_data_keeps_the_wait_alive() -> None:
    news = News(lambda: 1)
    news.expect(0.03)
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(news.wait(math.inf))
    for _ in range(6):
        await asyncio.sleep(0.03)
        await news.published(message(1))
    assert not waiting.done()
    begun = loop.time()
    with pytest.raises(LinkError, match="no_reply"):
        await waiting
    assert loop.time() - begun > 0.03


async def test_a_call_that_swallows_its_cancellation_still_ends_for_us() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)

    with pytest.raises(LinkError, match="no_reply"):
        await within(0.01, stubborn())
    waiting = asyncio.create_task(within(5.0, stubborn()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.06)


async def test_a_call_that_cancels_itself_is_a_loss_and_no_end_of_ours() -> None:
    async def given_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(LinkError, match="closed"):
        await within(1.0, given_up())
