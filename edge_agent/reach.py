"""Where plant.yaml says a device is, and whether its protocol can reach it there, in secret where it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from configs.load import Loaded
from configs.problem import Problem
from edge_agent.site import DeviceConfig, Plant

DIGITS = {"dlt645-2007": 12, "cjt188-2004": 14}  # of an address; the other protocols have units
SECRETS = "secrets"
RTU_UNITS = range(1, 248)  # Modbus over serial line V1.02, 2.2: 0 is a broadcast, 248 to 255 are reserved
_HOST = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def place(device: DeviceConfig, protocol: str) -> tuple[object, ...]:
    """What two devices cannot share."""
    if device.url:
        return (device.url, device.profile)
    if device.bus:
        return (device.bus, device.address if protocol in DIGITS else device.unit)
    return (device.host, device.port, device.unit)


def out_of_reach(loaded: Loaded[Plant], name: str, protocol: str) -> Iterator[Problem]:
    """What keeps the protocol of a device from reaching it."""
    where, device = ("devices", name), loaded.value.devices[name]
    digits = DIGITS.get(protocol)
    if digits:
        yield from _by_address(loaded, where, device, digits)
    elif device.address:
        yield loaded.problem("not_by_address", *where, "address", value=protocol)
    if digits and not device.bus:
        yield loaded.problem("needs_bus", *where, value=protocol)
    elif (protocol == "sunspec" and not device.host) or (protocol == "modbus" and device.url):
        yield loaded.problem("needs_host", *where, value=protocol)
    if protocol == "modbus" and device.bus and device.unit not in RTU_UNITS:
        yield loaded.problem("out_of_range", *where, "unit", value=str(device.unit), allowed="1..247")
    if device.host and not _HOST.fullmatch(device.host):
        yield loaded.problem("bad_host", *where, "host", value=device.host)
    if protocol == "opcua":
        yield from _by_url(loaded, where, device)


def same_port(loaded: Loaded[Plant]) -> Iterator[Problem]:
    """Two buses on one serial port: the second could never open it."""
    first: dict[str, str] = {}
    for name, bus in loaded.value.buses.items():
        other = first.setdefault(bus.serial, name)
        if other != name:
            yield loaded.problem("same_place", "buses", name, "serial", value=name, other=other)


def _by_address(loaded: Loaded[Plant], where: tuple[str, str], device: DeviceConfig, digits: int) -> Iterator[Problem]:
    if not re.fullmatch(f"[0-9]{{{digits}}}|A{{{digits}}}", device.address):
        yield loaded.problem("bad_address", *where, "address", value=device.address, digits=str(digits))
    elif device.address.startswith("A") and device.bus:
        others = [n for n, d in loaded.value.devices.items() if d.bus == device.bus and n != where[1]]
        if others:
            yield loaded.problem("wildcard_not_alone", *where, "address", value=device.address, other=others[0])


def _by_url(loaded: Loaded[Plant], where: tuple[str, str], device: DeviceConfig) -> Iterator[Problem]:
    if not _is_endpoint(device.url):
        yield loaded.problem("needs_url", *where, value="opcua")
    elif "@" in urlsplit(device.url).netloc:
        yield loaded.problem("literal_secret", *where, "url", value="url")
    if bool(device.user) != bool(device.password_file):
        yield loaded.problem("user_and_password", *where)
    path = PurePosixPath(device.password_file)
    if device.password_file and (path.parts[0] != SECRETS or ".." in path.parts):
        yield loaded.problem("not_below_secrets", *where, "password_file", value=device.password_file)
    if device.user and device.security == "none":
        yield loaded.problem("password_in_clear", *where, "security")


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "opc.tcp" and bool(parts.hostname) and (parts.port is None or 0 < parts.port < 65536)
    except ValueError:
        return False
