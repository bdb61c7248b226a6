"""Who logs in, by which policy: against asyncua's own server. A password never leaves readable."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Server, ua
from asyncua.crypto.permission_rules import SimpleRoleRuleset, User, UserRole
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from configs.text import Text
from drivers.driver import Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.identity import VALID_UNTIL, identity, own_identity
from drivers.opcua.secure import remember
from drivers.opcua.session import Pace, Session
from drivers.opcua.user import NO_POLICY, STRONG, UserClient
from drivers.profile import Profile

pytestmark = pytest.mark.asyncio(loop_scope="module")
QUICK = Pace(publish=0.05, sampling=0.01, keep_alive=0.2, connect=5.0, call=1.0)
EMPTY = Profile(Text("空", "empty"), "opcua", "none", {})
POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
MODES = ["Sign", "SignAndEncrypt"]
PASSWORD = "gut gehütet"


@dataclass
class House:
    """A running server, and a folder with those who may enter."""

    url: str
    folder: Path
    server: Server

    def device(self, **other: Any) -> Device:
        secret = self.folder / "password.txt"
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        device = Device("house", EMPTY, url=self.url, user="bob", password_file=secret, pki=self.folder / "site-pki")
        return replace(device, **other)

    def certified(self, name: str = "known", **other: Any) -> Device:
        pair = {"user_certificate": self.folder / f"{name}.der", "user_key": self.folder / f"{name}.key"}
        return self.device(user="", password_file=None, **{**pair, **other})

    async def enter(self, device: Device) -> None:
        session = await Session.open(device, QUICK)
        assert await session.product()
        await session.close()

    def get_user(self, _: object, username: str | None, password: str | None, certificate: bytes | None) -> User | None:
        """Who logs in, for asyncua."""
        if username is not None:
            return User(UserRole.User, username) if (username, password) == ("bob", PASSWORD) else None
        known = certificate == (self.folder / "known.der").read_bytes()
        return User(UserRole.User, "known") if known else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """All policies and modes, and none."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("known", "stranger"):
        identity(folder, name, f"urn:user:{name}", ExtendedKeyUsageOID.CLIENT_AUTH)
    who = identity(folder, "server", "urn:leafgate:house", ExtendedKeyUsageOID.SERVER_AUTH)
    found = House("", folder, Server())
    server = found.server = Server(user_manager=found)
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/house")
    await server.set_application_uri(who.uri)
    names = [policy.replace("_", "") for policy in POLICIES]
    policies = [getattr(ua.SecurityPolicyType, f"{name}_{mode}") for name in names for mode in MODES]
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity, *policies], SimpleRoleRuleset())
    server.set_identity_tokens([ua.UserNameIdentityToken, ua.X509IdentityToken])
    await server.load_certificate(who.certificate, "der")
    await server.load_private_key(who.key, None, "pem")
    async with server:
        found.url = f"opc.tcp://127.0.0.1:{server.bserver.port}/house"
        yield found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_and_mode_lets_both_kinds_of_user_in_and_no_stranger(
    house: House, policy: str, mode: str
) -> None:
    await house.enter(house.device(security=policy, mode=mode))
    await house.enter(house.certified(security=policy, mode=mode))
    wrong = house.folder / "wrong.txt"
    wrong.write_text("erraten")
    for stranger in (house.device(password_file=wrong), house.certified("stranger")):
        with pytest.raises(LinkError, match="access_denied"):
            await house.enter(replace(stranger, security=policy, mode=mode))


async def test_a_password_that_the_server_wants_unencrypted_is_kept_where_the_channel_is_only_signed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint in house.server.iserver.endpoints:
        for token in endpoint.UserIdentityTokens:
            monkeypatch.setattr(token, "SecurityPolicyUri", NO_POLICY)
    with pytest.raises(ProfileError, match="password_in_clear"):
        await house.enter(house.device(mode="Sign"))
    await house.enter(house.device(mode="SignAndEncrypt"))
    await house.enter(house.certified(mode="Sign"))


