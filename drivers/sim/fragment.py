"""What to paste into plant.yaml to read a served plant: the demonstration's own file, filled in."""

from __future__ import annotations

from configs import FOLDER
from drivers.sim.address import Address

PLANT = FOLDER / "site" / "demo" / "plant.yaml"


def filled(where: Address, language: str) -> str:
    """The whole plant.yaml of the simulated plant at these places."""
    text = PLANT.read_text(encoding="utf-8")
    for name, value in {**where.places(), "language": language}.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def fragment(where: Address) -> str:
    """Its lines, devices, meters and alarms, without the site's own name."""
    text = filled(where, "zh")
    return text[text.index("buses:") : text.index("# 仅为演示")]
