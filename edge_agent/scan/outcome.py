"""What a search says beside its findings: what it did not see, what broke it off, and the exit code."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from configs.problem import nearest
from drivers.error import DriverError
from edge_agent.exit import Exit
from edge_agent.held import is_held
from edge_agent.line_fault import is_nameless, plain, refuses_settings
from edge_agent.scan.modbus import SLOW_TIMEOUT_S
from edge_agent.scan.place import Place
from edge_agent.scan.search import Scan
from edge_agent.scan.words import wire_text
from edge_agent.texts import Texts

INTERRUPTED = 128 + 2  # as a shell reports Ctrl-C
LONGER_S = 1.2  # a slow device begins its answer within a second


def remarks(search: Scan, buses: Collection[str], texts: Texts) -> Iterator[str]:
    """Sentences, place by place; `buses` are the names that a mistyped place may have meant."""
    for place in search.places:
        error, settings = search.errors.get(place.name), search.settings.get(place.name)
        for wire in settings.refused if settings else ():
            yield texts("scan.setting_refused", place=place.name, wire=wire_text(wire))
        if settings and settings.left_out:
            yield texts("scan.one_setting", place=place.name, wire=wire_text(settings.heard))
        short = brief(search, place.name)
        if short:
            told = {"count": len(short), "waited": f"{min(short):.2g}", "longer": LONGER_S}
            yield texts("scan.slow", place=place.name, **told)
        if error is not None:
            yield _failure(search, place, error, buses, texts)


def verdict(search: Scan, interrupted: bool) -> int:
    """130 after Ctrl-C; 6 where a search broke off or a server kept us out; else by what was found."""
    if interrupted:
        return INTERRUPTED
    found = search.progress.found
    if search.broken or any(f.server is not None and f.server.error is not None for f in found):
        return Exit.UNHEALTHY
    if any(f.is_device for f in found):
        return Exit.DONE
    held = any(is_held(error) for error in search.errors.values())
    return Exit.BUSY if held else Exit.UNHEALTHY if search.errors else Exit.CANNOT_TELL


def brief(search: Scan, place: str) -> list[float]:
    """The seconds that silent Modbus units were given, of those given less than a slow device needs."""
    return [waited for waited in search.silent.get(place, {}).values() if waited < SLOW_TIMEOUT_S]


def _failure(search: Scan, place: Place, error: DriverError, buses: Collection[str], texts: Texts) -> str:
    said = {"place": place.name, "why": texts.why(error.reason), "detail": plain(error.detail)}
    if place.name in search.broken:
        step, steps = search.broken[place.name]
        return texts("scan.broken", step=step, steps=steps, **said)
    if is_held(error):
        return texts("scan.held", **said)
    if refuses_settings(error):
        return texts("scan.refuses", wire=wire_text((place.wires or (None,))[0]), **said)
    if not is_nameless(error):
        return texts("scan.unreachable", **said)
    if place.kind == "opcua":
        return texts("scan.no_host", **said)
    near = nearest(place.host, buses)
    return texts("scan.no_such_place_near" if near else "scan.no_such_place", value=place.host, nearest=near)
