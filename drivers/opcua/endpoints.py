"""What a server offers to those who do not know it yet: policies, modes, ways to log in, its certificate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from asyncua import Client, ua

from drivers.opcua.deadline import within
from drivers.opcua.identity import first, validity
from drivers.opcua.user import NO_POLICY, POLICIES, USERS

ASK_S = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way in. `security` and `mode` as plant.yaml writes them; `usable` where we speak it."""

    security: str
    mode: str
    users: tuple[str, ...]  # anonymous, user, user_certificate
    usable: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A server as it presents itself; none of it is proved before a session stands."""

    name: str
    uri: str
    fingerprint: str  # SHA-256 of its certificate, hexadecimal; empty where it shows none
    valid: tuple[datetime, datetime] | None  # UTC
    endpoints: list[Endpoint]


async def endpoints(url: str, timeout: float = ASK_S) -> Offer:
    """What the server at opc.tcp://... offers, the usable and strongest ways in first; raises LinkError."""
    client = Client(url, timeout=timeout)
    offered = await within(2 * timeout, client.connect_and_get_server_endpoints(), connecting=True)
    certificate = next((first(each.ServerCertificate) for each in offered if each.ServerCertificate), b"")
    application = offered[0].Server if offered else ua.ApplicationDescription()
    try:
        valid = validity(certificate) if certificate else None
    except ValueError:
        valid = None
    found = sorted(
        {_endpoint(each): -each.SecurityLevel for each in offered}.items(), key=lambda e: (not e[0].usable, e[1])
    )
    return Offer(
        str(application.ApplicationName.Text or ""),
        str(application.ApplicationUri or ""),
        hashlib.sha256(certificate).hexdigest() if certificate else "",
        valid,
        [endpoint for endpoint, _ in found],
    )


def _endpoint(offered: ua.EndpointDescription) -> Endpoint:
    uri = str(offered.SecurityPolicyUri)
    tokens = {token.TokenType for token in offered.UserIdentityTokens or ()}
    users = tuple(name for kind, name in USERS.items() if kind in tokens)
    if uri == NO_POLICY:
        return Endpoint("none", "", users, "anonymous" in users)
    name = uri.rpartition("#")[2]
    return Endpoint(name, offered.SecurityMode.name, users, name in POLICIES)
