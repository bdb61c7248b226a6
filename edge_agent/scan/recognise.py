"""Which profile a device that answered fits: each profile's signs are read from it, with the driver of its protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec.structs import replace as with_fields

from drivers.build import driver_for, port_for
from drivers.bus import Bus
from drivers.driver import Device
from drivers.error import DriverError
from drivers.modbus.identity import fits, says
from drivers.modbus.unit import Unit
from drivers.profile import Profile, Sign
from drivers.reading import Quality, Reading


async def recognised(bus: Bus, device: Device, profiles: Mapping[str, Profile]) -> list[str]:
    """The names of the profiles whose every sign the device shows, that with the most signs first.

    `device` says where it is; its own profile does not matter.
    """
    found: list[tuple[int, str]] = []
    for name, profile in profiles.items():
        signs = len(profile.recognise) + len([p for p in profile.identity.values() if p.says])
        if signs and await _shows(bus, replace(device, profile=profile)):
            found.append((-signs, name))
    return [name for _, name in sorted(found)]


def by_models(profiles: Mapping[str, Profile], chain: Sequence[int]) -> list[str]:
    """The SunSpec profiles that a chain of models fills, that which it fills best first, then that with more items."""
    found = []
    for name, profile in profiles.items():
        held = [item for item in profile.items.values() if set(item.models) & set(chain)]
        if profile.protocol == "sunspec" and held:
            found.append((-len(held) / len(profile.items), -len(held), name))
    return [name for *_, name in sorted(found)]


async def _shows(bus: Bus, device: Device) -> bool:
    """Whether the device shows every sign of its profile; a silent one shows none."""
    try:
        return await _identity_fits(bus, device) and await _signs_fit(bus, device)
    except DriverError:
        return False


async def _identity_fits(bus: Bus, device: Device) -> bool:
    identity = device.profile.identity
    if not any(place.says for place in identity.values()):
        return True
    return fits(await says(Unit(port_for(device, bus), device.unit, device.timeout), identity), identity)


async def _signs_fit(bus: Bus, device: Device) -> bool:
    profile = device.profile
    if not profile.recognise:
        return True
    wanted = {sign.item: profile.items[sign.item] for sign in profile.recognise}
    driver = driver_for(replace(device, profile=with_fields(profile, items=wanted)), bus, _no_clock)
    if profile.protocol == "cjt188-2004":
        await driver.probe()  # which learns in what order this meter wants the identifier
    readings = {r.tag.partition(".")[2]: r for r in await driver.read()}
    return all(_fits(sign, readings.get(sign.item)) for sign in profile.recognise)


def _fits(sign: Sign, reading: Reading | None) -> bool:
    if reading is None:
        return False
    if sign.lacks:
        return reading.quality == Quality.ABSENT
    if reading.value is None:
        return False
    return (sign.low is None or sign.low <= reading.value) and (sign.high is None or reading.value <= sign.high)


def _no_clock() -> int:
    return 0
