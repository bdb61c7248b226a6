"""Which module explains the captured frames of which protocol; a protocol is imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from drivers.explained import Explained, Hints

Explain = Callable[[bytes, Hints], list[Explained]]

EXPLAINERS = {
    "dlt645-2007": "drivers.dlt645.explain:explain_2007",
    "dlt645-1997": "drivers.dlt645.explain:explain_1997",
    "cjt188-2004": "drivers.cjt188.explain:explain",
    "modbus-rtu": "drivers.modbus.explain:explain_rtu",
    "modbus-tcp": "drivers.modbus.explain:explain_tcp",
    "mbus": "drivers.mbus.explain:explain",
    "sunspec": "drivers.sunspec.explain:explain",
}


def explain(protocol: str, raw: bytes, hints: Hints | None = None) -> list[Explained]:
    """What the bytes say in a protocol of EXPLAINERS, frame by frame; at least one entry."""
    module, _, function = EXPLAINERS[protocol].partition(":")
    explainer: Explain = getattr(import_module(module), function)
    return explainer(raw, hints or Hints())
