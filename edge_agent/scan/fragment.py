"""What was found as lines of plant.yaml to paste, each with a comment of what was seen."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from drivers.wire import Wire
from edge_agent.scan.found import Found
from edge_agent.scan.place import Place

PREFIX = {"dlt645-2007": "m", "dlt645-1997": "m", "cjt188-2004": "w", "sunspec": "inv", "mbus": "h", "opcua": "ua"}
OTHER = "d"
Say = Callable[[str], str]
WHERE = {"serial": "serial", "tunnel": "host"}
UNKNOWN_PROFILE = "?"  # quoted, for plain it begins a key


@dataclass(frozen=True, slots=True)
class Bus:
    """A serial line of the fragment; `line` describes it where plant.yaml lacks it."""

    name: str
    wire: Wire
    line: str = ""


def fragment(found: Sequence[Found], places: Sequence[Place], taken: Collection[str], say: Say) -> list[str]:
    """The buses and devices that plant.yaml lacks; `say` words the codes of comments."""
    new = [f for f in found if f.is_device and not f.known_as]
    by_name = {place.name: place for place in places}
    buses = _buses(by_name, new, taken)
    lines = [f"  {bus.line}" for bus in buses.values() if bus.line]
    names = _names(taken)
    devices = [_device(f, by_name[f.place], buses.get(f.place), names, say) for f in new]
    return _under("buses", lines) + _under("devices", [f"  {line}" for line in devices])


def profile_name(found: Found) -> str:
    """What to call the profile of a server, and its file."""
    name = "".join(c if c.isalnum() else "-" for c in found.says.lower()).strip("-")
    return name or "opcua"


def _under(key: str, lines: list[str]) -> list[str]:
    return [f"{key}:", *lines] if lines else []


def _buses(places: Mapping[str, Place], found: Sequence[Found], taken: Collection[str]) -> dict[str, Bus]:
    """By place; a new one has the settings that most of its devices answered at."""
    buses: dict[str, Bus] = {}
    used = set(taken)
    for name in dict.fromkeys(f.place for f in found):
        place = places[name]
        if place.kind not in WHERE:
            continue
        wire = Counter(f.wire for f in found if f.place == name and f.wire).most_common(1)[0][0]
        if place.bus:
            buses[name] = Bus(place.bus, place.own or wire)
            continue
        new = next(n for i in itertools.count(1) if (n := f"line{i}") not in used)
        used.add(new)
        where = place.port if place.kind == "serial" else f"{place.host}, port: {place.tcp_port}"
        buses[name] = Bus(new, wire, f"{new}: {{{WHERE[place.kind]}: {where}, {_wire(wire)}}}")
    return buses


def _names(taken: Collection[str]) -> Callable[[str], str]:
    used = set(taken)

    def free(prefix: str) -> str:
        name = next(n for i in itertools.count(1) if (n := f"{prefix}{i}") not in used)
        used.add(name)
        return name

    return free


def _device(found: Found, place: Place, bus: Bus | None, names: Callable[[str], str], say: Say) -> str:
    name = names(PREFIX.get(found.protocol, OTHER))
    keys = list(_keys(found, place, bus))
    line = f"{name}: {{{', '.join(keys)}}}"
    comment = "; ".join(_comment(found, say))
    return f"{line}  # {comment}" if comment else line


def _keys(found: Found, place: Place, bus: Bus | None) -> Iterator[str]:
    if bus:
        yield f"bus: {bus.name}"
    elif place.kind == "tcp":
        yield f"host: {place.host}"
        yield f"port: {place.tcp_port}"
    else:
        yield f"url: {json.dumps(place.url)}"
        yield from _way_in(found)
    yield f"profile: {_profile(found)}"
    if found.address:
        yield f"address: {json.dumps(found.address)}" if found.protocol == "mbus" else f"address: {found.address}"
    if found.unit is not None:
        yield f"unit: {found.unit}"
    if bus and found.wire and found.wire != bus.wire:
        yield _wire(found.wire)


def _way_in(found: Found) -> Iterator[str]:
    """How a server let us in; its password file is one below secrets/, as plant.yaml wants it."""
    server = found.server
    if server is None or not server.security:
        return
    yield f"security: {server.security}"
    if server.security != "none":
        yield f"mode: {server.mode}"
    if server.user:
        yield f"user: {json.dumps(server.user, ensure_ascii=False)}"
    if server.user and server.password_file:
        yield f"password_file: {json.dumps(f'secrets/{server.password_file.name}', ensure_ascii=False)}"


def _profile(found: Found) -> str:
    if found.server and found.server.suggestions:
        return profile_name(found)
    return found.profiles[0] if found.profiles else json.dumps(UNKNOWN_PROFILE)


def _comment(found: Found, say: Say) -> Iterator[str]:
    yield found.protocol
    if found.says:
        yield " ".join(found.says.split())
    if found.models:
        yield "models " + ", ".join(map(str, found.models))
    if len(found.profiles) > 1:
        yield say("also") + " " + ", ".join(found.profiles[1:])
    if found.server and found.server.suggestions:
        yield say("profile_below")
    elif not found.profiles:
        yield say("no_profile")
    if found.server and found.server.user:
        yield say("password_file")
    for note in found.notes:
        yield say(note)


def _wire(wire: Wire) -> str:
    stop = f", stop: {wire.stop}" if wire.stop != 1 else ""
    return f"baud: {wire.baud}, parity: {wire.parity}{stop}"
