"""The texts in which a Modbus device says who it is."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.error import DeviceError
from drivers.modbus.unit import Unit
from drivers.modbus.value import text
from drivers.profile import Identity


async def says(unit: Unit, identity: Mapping[str, Identity]) -> dict[str, str]:
    """Each text by its name, empty where the device refuses it; raises LinkError."""
    said = {}
    for name, place in identity.items():
        try:
            said[name] = text(await unit.read(place.function, place.register, place.words), place.order)
        except DeviceError:
            said[name] = ""
    return said


def fits(said: Mapping[str, str], identity: Mapping[str, Identity]) -> bool:
    """Whether a device is of the kind that this identity describes; False where it describes none."""
    wanted = {name: place.says for name, place in identity.items() if place.says}
    return bool(wanted) and all(said.get(name, "").startswith(begin) for name, begin in wanted.items())
