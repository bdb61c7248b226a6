"""The OPC UA driver against our simulated press line: what it reads, what it loses, what it says of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from drivers.build import driver_for
from drivers.driver import Subscribes
from drivers.error import LinkError, ProfileError
from drivers.opcua.driver import OpcUaDriver
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from drivers.sim.faults import Fault
from drivers.sim.plant import shipped
from drivers.wire import Wire
from tests.drivers.conftest import bus_of
from tests.drivers.press import (
    STEP_S,
    Bench,
    at_rest,
    now,
    recovered,
    serving,
    shows,
    until,
    until_lost,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """One server for all tests here: starting one takes seconds."""
    async with serving(tmp_path_factory.mktemp("opcua")) as bench:
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def bench(served: Bench, tmp_path: Path) -> AsyncIterator[Bench]:
    """The server at rest and without faults, with a folder of our own."""
    with served.at_rest(tmp_path) as fresh:
        yield fresh


async def test_every_item_is_read_as_the_server_shows_it(bench: Bench) -> None:
    await asyncio.sleep(2 * STEP_S)
    driver = bench.driver()
    before = now()
    readings = await driver.read()
    assert {r.tag.removeprefix("press."): r.value for r in readings} == at_rest()
    assert {r.quality for r in readings} == {Quality.GOOD}
    assert all(before <= r.at == r.seen <= now() for r in readings)
    assert "Leafgate" in await driver.probe()
    await driver.close()


async def test_the_driver_is_the_one_that_a_profile_asks_for(bench: Bench) -> None:
    class Nothing:
        async def write(self, data: bytes) -> None: ...

        async def read(self, timeout_s: float) -> bytes:
            return b""

        async def set(self, wire: Wire) -> None: ...

        async def close(self) -> None: ...

    driver = driver_for(bench.device(), bus_of(Nothing()), now)
    assert isinstance(driver, OpcUaDriver)
    assert isinstance(driver, Subscribes)


async def test_every_change_of_a_fast_value_arrives_in_order(served: Bench, bench: Bench) -> None:
    driver = bench.driver()
    await driver.read()
    await driver.changes()
    begun = now()
    written: list[float] = []

    def counting(at: int) -> dict[str, float]:
        written.append(float(len(written) + 1000))
        return {"strokes_1": written[-1]}

    served.moving = counting
    seen: list[Reading] = []
    while len(seen) < 30:
        seen += [r for r in await driver.changes() if r.tag == "press.strokes_1"]
    got = [r.value for r in seen if r.value is not None and r.value >= 1000]
    told = list(dict.fromkeys(got))  # an affirmation says a value again
    assert told == written[: len(told)]
    assert len(told) > 20
    assert all(a.at < b.at for a, b in itertools.pairwise(seen))
    assert all(begun - 100_000 < r.at <= r.seen for r in seen)
    await driver.close()


async def test_a_value_that_does_not_change_is_told_again_each_period(bench: Bench) -> None:
    driver = bench.driver(poll=0.1)
    first = {r.tag: r for r in await driver.read()}
    again = await until(driver, lambda r: r.tag == "press.power_1")
    assert (again.value, again.quality) == (first[again.tag].value, Quality.GOOD)
    assert again.at - first[again.tag].at >= 100_000
    await driver.close()


async def test_a_bad_status_and_its_end_arrive_as_changes(bench: Bench) -> None:
    driver = bench.driver()
    await driver.read()
    await driver.changes()
    bench.faults.set("press", Fault.ERROR)
    bad = await until(driver, lambda r: r.tag == "press.power_1" and r.quality != Quality.GOOD)
    assert (bad.value, bad.quality, bad.reason) == (None, Quality.BAD, "sensor_failure")
    bench.faults.clear("press")
    assert (await until(driver, lambda r: r.tag == "press.power_1" and r.value is not None)).quality == Quality.GOOD
    await driver.close()


async def test_a_clock_that_is_off_makes_the_time_ours_and_leaves_the_value_good(served: Bench, bench: Bench) -> None:
    bench.faults.set("press", Fault.CLOCK_OFF)
    await asyncio.sleep(3 * STEP_S)
    driver = bench.driver(poll=0.1)
    await driver.read()
    served.shown["power_1"] = 7.0  # before the first notification, which then says it
    for value in (7.0, 8.0):
        served.shown["power_1"] = value
        off, again = [await until(driver, partial(shows, value)) for _ in range(2)]
        assert (off.tag, again.tag) == ("press.power_1", "press.power_1")
        assert {(r.quality, r.reason) for r in (off, again)} == {(Quality.GOOD, "clock_off")}
        assert all(abs(r.at - now()) < 2_000_000 for r in (off, again))
    await driver.close()


async def test_a_wrong_password_and_a_wrong_user_are_said(bench: Bench) -> None:
    driver = bench.driver(user="root")
    with pytest.raises(LinkError, match="access_denied"):
        await driver.connect()
    secret = bench.folder / "wrong.txt"
    secret.write_text("falsch")
    with pytest.raises(LinkError, match="access_denied"):
        await bench.driver(password_file=secret).connect()
    with pytest.raises(ProfileError, match="no_password_file"):
        await bench.driver(password_file=bench.folder / "nowhere").connect()


async def test_an_endpoint_that_the_server_lacks_is_a_wrong_plant_file(bench: Bench) -> None:
    with pytest.raises(ProfileError, match="no_endpoint"):
        await bench.driver(security="none", user="").connect()
    signed = bench.driver(mode="Sign")
    assert (await signed.read())[0].quality == Quality.GOOD
    await signed.close()


async def test_nobody_at_the_port_is_refused(bench: Bench, unused_tcp_port: int) -> None:
    with pytest.raises(LinkError, match="refused"):
        await bench.driver(url=f"opc.tcp://127.0.0.1:{unused_tcp_port}/").connect()


async def test_a_certificate_that_is_not_trusted_is_said_until_it_is(bench: Bench) -> None:
    driver = bench.driver()
    await driver.read()
    bench.faults.set("press", Fault.CERT_UNTRUSTED)
    assert (await until_lost(driver)).reason == "closed"
    await driver.close()
    with pytest.raises(LinkError, match="cert_untrusted"):
        await driver.connect()
    bench.faults.clear("press")
    assert {r.quality for r in await recovered(driver)} == {Quality.GOOD}
    await driver.close()


async def test_our_certificate_is_made_once_and_its_key_is_ours_alone(bench: Bench) -> None:
    driver = bench.driver()
    await driver.connect()
    await driver.close()
    own = bench.folder / "pki" / "own"
    certificate = (own / "leafgate.der").read_bytes()
    assert (own / "leafgate.key").stat().st_mode & 0o777 == 0o600
    assert own.stat().st_mode & 0o777 == 0o700
    await driver.connect()
    await driver.close()
    assert (own / "leafgate.der").read_bytes() == certificate


async def test_another_certificate_of_the_server_is_refused_until_the_file_is_deleted(
    served: Bench, bench: Bench
) -> None:
    driver = bench.driver()
    await driver.connect()
    await driver.close()
    pinned = bench.folder / "pki" / "servers" / "press.der"
    assert pinned.read_bytes() == (served.folder / "server" / "press-server.der").read_bytes()
    pinned.write_bytes(b"another")
    with pytest.raises(LinkError, match="cert_changed"):
        await driver.connect()
    pinned.unlink()
    assert (await driver.read())[0].quality == Quality.GOOD
    await driver.close()


async def test_a_missing_node_and_a_missing_namespace_leave_the_others_alone(bench: Bench) -> None:
    items = {
        "here": Item("power", unit="W", node="nsu=urn:leafgate:sim:press;s=Meter1.Power"),
        "gone": Item("power", node="nsu=urn:leafgate:sim:press;s=Meter9.Power"),
        "far": Item("power", node="nsu=urn:elsewhere;s=Meter1.Power"),
        "object": Item("power", node="nsu=urn:leafgate:sim:press;s=Meter1"),
        "text": Item("power", node="i=2261"),
    }
    driver = bench.driver(profile=replace_items(items), poll=0.1)
    found = {r.tag.removeprefix("press."): (r.value, r.quality, r.reason) for r in await driver.read()}
    assert found == {
        "here": (pytest.approx(at_rest()["power_1"] / 1000), Quality.GOOD, None),
        "gone": (None, Quality.ABSENT, "no_node"),
        "far": (None, Quality.ABSENT, "no_namespace"),
        "object": (None, Quality.ABSENT, "no_value"),
        "text": (None, Quality.BAD, "not_a_number"),
    }
    assert (await until(driver, lambda r: r.tag == "press.gone")).reason == "no_node"
    assert (await until(driver, lambda r: r.tag == "press.far")).reason == "no_namespace"
    await driver.close()


async def test_a_node_that_cannot_be_read_is_a_wrong_profile(bench: Bench) -> None:
    driver = bench.driver(profile=replace_items({"x": Item("power", node="Meter1")}))
    with pytest.raises(ProfileError, match="bad_node"):
        await driver.connect()


def replace_items(items: dict[str, Item]) -> Profile:
    plain = shipped("press-line")
    return Profile(plain.title, plain.protocol, plain.source, items, primary=True)
