"""What a session needs before it begins: the endpoint, our certificate, the server's, the password."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from asyncua.observer import NULL_OBSERVER, Observer
from cryptography import x509

from drivers.driver import Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.identity import Identity, check_pinned, first, own_identity, pin

NO_POLICY = "http://opcfoundation.org/UA/SecurityPolicy#None"


async def secure(client: Client, device: Device) -> bytes | None:
    """Prepare a client as plant.yaml says; answers the server's certificate, None without security.

    Raises ProfileError no_endpoint, no_password_file, no_pki, password_in_clear; LinkError cert_changed;
    and what asyncua raises.
    """
    if device.user and device.security == "none":
        raise ProfileError("password_in_clear", device.name)
    if device.user:
        client.set_user(device.user)
        client.set_password(_password(device))
    offered = await client.connect_and_get_server_endpoints()
    if device.security == "none":
        _endpoint(offered, NO_POLICY, ua.MessageSecurityMode.None_, device)
        return None
    policy, mode = SecurityPolicyBasic256Sha256, ua.MessageSecurityMode[device.mode]
    server = first(_endpoint(offered, policy.URI, mode, device).ServerCertificate or b"")
    who = await asyncio.to_thread(_identity, device, server)
    client.application_uri = who.uri
    await client.set_security(
        policy,
        CertProperties(who.certificate, "der"),
        CertProperties(who.key, "pem"),
        server_certificate=CertProperties(server, "der"),
        mode=mode,
    )
    return server


async def enter(client: Client, trusted: bool) -> None:
    """Open the channel and the session; LinkError cert_untrusted where the server lets no channel stand.

    Servers tell that in many ways: by its own code, by a code that means something else, or by
    closing the connection. `trusted` is True where no certificate is asked for.
    """
    reached: list[UaClientState] = []
    watch = Observer()
    watch.on_state_change = reached.append
    client.uaclient.observer = watch
    try:
        await client.connect()
    except (ConnectionError, AssertionError) as error:
        if trusted or UaClientState.SOCKET_OPEN not in reached or UaClientState.CHANNEL_OPEN in reached:
            raise
        raise LinkError("cert_untrusted", f"no secure channel: {error}") from None
    finally:
        client.uaclient.observer = NULL_OBSERVER


def remember(device: Device, server: bytes | None) -> None:
    """Pin the certificate of a server that has proved to hold its key; raises ProfileError no_pki."""
    if server is None:
        return
    try:
        pin(_pki(device), device.name, server)
    except OSError as error:
        raise ProfileError("no_pki", str(error)) from None


def _endpoint(
    offered: list[ua.EndpointDescription], policy: str, mode: ua.MessageSecurityMode, device: Device
) -> ua.EndpointDescription:
    for endpoint in offered:
        if (endpoint.SecurityPolicyUri, endpoint.SecurityMode) == (policy, mode):
            return endpoint
    raise ProfileError("no_endpoint", f"{device.security} {device.mode}")


def _identity(device: Device, server: bytes) -> Identity:
    """Who we are, towards a server that is the one we know."""
    try:
        check_pinned(_pki(device), device.name, server)
        return own_identity(_pki(device))
    except (OSError, ValueError, TypeError, LookupError, x509.ExtensionNotFound) as error:
        raise ProfileError("no_pki", str(error)) from None


def _pki(device: Device) -> Path:
    if device.pki is None:
        raise ProfileError("no_pki", device.name)
    return device.pki


def _password(device: Device) -> str:
    """The first line of the password file; read at each connect, so that a new one needs no restart."""
    try:
        if device.password_file is None:
            raise FileNotFoundError(device.name)
        lines = device.password_file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ProfileError("no_password_file", str(error)) from None
    return lines[0].strip() if lines else ""
