"""What plant.yaml says about things that must exist elsewhere: buses, profiles, tags, carriers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from configs.load import Loaded
from configs.problem import Problem, nearest
from configs.quantity import carriers, quantities
from drivers.error import ProfileError
from drivers.profile import Profile
from edge_agent.reach import lines, out_of_reach, place
from edge_agent.site import MANUAL, DeviceConfig, MeterConfig, Plant

REFERENCES = ("no_bus", "no_profile", "no_tag", "no_parent")
RESERVED = (MANUAL, "agent")
LEAST_BUDGET = 50_000_000  # bytes: a day of a busy plant before it is merged, its log and the other files
NO_ZONES = ("localtime", "posix", "posixrules", "right")  # lie among the zones of a machine and are none
_NAME = re.compile(r"[\w-]+")  # letters of any script, digits, _ and -


def problems_of(loaded: Loaded[Plant], profiles: dict[str, Loaded[Profile]]) -> list[Problem]:
    """What plant.yaml says that is nowhere, in the order of the lines."""
    return sorted(_Check(loaded, profiles).all(), key=lambda p: p.line)


def unexplained(
    found: list[Problem], faults: list[Problem], loaded: Loaded[Plant], profiles: dict[str, Loaded[Profile]]
) -> list[Problem]:
    """Problems that do not merely follow from another: of the same thing, or of one it refers to."""
    faulty = {tuple(p.fields.get("key", "").split(".")[:2]) for p in faults}
    broken = {name for pair in faulty for name in pair[1:]} | {Path(p.file).stem for p in faults}
    broken -= set(loaded.value.devices)
    broken |= {name for name, device in loaded.value.devices.items() if device.profile not in profiles}

    def follows(problem: Problem) -> bool:
        group = tuple(problem.fields.get("key", "").split(".")[:2])
        named = problem.fields.get("value", "").removeprefix(f"{MANUAL}.").split(".")[0]
        return group in faulty or (problem.code in REFERENCES and named in broken)

    return [problem for problem in found if not follows(problem)]


class _Check:
    def __init__(self, loaded: Loaded[Plant], profiles: dict[str, Loaded[Profile]]) -> None:
        self.loaded, self.plant, self.profiles = loaded, loaded.value, profiles
        self.tags = dict(self._tag_quantities())

    def all(self) -> Iterator[Problem]:
        yield from self._site()
        yield from lines(self.loaded)
        for name, device in self.plant.devices.items():
            yield from self._device(name, device)
        for name, manual in self.plant.manual.items():
            yield from self._named("manual", name)
            if manual.quantity not in quantities():
                yield self._wrong("no_quantity", manual.quantity, quantities(), "manual", name, "quantity")
        for name, meter in self.plant.meters.items():
            yield from self._meter(name, meter)
        for name, alarm in self.plant.alarms.items():
            if name not in self.tags:
                yield self._wrong("no_tag", name, self.tags, "alarms", name)
            if alarm.low is None and alarm.high is None:
                yield self.loaded.problem("no_limit", "alarms", name)
            if alarm.low is not None and alarm.high is not None and alarm.low >= alarm.high:
                yield self.loaded.problem("low_above_high", "alarms", name)
        for group, entries in (("benchmarks", self.plant.benchmarks), ("pass_marks", self.plant.pass_marks)):
            for name, entry in entries.items():
                if not entry.source.strip():
                    yield self.loaded.problem("no_source", group, name, "source")

    def _wrong(self, code: str, value: str, allowed: Iterable[str], *where: str) -> Problem:
        words = list(allowed)
        listed = ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
        return self.loaded.problem(code, *where, value=value, allowed=listed, nearest=nearest(value, words))

    def _tag_quantities(self) -> Iterator[tuple[str, str]]:
        for name, device in self.plant.devices.items():
            if device.profile in self.profiles:
                for item, spec in self.profiles[device.profile].value.items.items():
                    yield f"{name}.{item}", spec.quantity
        for name, manual in self.plant.manual.items():
            yield f"{MANUAL}.{name}", manual.quantity

    def _named(self, group: str, name: str) -> Iterator[Problem]:
        if not _NAME.fullmatch(name):
            yield self.loaded.problem("bad_name", group, name, value=name)

    def _site(self) -> Iterator[Problem]:
        zone = self.plant.site.timezone
        if not _is_zone(zone):
            hint = nearest(zone, available_timezones())
            yield self.loaded.problem("no_zone", "site", "timezone", value=zone, nearest=hint)
        yield from self._named("site", self.plant.site.id)
        begun: dict[int, str] = {}
        for name, shift in self.plant.site.shifts.items():
            other = begun.setdefault(shift if isinstance(shift, int) else shift.begins, name)
            if other != name:
                yield self.loaded.problem("same_shift", "site", "shifts", name, value=name, other=other)
        if self.plant.store.budget < LEAST_BUDGET:
            said = f"{self.plant.store.budget / 1e6:g}MB"
            yield self.loaded.problem("out_of_range", "store", "budget", value=said, allowed=">= 50MB")

    def _device(self, name: str, device: DeviceConfig) -> Iterator[Problem]:
        where = ("devices", name)
        yield from self._named("devices", name)
        if name in RESERVED:
            yield self.loaded.problem("reserved_name", *where, value=name)
        if sum(map(bool, (device.bus, device.host, device.url))) != 1:
            yield self.loaded.problem("bus_or_host", *where)
        same = [n for n, d in self.plant.devices.items() if self._place(d) == self._place(device)]
        if same[0] != name:
            yield self.loaded.problem("same_place", *where, value=name, other=same[0])
        if device.bus and device.bus not in self.plant.buses:
            yield self._wrong("no_bus", device.bus, self.plant.buses, *where, "bus")
        if device.profile not in self.profiles:
            yield self._wrong("no_profile", device.profile, self.profiles, *where, "profile")
            return
        profile = self.profiles[device.profile].value
        yield from out_of_reach(self.loaded, name, profile.protocol)
        if profile.primary and (device.ct, device.pt) != (1.0, 1.0):
            yield self.loaded.problem("ratio_of_primary", *where, "ct" if device.ct != 1.0 else "pt")
        if profile.protocol == "sunspec":
            from drivers.sunspec.models import check  # reads the table of models, for a site that has one

            try:
                check(profile.items)
            except ProfileError as error:
                yield self.loaded.problem("no_point", *where, "profile", value=error.detail)

    def _place(self, device: DeviceConfig) -> tuple[object, ...]:
        profile = self.profiles.get(device.profile)
        return place(device, profile.value if profile else None)

    def _meter(self, name: str, meter: MeterConfig) -> Iterator[Problem]:
        where = ("meters", name)
        yield from self._named("meters", name)
        yield from self._measured(where, name, meter)
        if meter.level == 1 and meter.flow is None:
            yield self.loaded.problem("needs_flow", *where)
        if meter.level > 1 and meter.flow is not None:
            yield self.loaded.problem("no_flow_below", *where, "flow")
        if meter.carrier in carriers() and meter.flow not in (None, "purchase") and meter.carrier != "electricity":
            yield self.loaded.problem("flow_of_electricity", *where, "flow", value=meter.flow)
        if meter.flow == "purchase" and meter.carrier == "electricity":
            yield self.loaded.problem("electricity_not_purchase", *where, "flow")
        if meter.parent is not None:
            parent = self.plant.meters.get(meter.parent)
            if parent is None:
                yield self._wrong("no_parent", meter.parent, self.plant.meters, *where, "parent")
            elif parent.level >= meter.level:
                yield self.loaded.problem("parent_not_above", *where, "parent", value=meter.parent)

    def _measured(self, where: tuple[str, str], name: str, meter: MeterConfig) -> Iterator[Problem]:
        """Whether the meter's tags exist, measure its carrier, and are counted once."""
        if meter.tag not in self.tags:
            yield self._wrong("no_tag", meter.tag, self.tags, *where, "tag")
        carrier = carriers().get(meter.carrier)
        if carrier is None:
            yield self._wrong("no_carrier", meter.carrier, carriers(), *where, "carrier")
        elif meter.tag in self.tags and self.tags[meter.tag] not in carrier.quantities:
            allowed = ", ".join(carrier.quantities)
            yield self.loaded.problem("wrong_quantity", *where, "tag", value=self.tags[meter.tag], allowed=allowed)
        if meter.power and self.tags.get(meter.power) != "power":
            tags = [tag for tag, quantity in self.tags.items() if quantity == "power"]
            yield self._wrong("no_power_tag", meter.power, tags, *where, "power")
        others = [n for n, m in self.plant.meters.items() if m.tag == meter.tag and m.level == 1]
        if meter.level == 1 and others[0] != name:
            yield self.loaded.problem("tag_metered_twice", *where, "tag", value=meter.tag, other=others[0])


def _is_zone(name: str) -> bool:
    """Whether there is such a time zone; to list them all would take as long as all other checks."""
    try:
        return name.partition("/")[0] not in NO_ZONES and bool(ZoneInfo(name))
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False
