"""What was found as lines of plant.yaml to paste, each with a comment of what was seen."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterator, Sequence

from drivers.wire import Wire
from edge_agent.scan.found import Found
from edge_agent.scan.place import Place

PREFIX = {"dlt645-2007": "m", "dlt645-1997": "m", "cjt188-2004": "w", "sunspec": "inv", "mbus": "h", "opcua": "ua"}
OTHER = "d"
Say = Callable[[str], str]
WHERE = {"serial": "serial", "tunnel": "host"}


def fragment(found: Sequence[Found], places: Sequence[Place], taken: Collection[str], say: Say) -> list[str]:
    """The buses and devices that plant.yaml lacks; `say` words the codes of comments."""
    new = [f for f in found if f.is_device and not f.known_as]
    by_name = {place.name: place for place in places}
    buses = _buses([by_name[f.place] for f in new], new, taken)
    lines = (
        ["buses:", *(f"  {line}" for _, line in buses.values() if line)] if any(b for _, b in buses.values()) else []
    )
    names = _names(taken)
    devices = [_device(f, by_name[f.place], buses.get(f.place, ("", ""))[0], names, say) for f in new]
    return lines + (["devices:", *(f"  {line}" for line in devices)] if devices else [])


def _buses(places: Sequence[Place], found: Sequence[Found], taken: Collection[str]) -> dict[str, tuple[str, str]]:
    """For each serial line its name in plant.yaml, and the line that describes it where it is new."""
    buses: dict[str, tuple[str, str]] = {}
    for place, first in zip(places, found, strict=True):
        if place.name in buses or place.kind not in WHERE:
            continue
        if place.bus:
            buses[place.name] = place.bus, ""
            continue
        name = next(n for i in itertools.count(1) if (n := f"line{i}") not in taken and n not in dict(buses.values()))
        where = place.port if place.kind == "serial" else f"{place.host}, port: {place.tcp_port}"
        buses[place.name] = name, f"{name}: {{{WHERE[place.kind]}: {where}, {_wire(first.wire or Wire())}}}"
    return buses


def _names(taken: Collection[str]) -> Callable[[str], str]:
    used = set(taken)

    def free(prefix: str) -> str:
        name = next(n for i in itertools.count(1) if (n := f"{prefix}{i}") not in used)
        used.add(name)
        return name

    return free


def _device(found: Found, place: Place, bus: str, names: Callable[[str], str], say: Say) -> str:
    name = names(PREFIX.get(found.protocol, OTHER))
    keys = list(_keys(found, place, bus))
    line = f"{name}: {{{', '.join(keys)}}}"
    comment = "; ".join(_comment(found, say))
    return f"{line}  # {comment}" if comment else line


def _keys(found: Found, place: Place, bus: str) -> Iterator[str]:
    if bus:
        yield f"bus: {bus}"
    elif place.kind == "tcp":
        yield f"host: {place.host}"
        yield f"port: {place.tcp_port}"
    else:
        yield f"url: {json.dumps(place.url)}"
        if found.server and found.server.security:
            yield f"security: {found.server.security}"
            if found.server.mode not in ("", "SignAndEncrypt"):
                yield f"mode: {found.server.mode}"
    yield f"profile: {found.profiles[0] if found.profiles else '?'}"
    if found.address:
        yield f"address: {json.dumps(found.address)}" if found.protocol == "mbus" else f"address: {found.address}"
    if found.unit is not None:
        yield f"unit: {found.unit}"
    if bus and found.wire and place.wires and found.wire != place.wires[0]:
        yield _wire(found.wire)


def _comment(found: Found, say: Say) -> Iterator[str]:
    yield found.protocol
    if found.says:
        yield " ".join(found.says.split())
    if found.models:
        yield "models " + ", ".join(map(str, found.models))
    if len(found.profiles) > 1:
        yield say("also") + " " + ", ".join(found.profiles[1:])
    if not found.profiles:
        yield say("no_profile")
    for note in found.notes:
        yield say(note)


def _wire(wire: Wire) -> str:
    stop = f", stop: {wire.stop}" if wire.stop != 1 else ""
    return f"baud: {wire.baud}, parity: {wire.parity}{stop}"
