"""node-opcua reads our simulated press line, and our driver follows its server through a hard restart."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.session import Pace
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from drivers.sim.faults import Faults
from drivers.sim.measured import Measured
from drivers.sim.plant import shipped
from drivers.sim.press_server import USER, PressServer
from tests.conftest import ROOT, missing

FOLDER = ROOT / "tests" / "peers" / "node_opcua"
PEER_S = 60.0  # node-opcua makes keys and certificates at its first start
QUICK = Pace(publish=0.1, sampling=0.01, keep_alive=0.5)
PASSWORD = "geheim"
NODES = {"power": "power", "running": "device_state", "counter": "count", "name": "power", "broken": "power"}
PROFILE = Profile(
    Text("线", "line"),
    "opcua",
    "tests/peers/node_opcua/server.js",
    {
        name: Item(quantity, node=f"nsu=urn:leafgate:peer;s=Line.{name.capitalize()}")
        for name, quantity in NODES.items()
    },
    primary=True,
)


def now() -> int:
    return time.time_ns() // 1000


@contextlib.asynccontextmanager
async def node(script: str, *arguments: str, home: Path) -> AsyncIterator[Process]:
    """A script of the peer with a home of its own, killed hard when the block ends."""
    program = shutil.which("node")
    if program is None or not (FOLDER / "node_modules" / "node-opcua").is_dir():
        missing("peers", "node-opcua is not installed; run npm install in tests/peers/node_opcua")
    homes = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    process = await asyncio.create_subprocess_exec(
        program or "", str(FOLDER / script), *arguments, env=os.environ | homes, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def peer_server(port: int, home: Path, *mood: str) -> AsyncIterator[str]:
    async with node("server.js", str(port), str(home), *mood, home=home) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PEER_S):
            while not (line := await process.stdout.readline()).startswith(b"{"):
                assert line, "the peer ended"
        yield str(json.loads(line)["url"])


def follower(url: str, folder: Path, poll: float = 1.0) -> OpcUaDriver:
    secret = folder / "password.txt"
    secret.write_text(PASSWORD)
    device = Device("line", PROFILE, url=url, user=USER, password_file=secret, pki=folder / "site-pki", poll=poll)
    return OpcUaDriver(device, now, QUICK)


async def counted(driver: OpcUaDriver, least: int) -> list[float]:
    """What the counter was told to be, at least so many values."""
    seen: list[Reading] = []
    async with asyncio.timeout(30.0):
        while len(seen) < least:
            seen += [r for r in await driver.changes() if r.tag == "line.counter"]
    assert all(a.at < b.at for a, b in itertools.pairwise(seen))
    return list(dict.fromkeys(r.value for r in seen if r.value is not None))


async def test_node_opcua_reads_follows_and_asks_the_past_of_our_press_line(tmp_path: Path) -> None:
    profile = shipped("press-line")
    measured = Measured("press", profile, lambda at: {n: float(at // 1000 % 10**7) for n in profile.items})
    async with PressServer(measured, Faults(), now, PASSWORD, step_s=0.1).serve(tmp_path / "server") as url:
        home = tmp_path / "home"
        async with node("client.js", url, str(home), USER, PASSWORD, home=home) as process:
            async with asyncio.timeout(PEER_S):
                told, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    found = json.loads(next(line for line in told.splitlines() if line.startswith(b"{")))
    assert (found["status"], found["running"], found["written"]) == ("Good", True, "BadUserAccessDenied")
    assert abs(found["source_ms"] - time.time() * 1000) < PEER_S * 1000
    assert found["changes"] == sorted(set(found["changes"]))
    assert found["power"] <= found["changes"][0]
    assert set(found["changes"]) <= set(found["history"])
    assert len(found["history"]) >= 5


async def test_our_driver_follows_node_opcua_through_a_hard_restart(tmp_path: Path, unused_tcp_port: int) -> None:
    home = tmp_path / "home"
    async with peer_server(unused_tcp_port, home) as url:
        driver = follower(url, tmp_path)
        found = {r.tag: (r.value, r.quality, r.reason) for r in await driver.read()}
        assert found["line.power"] == (12.5, Quality.GOOD, None)
        assert found["line.running"] == (1.0, Quality.GOOD, None)
        assert found["line.name"] == (None, Quality.BAD, "not_a_number")
        assert found["line.broken"] == (None, Quality.BAD, "sensor_failure")
        values = await counted(driver, 15)
        assert values == [values[0] + n for n in range(len(values))]
    with pytest.raises(LinkError):
        await counted(driver, 10_000)
    await driver.close()
    with pytest.raises(LinkError, match="refused"):
        await driver.read()
    async with peer_server(unused_tcp_port, home):
        assert (await driver.read())[0].value == 12.5
        assert max(await counted(driver, 3)) > 0
        await driver.close()


async def test_a_node_opcua_server_that_trusts_nobody_is_cert_untrusted(tmp_path: Path, unused_tcp_port: int) -> None:
    async with peer_server(unused_tcp_port, tmp_path / "home", "reject") as url:
        with pytest.raises(LinkError, match="cert_untrusted"):
            await follower(url, tmp_path).connect()
