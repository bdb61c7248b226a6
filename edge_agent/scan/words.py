"""The result of a search as JSON, and its progress as one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drivers.wire import Wire
from edge_agent.scan.found import Found, Step
from edge_agent.texts import Texts

LEAST_LEFT_S = 1.0  # less is not worth saying


def step_line(step: Step, texts: Texts) -> str:
    """`line1 2400 8E1 dlt645-2007 3/12: 5/100, 40 s left, 2 found`."""
    about = " ".join(filter(None, [step.place, wire_text(step.wire), step.protocol]))
    left = "" if step.left_s is None or step.left_s < LEAST_LEFT_S else texts("scan.left", left=_span(step.left_s))
    counts = {"phase": step.phase, "phases": step.phases, "done": step.done, "of": step.of, "found": step.found}
    return texts("scan.step", about=about, left=left, **counts)


def wire_text(wire: Wire | None) -> str:
    """`2400 8E1`, or nothing for TCP."""
    return "" if wire is None else f"{wire.baud} 8{wire.parity}{wire.stop}"


def found_json(found: Found) -> dict[str, Any]:
    """One device of `scan --json`."""
    wire = found.wire
    body: dict[str, Any] = {
        "place": found.place,
        "protocol": found.protocol,
        "address": found.address or None,
        "unit": found.unit,
        "baud": wire.baud if wire else None,
        "parity": wire.parity if wire else None,
        "stop": wire.stop if wire else None,
        "says": found.says,
        "profiles": found.profiles,
        "known_as": found.known_as or None,
        "notes": found.notes,
    }
    if found.models:
        body["models"] = found.models
    return {**body, **(dict(_server(found)) if found.server else {})}


def _server(found: Found) -> Iterator[tuple[str, Any]]:
    server = found.server
    assert server is not None
    yield "certificate_sha256", server.offer.fingerprint or None
    yield (
        "endpoints",
        [
            {"security": e.security, "mode": e.mode, "users": list(e.users), "usable": e.usable}
            for e in server.offer.endpoints
        ],
    )
    yield "browsed_as", {"security": server.security, "mode": server.mode} if server.security else None
    yield "error", server.error.reason if server.error else None
    yield (
        "variables",
        [
            {
                "node": v.node,
                "path": v.path,
                "type": v.kind,
                "value": _plain(v.value),
                "unit": v.unit,
                "access": list(v.access),
            }
            for v in server.variables
        ],
    )


def _plain(value: object) -> Any:
    """What JSON can say; anything else as text."""
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
