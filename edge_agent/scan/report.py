"""What a search tells at its end: lines to paste into plant.yaml, or one JSON document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from edge_agent.scan.found import Found
from edge_agent.scan.fragment import fragment, profile_name
from edge_agent.scan.outcome import brief
from edge_agent.scan.place import Place
from edge_agent.scan.search import Scan
from edge_agent.scan.words import found_json, wire_text
from edge_agent.session import Session
from edge_agent.site import PLANT_FILE
from edge_agent.when import iso

SHOWN_WAYS = 8  # endpoints of a server
KEYS = ("buses", "devices")  # of plant.yaml, that stand there once


def report_json(session: Session, search: Scan, interrupted: bool) -> dict[str, Any]:
    """`as_of, interrupted, places[], found[], yaml`."""
    return {
        "as_of": iso(session.now(), session.site.zone) if _has_site(session) else None,
        "interrupted": interrupted,
        "places": [_place_json(search, place) for place in search.places],
        "found": [found_json(f) for f in search.progress.found],
        "yaml": "\n".join(_pasted(session, search)),
    }


def _place_json(search: Scan, place: Place) -> dict[str, Any]:
    """What could not be seen at a place."""
    settings, short = search.settings.get(place.name), brief(search, place.name)
    return {
        "place": place.name,
        "kind": place.kind,
        "error": _error(search, place.name),
        "broken_at_step": search.broken.get(place.name, (None,))[0],
        "settings_refused": [wire_text(wire) for wire in settings.refused] if settings else [],
        "silent_units": len(short),
        "waited_s": min(short, default=None),
    }


def report_lines(session: Session, search: Scan) -> Iterator[str]:
    """The same for a person; comments say what plant.yaml has already and what could not be told apart."""
    say = session.texts
    for found in search.progress.found:
        where = " ".join(filter(None, [found.place, wire_text(found.wire), found.protocol]))
        if found.known_as:
            yield f"# {where} {_address(found)}: " + say("scan.known", name=found.known_as)
        elif not found.is_device:
            yield f"# {where}: " + ", ".join(say(f"scan.note.{note}") for note in found.notes)
    yield from _pasted(session, search)
    for found in search.progress.found:
        if found.server is not None:
            yield from _server(session, found)


def _pasted(session: Session, search: Scan) -> list[str]:
    taken = [*session.site.plant.buses, *session.site.plant.devices] if _has_site(session) else []
    lines = fragment(search.progress.found, search.places, taken, lambda code: session.texts(f"scan.note.{code}"))
    there = [key for key in KEYS if _has_site(session) and re.search(rf"^{key}\s*:", session.site.text, re.MULTILINE)]
    twice = ", ".join(key for key in there if f"{key}:" in lines)
    return ["# " + session.texts("scan.merge", keys=twice), *lines] if twice else lines


def _server(session: Session, found: Found) -> Iterator[str]:
    """The ways into a server, and its variables as the items of a profile."""
    from drivers.opcua.suggest import yaml_line

    server, say = found.server, session.texts
    assert server is not None
    for way in server.offer.endpoints[:SHOWN_WAYS]:
        usable = "" if way.usable else say("scan.not_usable")
        yield f"# {found.place}: {way.security} {way.mode} ({', '.join(way.users)}){usable}"
    if server.offer.fingerprint:
        yield f"# SHA-256 {server.offer.fingerprint}"
    if server.error is not None:
        yield "# " + say("scan.not_browsed", why=say.why(server.error.reason))
    elif not server.security:
        yield "# " + say("scan.no_way_in")
    if server.suggestions:
        yield "# " + say("scan.profile_file", name=f"devices/{profile_name(found)}.yaml")
        title = json.dumps(found.says or "OPC UA", ensure_ascii=False)
        yield f"# title: {{zh: {title}, en: {title}}}"
        yield "# protocol: opcua"
        yield f"# source: leafgate scan {found.place}"
        yield "# items:"
        yield from ("# " + yaml_line(one) for one in server.suggestions)


def _address(found: Found) -> str:
    return found.address or ("" if found.unit is None else str(found.unit))


def _error(search: Scan, place: str) -> str | None:
    error = search.errors.get(place)
    return error.reason if error else None


def _has_site(session: Session) -> bool:
    return (session.folder / PLANT_FILE).exists()
