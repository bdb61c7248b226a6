"""Where a search looks: a line of plant.yaml, a serial port, a host, or an OPC UA server."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from drivers.build import FOLLOWED, tcp_bus
from drivers.bus import Bus, Opener, TunnelBus
from drivers.error import LinkError
from drivers.link import SerialLink, TcpLink
from drivers.wire import Wire
from edge_agent.line_fault import refuses_settings
from edge_agent.site import Site

Kind = Literal["serial", "tunnel", "tcp", "opcua"]
MODBUS_PORT = 502
OPCUA = "opc.tcp://"
# Silence that ends an answer, and that is kept after one that did not come. A search hears thousands of
# silences, and what comes late is told from the next answer by its address.
PAUSE_S, NETWORK_PAUSE_S = 0.1, 0.3
PARITIES = ("N", "E", "O")
# What a line of unknown settings is tried with, the usual first: meters leave the factory with 2400 8E1
# (DL/T 645-2007 and CJ/T 188) or 1200 8E1 (DL/T 645-1997), Modbus devices with 9600 or 19200.
WIRES: dict[str, tuple[Wire, ...]] = {
    "dlt645-2007": tuple(Wire(b, p) for b, p in ((2400, "E"), (9600, "E"), (4800, "E"), (1200, "E"), (9600, "N"))),
    "dlt645-1997": tuple(Wire(b, p) for b, p in ((1200, "E"), (2400, "E"), (4800, "E"))),
    "cjt188-2004": tuple(Wire(b, p) for b, p in ((2400, "E"), (9600, "E"), (4800, "E"), (9600, "N"))),
    "modbus": tuple(Wire(b, p) for b, p in ((9600, "N"), (9600, "E"), (19200, "E"), (19200, "N"), (2400, "N"))),
    "mbus": tuple(Wire(b, p) for b, p in ((2400, "E"), (9600, "E"), (300, "E"))),
}
SERIAL_PROTOCOLS = tuple(WIRES)


@dataclass(frozen=True, slots=True)
class Place:
    """One line; `wires` is empty where the settings are not known, and for TCP."""

    name: str
    kind: Kind
    port: str = ""  # the serial port
    host: str = ""
    tcp_port: int = MODBUS_PORT
    url: str = ""
    wires: tuple[Wire, ...] = ()
    bus: str = ""  # its name in plant.yaml
    own: Wire | None = None  # what plant.yaml says of that bus

    @property
    def protocols(self) -> tuple[str, ...]:
        """What is looked for here."""
        return {"tcp": ("modbus",), "opcua": ("opcua",)}.get(self.kind, SERIAL_PROTOCOLS)

    def wires_for(self, protocol: str) -> tuple[Wire | None, ...]:
        """The settings to try."""
        if self.kind in ("tcp", "opcua"):
            return (None,)
        return self.wires or WIRES[protocol]

    def open(self) -> Bus:
        """The line; nothing is opened before the first question."""
        if self.kind == "tcp":
            return tcp_bus(self.name, self.host, self.tcp_port)
        wire = (self.wires or (Wire(),))[0]
        opener: Opener
        if self.kind == "tunnel":
            opener, pause = partial(TcpLink.open, self.host, self.tcp_port), NETWORK_PAUSE_S
            return TunnelBus(self.name, opener, wire=wire, quiet_s=pause, frame_gap_s=pause)
        opener = partial(_open_port, self.port, self.wires or _every_wire())
        return Bus(self.name, opener, wire=wire, quiet_s=PAUSE_S, frame_gap_s=PAUSE_S)


def place_of(text: str, wires: Sequence[Wire], tunnel: bool) -> Place:
    """A place as the user types it; raises ValueError."""
    if text.startswith(OPCUA):
        return Place(text, "opcua", url=text)
    if "/" in text or Path(text).exists() or re.fullmatch(r"COM[0-9]+", text):
        return Place(text, "serial", port=text, wires=tuple(wires))
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    if not host or (port and not port.isdecimal()) or not re.fullmatch(r"[\w.\[\]:-]+", host):
        raise ValueError(text)
    number = int(port) if port else MODBUS_PORT
    if not 0 < number < 65536:
        raise ValueError(text)
    if tunnel:
        return Place(text, "tunnel", host=host, tcp_port=number, wires=tuple(wires))
    return Place(text, "tcp", host=host, tcp_port=number)


def places_of(site: Site, wires: Sequence[Wire]) -> list[Place]:
    """Every line of plant.yaml; `wires` go before its own settings."""
    found = [bus_place(site, name, wires) for name in site.plant.buses]
    hosts: dict[str, Place] = {}
    for device in site.plant.devices.values():
        if site.profiles[device.profile].protocol in FOLLOWED:
            hosts.setdefault(device.url, Place(device.url, "opcua", url=device.url))
        elif device.host:
            name = f"{device.host}:{device.port}"
            hosts.setdefault(name, Place(name, "tcp", host=device.host, tcp_port=device.port))
    return found + list(hosts.values())


def bus_place(site: Site, name: str, wires: Sequence[Wire]) -> Place:
    """A bus of plant.yaml by its name."""
    config = site.plant.buses[name]
    own = tuple(wires) or (config.wire,)
    if config.host:
        return Place(name, "tunnel", host=config.host, tcp_port=config.port, wires=own, bus=name, own=config.wire)
    return Place(name, "serial", port=config.serial, wires=own, bus=name, own=config.wire)


def wires_of(bauds: Sequence[int], parities: Sequence[str], stop: int = 1) -> list[Wire]:
    """Every pair; empty where neither is given."""
    if not bauds and not parities:
        return []
    return [Wire(b, p, stop) for b, p in itertools.product(bauds or (2400, 9600), parities or ("E", "N"))]


async def _open_port(port: str, wires: Sequence[Wire]) -> SerialLink:
    """The port with the first of the settings that it takes; raises LinkError."""
    *others, last = wires
    for wire in others:
        try:
            return await SerialLink.open(port, wire)
        except LinkError as error:
            if not refuses_settings(error):
                raise
    return await SerialLink.open(port, last)


def _every_wire() -> list[Wire]:
    return list(dict.fromkeys(wire for wires in WIRES.values() for wire in wires))
