"""node-opcua: as client of our simulated press line; as server, in every policy, strict, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from cryptography.x509.oid import ExtendedKeyUsageOID

from configs.text import Text
from drivers.columns import Columns
from drivers.driver import Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.browse import browse
from drivers.opcua.driver import OpcUaDriver
from drivers.opcua.endpoints import endpoints
from drivers.opcua.history import read_history
from drivers.opcua.identity import identity, own_identity
from drivers.opcua.session import Pace, Session
from drivers.profile import Item, Profile
from drivers.reading import Quality, Reading
from drivers.sim.faults import Faults
from drivers.sim.measured import Measured
from drivers.sim.plant import shipped
from drivers.sim.press_server import USER, PressServer
from tests.conftest import ROOT, missing

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOLDER = ROOT / "tests" / "peers" / "node_opcua"
PEER_S = 60.0  # node-opcua makes keys and certificates at its first start
QUICK = Pace(publish=0.1, sampling=0.01, keep_alive=0.5)
PASSWORD = "geheim"
POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
MODES = ["Sign", "SignAndEncrypt"]
FIRST = datetime(2026, 1, 1, tzinfo=UTC)  # of the history of Tank.Level, one value a second
STORED = 2500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
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


@dataclass
class Peer:
    """A running node-opcua server, and a folder with the identities of its users."""

    url: str
    folder: Path

    def device(self, **other: object) -> Device:
        """Logs in by name and password."""
        secret = self.folder / "password.txt"
        secret.write_text(PASSWORD)
        device = Device("line", PROFILE, url=self.url, user=USER, password_file=secret, pki=self.folder / "site-pki")
        return replace(device, **{"poll": 1.0, **other})  # type: ignore[arg-type]

    def certified(self, name: str, **other: object) -> Device:
        """Logs in by the certificate of a user."""
        made_user(self.folder, name)
        pair = {"user_certificate": self.folder / f"{name}.der", "user_key": self.folder / f"{name}.key"}
        return self.device(user="", password_file=None, **pair, **other)

    @contextlib.asynccontextmanager
    async def session(self, device: Device | None = None) -> AsyncIterator[Session]:
        session = await Session.open(device or self.device(), QUICK)
        try:
            yield session
        finally:
            await session.close()


def made_user(folder: Path, name: str) -> bytes:
    return identity(folder, name, f"urn:leafgate:user:{name}", ExtendedKeyUsageOID.CLIENT_AUTH).certificate


def trust(home: Path, where: str, certificate: bytes) -> None:
    """Put a certificate into a list of a server that has not started yet."""
    folder = home / where / "trusted" / "certs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "known.der").write_bytes(certificate)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer(
    tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[Peer]:
    """One server for all that only read from it."""
    folder = tmp_path_factory.mktemp("peer")
    trust(folder / "home", "users", made_user(folder, "known"))
    async with peer_server(unused_tcp_port_factory(), folder / "home") as url:
        yield Peer(url, folder)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_and_mode_lets_both_kinds_of_user_in_and_no_stranger(
    peer: Peer, policy: str, mode: str
) -> None:
    for device in (peer.device(), peer.certified("known")):
        async with peer.session(replace(device, security=policy, mode=mode)) as session:
            assert "NodeOPCUA" in await session.product()
    wrong = peer.folder / "wrong.txt"
    wrong.write_text("erraten")
    for device in (peer.device(password_file=wrong), peer.certified("stranger")):
        with pytest.raises(LinkError, match="access_denied"):
            await Session.open(replace(device, security=policy, mode=mode), QUICK)


async def test_what_the_server_does_not_offer_is_said_with_what_it_does(peer: Peer) -> None:
    with pytest.raises(ProfileError, match=r"no_endpoint: asked for none; .*Aes256_Sha256_RsaPss SignAndEncrypt"):
        await Session.open(peer.device(user="", security="none"), QUICK)
    with pytest.raises(ProfileError, match=r"no_user_kind: asked for anonymous, the server takes user"):
        await Session.open(peer.device(user=""), QUICK)
    offer = await endpoints(peer.url)
    assert {(e.security, e.mode) for e in offer.endpoints} == {(p, m) for p in POLICIES for m in MODES}
    assert {(e.users, e.usable) for e in offer.endpoints} == {(("user", "user_certificate"), True)}
    assert offer.endpoints[0].mode == "SignAndEncrypt"
    assert len(offer.fingerprint) == 64
    assert offer.valid is not None
    assert offer.valid[0] < offer.valid[1]


async def test_the_history_is_what_the_server_stored_page_by_page(peer: Peer) -> None:
    start, end = ((FIRST - EPOCH) // MICROSECOND + second * 1_000_000 for second in (-1, STORED))
    async with peer.session() as session:
        index = session.namespaces.index("urn:leafgate:peer")
        level, plain = (ua.NodeId(f"Line.{name}", index) for name in ("Tank.Level", "Power"))
        found = await read_history(session, level, start, end, 5000)
        some = await read_history(session, level, start, end, 10)
        assert await read_history(session, plain, start, end, 10) is None
    assert found is not None
    stamps = [FIRST + timedelta(seconds=second) for second in range(STORED)]
    times = {data.SourceTimestamp: data for data in found.values}
    assert [data.SourceTimestamp for data in found.values][-STORED:] == stamps
    assert [times[stamp].Value.Value for stamp in stamps] == [float(second) for second in range(STORED)]
    assert [times[stamp].StatusCode.is_bad() for stamp in stamps] == [s % 100 == 99 for s in range(STORED)]
    assert len(times) == len(found.values)
    assert (found.missing, found.joined) == (None, False)
    assert some is not None
    assert len(some.values) == 10
    assert some.missing == ((some.values[-1].SourceTimestamp - EPOCH) // MICROSECOND, end)


async def test_browsing_shows_each_variable_once_with_its_unit_and_calls_nothing(peer: Peer) -> None:
    async with peer.session() as session:
        found = [one async for one in browse(session)]
    named = {one.node.removeprefix("nsu=urn:leafgate:peer;s=Line."): one for one in found}
    assert len(named) == len(found)
    assert set(named) == {"Power", "Running", "Name", "Broken", "Counter", "Tank.Level", "Tank.Temperature"}
    warm = named["Tank.Temperature"]
    assert (warm.path, warm.kind, warm.value, warm.unit) == ("Line/Tank/Temperature", "Float", 21.5, "degC")
    assert (named["Broken"].value, named["Broken"].status) == (None, "BadSensorFailure")
    assert "history" in named["Counter"].access
    assert "history" not in named["Power"].access


async def count(driver: OpcUaDriver, told: list[Reading], least: int) -> None:
    """Add what the counter is told to be, at least so many readings."""
    enough = len(told) + least
    async with asyncio.timeout(30.0):
        while len(told) < enough:
            told += only(await driver.changes())


def only(told: Columns) -> list[Reading]:
    return [reading for reading in told if reading.tag == "line.counter"]


async def test_a_hard_restart_of_the_server_loses_no_value_that_it_stored(
    tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    home, port = tmp_path / "home", unused_tcp_port_factory()
    async with peer_server(port, home) as url:
        driver = OpcUaDriver(Peer(url, tmp_path).device(), now, QUICK)
        found = {r.tag: (r.value, r.quality, r.reason) for r in await driver.read()}
        assert found["line.power"] == (12.5, Quality.GOOD, None)
        assert found["line.running"] == (1.0, Quality.GOOD, None)
        assert found["line.name"] == (None, Quality.BAD, "not_a_number")
        assert found["line.broken"] == (None, Quality.BAD, "sensor_failure")
        told: list[Reading] = []
        await count(driver, told, 8)
        await asyncio.sleep(0.3)  # what nobody takes before the kill
    with pytest.raises(LinkError):
        await count(driver, told, 10_000)
    await driver.close()
    with pytest.raises(LinkError, match="refused"):
        await driver.read()
    async with peer_server(port, home):
        await asyncio.sleep(0.3)
        await driver.read()
        told += [reading async for part in driver.missed({}) for reading in only(part)]
        await count(driver, told, 3)
        await driver.close()
    assert all(a.at < b.at for a, b in itertools.pairwise(told))
    assert {r.reason for r in told} == {None}
    values = list(dict.fromkeys(r.value for r in told if r.value is not None))
    assert values == [values[0] + n for n in range(len(values))]


async def test_a_strict_server_lets_in_whom_it_trusts_and_nobody_else(
    tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    home = tmp_path / "home"
    trust(home, "pki", own_identity(tmp_path / "site-pki").certificate)
    async with peer_server(unused_tcp_port_factory(), home, "reject") as url:
        strict = Peer(url, tmp_path)
        for policy in POLICIES:
            async with strict.session(strict.device(security=policy)) as session:
                assert "NodeOPCUA" in await session.product()
        for policy in POLICIES:
            with pytest.raises(LinkError, match="cert_untrusted"):
                await Session.open(strict.device(security=policy, pki=tmp_path / "other-pki"), QUICK)


async def test_a_server_with_another_certificate_is_refused_until_a_person_agrees(peer: Peer, tmp_path: Path) -> None:
    pki = tmp_path / "site-pki"
    async with peer.session(peer.device(pki=pki)):
        pass
    known = pki / "servers" / "line.der"
    known.write_bytes(made_user(tmp_path, "impostor"))
    with pytest.raises(LinkError, match="cert_changed"):
        await Session.open(peer.device(pki=pki), QUICK)
    known.unlink()
    async with peer.session(peer.device(pki=pki)):
        pass
