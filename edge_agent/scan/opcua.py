"""An OPC UA server: the ways in that it offers, and the variables that it shows to us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.driver import Device
from drivers.error import DriverError, ProfileError
from drivers.opcua.browse import Found as Variable
from drivers.opcua.browse import browse
from drivers.opcua.endpoints import Endpoint, Offer, endpoints
from drivers.opcua.session import Pace, Session
from drivers.opcua.suggest import Suggestion, suggest

MOST = 2000  # variables shown; a profile is written for a part of a large server


@dataclass(frozen=True, slots=True)
class Server:
    """What a server offers and shows; `error` is why it shows nothing."""

    offer: Offer
    security: str
    mode: str
    variables: list[Variable] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    error: DriverError | None = None
    user: str = ""  # who was let in
    password_file: Path | None = None


async def search(device: Device, asked: Callable[[], None]) -> Server:
    """Its ways in and its variables, reached as `device` says; raises LinkError where nobody answers."""
    offer = await endpoints(device.url)
    asked()
    way = _way_in(offer, device)
    if way is None:
        kept_out = ProfileError("no_user_kind") if device.user or device.user_certificate else None
        return Server(offer, "", "", error=kept_out)
    variables: list[Variable] = []
    error: DriverError | None = None
    try:
        session = await Session.open(replace(device, security=way.security, mode=way.mode or device.mode), Pace())
        try:
            async for found in browse(session, most=MOST):
                variables.append(found)
                asked()
        finally:
            await session.close()
    except DriverError as lost:
        error = lost
    who = (device.user, device.password_file) if error is None else ("", None)
    return Server(offer, way.security, way.mode, variables, suggest(variables), error, *who)


def _way_in(offer: Offer, device: Device) -> Endpoint | None:
    """The strongest that we can use: as the user that is given, else as anybody; without security only as anybody."""
    wanted = "user_certificate" if device.user_certificate else "user" if device.user else "anonymous"
    named = wanted != "anonymous"
    ways = [e for e in offer.endpoints if e.usable and wanted in e.users and not (named and e.security == "none")]
    secured = [e for e in ways if e.security != "none"] if device.pki else []
    return next(iter(secured or ways), None)
