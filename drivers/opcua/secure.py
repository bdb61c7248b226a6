"""What a session needs before it begins: the endpoint that plant.yaml names, our certificate, the server's."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.crypto.uacrypto import CertProperties
from asyncua.observer import NULL_OBSERVER, Observer
from cryptography import x509

from drivers.driver import Device
from drivers.error import LinkError, ProfileError
from drivers.opcua.identity import Identity, check_pinned, first, own_identity, pin, validity
from drivers.opcua.user import NO_POLICY, POLICIES, introduce

log = logging.getLogger("leafgate.opcua")


async def secure(client: Client, device: Device) -> bytes | None:
    """Prepare a client as plant.yaml says; answers the server's certificate, None without security.

    Another policy or mode than that is never taken. Raises ProfileError no_endpoint, no_password_file,
    no_user_certificate, no_pki, password_in_clear; LinkError cert_changed; and what asyncua raises.
    """
    introduce(client, device)
    offered = await client.connect_and_get_server_endpoints()
    if device.security == "none":
        _endpoint(offered, NO_POLICY, ua.MessageSecurityMode.None_, device)
        return None
    policy, mode = POLICIES[device.security], ua.MessageSecurityMode[device.mode]
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


def remember(device: Device, server: bytes | None, now: datetime | None = None) -> None:
    """Pin the certificate of a server that has proved to hold its key; raises ProfileError no_pki.

    One that has expired, or is not valid yet, is warned of and taken: many machines keep the one they
    were built with, or have no clock, and the pin says more than the date.
    """
    if server is None:
        return
    try:
        pin(_pki(device), device.name, server)
        begin, end = validity(server)
    except (OSError, ValueError) as error:
        raise ProfileError("no_pki", str(error)) from None
    if not begin <= (now or datetime.now(UTC)) <= end:
        said = "%s: the server's certificate is valid from %s to %s only; it is taken, and kept as the one we know"
        log.warning(said, device.name, begin.date(), end.date())


def _endpoint(
    offered: list[ua.EndpointDescription], policy: str, mode: ua.MessageSecurityMode, device: Device
) -> ua.EndpointDescription:
    for endpoint in offered:
        if (endpoint.SecurityPolicyUri, endpoint.SecurityMode) == (policy, mode):
            return endpoint
    asked = "none" if device.security == "none" else f"{device.security} {device.mode}"
    there = ", ".join(sorted({_offer(endpoint) for endpoint in offered}))
    raise ProfileError("no_endpoint", f"asked for {asked}; the server offers {there}")


def _offer(endpoint: ua.EndpointDescription) -> str:
    """Policy and mode of an endpoint as plant.yaml writes them."""
    policy = str(endpoint.SecurityPolicyUri).rpartition("#")[2]
    return "none" if policy == "None" else f"{policy} {endpoint.SecurityMode.name}"


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
