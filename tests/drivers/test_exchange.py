"""The times of one question: what an adapter echoes is no reply."""

from __future__ import annotations

import asyncio

import pytest

from drivers.exchange import Exchange
from drivers.wire import Wire
from tests.virtual import run

ASKED = bytes.fromhex("0103000000020001")


@pytest.mark.parametrize("echo", [b"", ASKED[:3], ASKED])
def test_a_device_is_slow_however_quick_the_echo_is(echo: bytes) -> None:
    async def story() -> tuple[float, float]:
        exchange = Exchange(ASKED, Wire(9600, "N", 1))
        await asyncio.sleep(0.01)
        exchange.add(echo)
        exchange.add(b"")
        await asyncio.sleep(0.9)
        exchange.add(ASKED[len(echo) :] + b"the reply" if echo else b"the reply")
        exchange.end(None)
        return exchange.waited_s, exchange.took_s

    waited, took = run(story())
    assert waited == pytest.approx(0.91 - len(ASKED) * 10 / 9600)
    assert took == pytest.approx(0.91)


def test_a_device_that_says_nothing_let_the_line_wait_till_the_end() -> None:
    async def story() -> float:
        exchange = Exchange(ASKED, None)
        exchange.add(ASKED)
        await asyncio.sleep(0.5)
        exchange.end("no_reply")
        return exchange.waited_s

    assert run(story()) == pytest.approx(0.5)
