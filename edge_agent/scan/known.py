"""Which device of plant.yaml a found one is."""

from __future__ import annotations

from drivers.dlt645.codec import same_address
from drivers.mbus.address import Secondary, address_of, is_from
from edge_agent.scan.found import Found
from edge_agent.site import DeviceConfig, Site


def mark_known(found: list[Found], site: Site) -> None:
    """Write into each device that plant.yaml has already under which name it stands there."""
    for one in found:
        one.known_as = next((name for name, c in site.plant.devices.items() if _is(one, c, site)), "")


def _is(found: Found, config: DeviceConfig, site: Site) -> bool:
    bus = site.plant.buses.get(config.bus)
    lines = {config.bus, bus.serial, f"{bus.host}:{bus.port}"} if bus else {f"{config.host}:{config.port}", config.host}
    if found.protocol == "opcua":
        return found.place == config.url
    if found.place not in lines:
        return False
    if found.protocol == "mbus":
        own = found.says.partition(" ")[0]  # the secondary address, whichever it was found by
        return any(_is_mbus(address, config.address) for address in (found.address, own))
    if found.address:
        return len(found.address) == len(config.address) and same_address(config.address, found.address)
    return found.unit == config.unit and not config.address


def _is_mbus(found: str, configured: str) -> bool:
    """Whether a meter is meant by an address of plant.yaml, which may have wildcards."""
    try:
        meter, wanted = address_of(found), address_of(configured)
    except ValueError:
        return False
    if isinstance(meter, Secondary) or isinstance(wanted, Secondary):
        return isinstance(meter, Secondary) and isinstance(wanted, Secondary) and wanted.matches(meter)
    return is_from(wanted, meter)
