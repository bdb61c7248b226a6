"""Where plant.yaml says a device is, and whether its protocol can reach it there, in secret where it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from configs.load import Loaded
from configs.problem import Problem
from drivers.profile import Profile
from edge_agent.site import DeviceConfig, Plant

DIGITS = {"dlt645-2007": 12, "dlt645-1997": 12, "cjt188-2004": 14}  # of an address, A for any from the left
BY_ADDRESS = (*DIGITS, "mbus")  # the other protocols have units
SECRETS = "secrets"
FAMILIES = {"dlt645-1997": "dlt645-2007", "sunspec": "modbus"}  # protocols that share their numbers
RTU_UNITS = range(1, 248)  # Modbus over serial line V1.02, 2.2: 0 is a broadcast, 248 to 255 are reserved
_DIGITS = re.compile(r"(AA)*[0-9]*")  # the left ones may be any, two by two
_MBUS = re.compile(r"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|250|254|[0-9Ff]{8}[0-9A-Fa-f]{8}")
_HOST = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def place(device: DeviceConfig, profile: Profile | None) -> tuple[object, ...]:
    """What two devices cannot share; numbers of different protocols, or of different media, are different numbers."""
    if device.url:
        return (device.url, device.profile)
    if not device.bus:
        return (device.host, device.port, device.unit)
    protocol = profile.protocol if profile else ""
    if protocol == "cjt188-2004" and profile:
        from drivers.cjt188.model import meter_type  # only where a meter speaks it

        return (device.bus, protocol, meter_type(profile), device.address)
    family = FAMILIES.get(protocol, protocol)
    return (device.bus, family, device.address if protocol in BY_ADDRESS else device.unit)


def out_of_reach(loaded: Loaded[Plant], name: str, protocol: str) -> Iterator[Problem]:
    """What keeps the protocol of a device from reaching it."""
    where, device = ("devices", name), loaded.value.devices[name]
    if protocol in BY_ADDRESS:
        yield from _by_address(loaded, where, device, protocol)
    elif device.address:
        yield loaded.problem("not_by_address", *where, "address", value=protocol)
    if protocol in BY_ADDRESS and not device.bus:
        yield loaded.problem("needs_bus", *where, value=protocol)
    elif protocol in ("modbus", "sunspec") and device.url:
        yield loaded.problem("needs_bus_or_host", *where, value=protocol)
    if not device.bus and (device.baud or device.parity or device.stop):
        yield loaded.problem("wire_needs_bus", *where)
    if protocol in ("modbus", "sunspec") and device.bus and device.unit not in RTU_UNITS:
        yield loaded.problem("out_of_range", *where, "unit", value=str(device.unit), allowed="1..247")
    if device.host and not _HOST.fullmatch(device.host):
        yield loaded.problem("bad_host", *where, "host", value=device.host)
    if protocol == "opcua":
        yield from _by_url(loaded, where, device)


def lines(loaded: Loaded[Plant]) -> Iterator[Problem]:
    """Buses that are nowhere, and two on one port: the second could never open it."""
    first: dict[tuple[object, ...], str] = {}
    for name, bus in loaded.value.buses.items():
        if bool(bus.serial) == bool(bus.host):
            yield loaded.problem("serial_or_host", "buses", name)
            continue
        if bus.host and not _HOST.fullmatch(bus.host):
            yield loaded.problem("bad_host", "buses", name, "host", value=bus.host)
        other = first.setdefault((bus.serial, bus.host, bus.port), name)
        if other != name:
            yield loaded.problem("same_place", "buses", name, value=name, other=other)


def _by_address(
    loaded: Loaded[Plant], where: tuple[str, str], device: DeviceConfig, protocol: str
) -> Iterator[Problem]:
    address, digits = device.address, DIGITS.get(protocol)
    if digits is None:
        if not _MBUS.fullmatch(address):
            yield loaded.problem("bad_mbus_address", *where, "address", value=address)
    elif len(address) != digits or not _DIGITS.fullmatch(address):
        yield loaded.problem("bad_address", *where, "address", value=address, digits=str(digits))
    elif set(address) == {"A"} and device.bus:
        others = [n for n, d in loaded.value.devices.items() if d.bus == device.bus and n != where[1]]
        if others:
            yield loaded.problem("wildcard_not_alone", *where, "address", value=address, other=others[0])


def _by_url(loaded: Loaded[Plant], where: tuple[str, str], device: DeviceConfig) -> Iterator[Problem]:
    if not _is_endpoint(device.url):
        yield loaded.problem("needs_url", *where, value="opcua")
    elif "@" in urlsplit(device.url).netloc:
        yield loaded.problem("literal_secret", *where, "url", value="url")
    if bool(device.user) != bool(device.password_file):
        yield loaded.problem("user_and_password", *where)
    if bool(device.user_certificate) != bool(device.user_key):
        yield loaded.problem("certificate_and_key", *where)
    if device.user and device.user_certificate:
        yield loaded.problem("one_user", *where, "user_certificate")
    for key in ("password_file", "user_certificate", "user_key"):
        path = PurePosixPath(getattr(device, key))
        if path.parts and (path.parts[0] != SECRETS or ".." in path.parts):
            yield loaded.problem("not_below_secrets", *where, key, value=str(path))
    if device.user and device.security == "none":
        yield loaded.problem("password_in_clear", *where, "security")
    if device.user_certificate and device.security == "none":
        yield loaded.problem("certificate_in_clear", *where, "security")


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "opc.tcp" and bool(parts.hostname) and (parts.port is None or 0 < parts.port < 65536)
    except ValueError:
        return False
