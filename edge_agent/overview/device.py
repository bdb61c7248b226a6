"""The devices of a site as screens show them: one line for the list, and everything about one of them."""

from __future__ import annotations

from dataclasses import dataclass

from configs.quantity import quantities
from configs.text import Text, both
from drivers.reading import Kind, Quality
from edge_agent.overview.value import Present, Value, worst
from edge_agent.poll import LINK_ITEM, LinkState
from edge_agent.reach import BY_ADDRESS
from edge_agent.site import DeviceConfig, Site
from edge_agent.store.lock import Holder
from edge_agent.store.reader import Reader

UNKNOWN = "unknown"  # a link of which the running agent has said nothing
ASLEEP = "asleep"


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device in the list.

    last: when it last gave a usable value, microseconds UTC. faulty: how many of its tags give none
    although they should. item, reason: the first of them and why, or why the link is down.
    """

    name: str
    title: Text
    link: str
    last: int | None
    age: int | None
    quality: Quality
    where: str
    faulty: int
    item: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag of a device; `state` is what its code means, where the profile says so."""

    item: str
    title: Text
    unit: str
    value: Value
    is_state: bool
    state: Text | None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device in full; poll in seconds, since in microseconds UTC."""

    row: DeviceRow
    profile: Text
    protocol: str
    poll: float
    since: int | None
    tags: tuple[TagRow, ...]


def device_row(present: Present, name: str, agent: Holder | None) -> DeviceRow:
    """One device as the running agent finds it; without an agent its link is not known."""
    config = present.site.plant.devices[name]
    link, why = _link(present, name, agent)
    items = present.site.profiles[config.profile].items
    values = {item: present.value(f"{name}.{item}") for item in items}
    used = [present.usable[tag] for item in items if present.usable.get(tag := f"{name}.{item}")]
    last = max(used, default=None)
    faulty = [item for item, v in values.items() if v.quality > Quality.GOOD and not _lacks(v)]
    item, reason = ("", why) if link == LinkState.DOWN.code else _first(values, faulty)
    if len({values[item].reason for item in faulty}) == 1 and len(faulty) == len(values):
        item = ""  # it is not this one's fault
    return DeviceRow(
        name,
        _title(config, name),
        link,
        last,
        None if last is None else max(present.now - last, 0),
        _quality(list(values.values())),
        where(present.site, name),
        len(faulty),
        item,
        ASLEEP if link == ASLEEP else reason,
    )


def device_view(present: Present, name: str, agent: Holder | None) -> DeviceView:
    """Everything about one device and its tags."""
    site, row = present.site, device_row(present, name, agent)
    config, profile = site.plant.devices[name], site.profiles[site.plant.devices[name].profile]
    tags = []
    for item, spec in profile.items.items():
        value, quantity = present.value(f"{name}.{item}"), quantities()[spec.quantity]
        state = spec.states.get(int(value.value)) if value.value is not None else None
        is_state = spec.kind_or_default == Kind.STATE
        tags.append(TagRow(item, quantity.title, quantity.unit, value, is_state, state))
    return DeviceView(row, profile.title, profile.protocol, config.poll, _since(present, row), tuple(tags))


def where(site: Site, name: str) -> str:
    """Where a device is: its line and address, its host, or its url."""
    config = site.plant.devices[name]
    by_address = site.profiles[config.profile].protocol in BY_ADDRESS
    place = f"address {config.address}" if by_address else f"unit {config.unit}"
    if config.url:
        return config.url
    if config.bus:
        return f"{config.bus} {site.plant.buses[config.bus].place} {place}"
    return f"{config.host}:{config.port} {place}"


def _link(present: Present, name: str, agent: Holder | None) -> tuple[str, str | None]:
    """What the running agent has found; what an earlier one said is no longer known."""
    sample = present.samples.get(f"{name}.{LINK_ITEM}")
    if sample is None or sample.value is None or agent is None or sample.at < agent.since:
        return UNKNOWN, None
    return LinkState(int(sample.value)).code, sample.reason


def _since(present: Present, row: DeviceRow) -> int | None:
    if row.link == UNKNOWN:
        return None
    tag = f"{row.name}.{LINK_ITEM}"
    sample = present.samples[tag]
    return Reader(present.site.data).since(tag, sample.value or 0.0) or sample.at


def _first(values: dict[str, Value], faulty: list[str]) -> tuple[str, str | None]:
    """The first of the worst."""
    wanted = worst([values[item] for item in faulty]).quality
    return next(((item, values[item].reason) for item in faulty if values[item].quality == wanted), ("", None))


def _quality(values: list[Value]) -> Quality:
    """Of a device: good when all is, uncertain when some is not, else the worst there is."""
    there = [v for v in values if not _lacks(v)]
    if not there:
        return Quality.ABSENT
    if any(v.quality <= Quality.UNCERTAIN for v in there):
        return Quality.GOOD if all(v.quality == Quality.GOOD for v in there) else Quality.UNCERTAIN
    return worst(there).quality


def _lacks(value: Value) -> bool:
    """Whether the device says that it has no such value, which is no fault."""
    return value.quality == Quality.ABSENT and value.reason != "never_read"


def _title(config: DeviceConfig, name: str) -> Text:
    title = both(config.title)
    return title if title.zh else Text(name, name)