async def test_without_security_nobody_is_named(house: House) -> None:
    for device in (house.device(security="none"), house.certified(security="none")):
        with pytest.raises(ProfileError, match="password_in_clear"):
            await house.enter(device)
    with pytest.raises(ProfileError, match="no_user_kind: asked for anonymous, the server takes user"):
        await house.enter(house.device(user="", security="none"))


async def test_another_policy_than_the_one_named_is_never_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [e for e in house.server.iserver.endpoints if e.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt]
    monkeypatch.setattr(house.server.iserver, "endpoints", [e for e in kept if "Aes256" in e.SecurityPolicyUri])
    for other in ({"mode": "Sign"}, {"security": POLICIES[1]}):
        with pytest.raises(ProfileError, match=r"no_endpoint: .*the server offers Aes256_Sha256_RsaPss SignAndEncrypt"):
            await house.enter(house.device(**{"security": POLICIES[2], **other}))


@pytest.mark.parametrize("spoilt", ["missing", "empty", "other key", "locked"])
async def test_a_user_certificate_that_is_no_pair_is_said(house: House, spoilt: str, tmp_path: Path) -> None:
    key = tmp_path / "user.key"
    if spoilt == "empty":
        key.write_bytes(b"")
    elif spoilt == "other key":
        key.write_bytes((house.folder / "stranger.key").read_bytes())
    elif spoilt == "locked":
        secret = serialization.load_pem_private_key((house.folder / "known.key").read_bytes(), None)
        lock = serialization.BestAvailableEncryption(b"x")
        pem = secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        key.write_bytes(pem)
    with pytest.raises(ProfileError, match="no_user_certificate"):
        await house.enter(house.certified(user_key=key))


async def test_a_user_certificate_may_be_pem_and_its_key_der(house: House, tmp_path: Path) -> None:
    der, pem = (house.folder / "known.der").read_bytes(), (house.folder / "known.key").read_bytes()
    shown, held = tmp_path / "user.pem", tmp_path / "key.der"
    shown.write_bytes(x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM))
    secret = serialization.load_pem_private_key(pem, None)
    held.write_bytes(
        secret.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    await house.enter(house.certified(user_certificate=shown, user_key=held))


async def test_of_several_ways_to_protect_a_password_the_channels_own_comes_first_and_none_last() -> None:
    channel, other = sorted(STRONG)[:2]
    client = UserClient("opc.tcp://127.0.0.1:4840")
    client.security_policy.URI, client.security_policy.Mode = channel, ua.MessageSecurityMode.SignAndEncrypt

    def chosen(*uris: str | None) -> str | None:
        kind = ua.UserTokenType.UserName
        client._policy_ids = [ua.UserTokenPolicy(TokenType=kind, SecurityPolicyUri=uri) for uri in uris]
        uri: str | None = client.server_policy(kind).SecurityPolicyUri
        return uri

    assert chosen(NO_POLICY, other, channel) == channel
    assert chosen(NO_POLICY, other) == other
    assert chosen(other, None) == channel
    assert chosen(NO_POLICY) == NO_POLICY


@pytest.mark.parametrize(("year", "warned"), [(2023, True), (2030, False), (VALID_UNTIL.year + 1, True)])
async def test_a_servers_certificate_out_of_its_time_is_taken_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, year: int, warned: bool
) -> None:
    device = Device("press", EMPTY, pki=tmp_path)
    remember(device, own_identity(tmp_path).certificate, datetime(year, 6, 1, tzinfo=UTC))
    said = [r.message for r in caplog.records if r.name == "leafgate.opcua" and r.levelno == logging.WARNING]
    assert ["2024-01-01" in message and "press" in message for message in said] == [True] * warned
    assert (tmp_path / "servers" / "press.der").is_file()
