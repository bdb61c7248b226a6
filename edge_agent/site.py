"""plant.yaml as types, and how it is found and read. What the types cannot say is in site_check."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from configs import FOLDER
from configs.load import Loaded, load, load_folders, parse
from configs.problem import ConfigError, Problem
from configs.scalars import Bytes, Seconds, TimeOfDay
from configs.text import Text, both
from drivers.driver import Device
from drivers.profile import Profile
from drivers.profile_check import faults
from drivers.reading import Kind, Tag
from drivers.wire import Wire
from edge_agent.period import Calendar, Shift

PLANT_FILE = "plant.yaml"
T = TypeVar("T")
MANUAL = "manual"  # the reserved device name of what people file
MONTH_S = Seconds(35 * 86400.0)  # people read a meter by hand once a month, give or take

Positive = Annotated[float, msgspec.Meta(gt=0)]
Flow = Literal["grid_import", "grid_export", "pv_generation", "purchase"]


class ShiftConfig(msgspec.Struct, frozen=True):
    """When a shift begins on the site's clock; it ends where the next one begins."""

    begins: TimeOfDay
    title: Text | str = ""


class SiteInfo(msgspec.Struct, frozen=True):
    """Who and where the plant is. `exports: false` states that it cannot feed the grid."""

    id: str
    title: Text | str
    timezone: str
    language: Literal["zh", "en"] = "zh"
    jurisdiction: list[str] = msgspec.field(default_factory=lambda: ["CN"])
    industry: str = ""
    accounting_day: Annotated[int, msgspec.Meta(ge=1, le=28)] = 1
    shifts: dict[str, ShiftConfig | TimeOfDay] = msgspec.field(default_factory=dict)
    exports: bool = True


class BusConfig(msgspec.Struct, frozen=True):
    """One serial line: at a port of ours, or behind a transparent TCP converter at a host."""

    serial: str = ""
    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 4001
    baud: Annotated[int, msgspec.Meta(ge=300)] = 2400
    parity: Literal["N", "E", "O"] = "E"
    stop: Literal[1, 2] = 1

    @property
    def wire(self) -> Wire:
        return Wire(self.baud, self.parity, self.stop)

    @property
    def place(self) -> str:
        """The serial port, or the host and port of the converter."""
        return self.serial or f"{self.host}:{self.port}"


class DeviceConfig(msgspec.Struct, frozen=True):
    """One device: on a bus by its address or unit, at a host by port and unit, or at an OPC UA url."""

    profile: str
    title: Text | str = ""
    bus: str = ""
    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 502
    url: str = ""
    security: Literal["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss", "none"] = "Basic256Sha256"
    mode: Literal["SignAndEncrypt", "Sign"] = "SignAndEncrypt"
    user: str = ""
    password_file: str = ""
    user_certificate: str = ""  # OPC UA: in the place of user and password_file
    user_key: str = ""
    address: str = ""
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    poll: Annotated[Seconds, msgspec.Meta(ge=0.1)] = Seconds(15.0)
    timeout: Annotated[Seconds, msgspec.Meta(gt=0)] = Seconds(1.0)
    sampling: Annotated[Seconds, msgspec.Meta(ge=0)] = Seconds(0.25)  # OPC UA: how often the server looks
    baud: Annotated[int, msgspec.Meta(ge=300)] | None = None  # line settings of its own; left out: its bus's
    parity: Literal["N", "E", "O"] | None = None
    stop: Literal[1, 2] | None = None
    ct: Positive = 1.0
    pt: Positive = 1.0

    def wire_on(self, bus: BusConfig) -> Wire:
        """The line settings that this device needs on its bus."""
        return Wire(self.baud or bus.baud, self.parity or bus.parity, self.stop or bus.stop)


class MeterConfig(msgspec.Struct, frozen=True):
    """Accounting: which counter, or filed amount, measures what."""

    tag: str
    carrier: str
    title: Text | str = ""
    level: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1
    flow: Flow | None = None
    power: str = ""  # the tag of its momentary power; the device's `power` when left out
    parent: str | None = None


class ManualConfig(msgspec.Struct, frozen=True):
    """A value that people file: a register they read, or an amount for a period."""

    quantity: str
    kind: Literal["counter", "amount", "gauge"] = "amount"
    title: Text | str = ""
    stale_after: Annotated[Seconds, msgspec.Meta(gt=0)] = MONTH_S


class AlarmConfig(msgspec.Struct, frozen=True):
    """Limits of one tag, for the alarm list."""

    high: float | None = None
    low: float | None = None
    delay: Seconds = Seconds(0.0)
    deadband: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    priority: Literal["urgent", "high", "medium", "low"] = "medium"
    cause: Text | str = ""
    action: Text | str = ""


class Benchmark(msgspec.Struct, frozen=True):
    """Base and lead value of one scored criterion for this plant's industry, with their source."""

    base: float
    lead: float
    unit: str
    source: str
    valid_from: date


class PassMark(msgspec.Struct, frozen=True):
    """The mark that a scheme demands for a framework, with its source."""

    value: Annotated[float, msgspec.Meta(ge=0)]
    source: str


class StoreConfig(msgspec.Struct, frozen=True):
    """How many bytes everything in data/ may take together, and how many the disk shall have left.

    The defaults suit a card of 16 GB, of which the system takes about a half.
    """

    budget: Bytes = Bytes(2 * 10**9)
    reserve: Bytes = Bytes(2 * 10**8)


class Plant(msgspec.Struct, frozen=True):
    """The whole of plant.yaml."""

    site: SiteInfo
    store: StoreConfig = StoreConfig()
    buses: dict[str, BusConfig] = {}
    devices: dict[str, DeviceConfig] = {}
    meters: dict[str, MeterConfig] = {}
    manual: dict[str, ManualConfig] = {}
    alarms: dict[str, AlarmConfig] = {}
    benchmarks: dict[str, Benchmark] = {}
    pass_marks: dict[str, PassMark] = {}


@dataclass(frozen=True)
class Site:
    """A site folder that was read and found right: the plant, its profiles and its paths."""

    folder: Path
    plant: Plant
    text: str
    profiles: dict[str, Profile]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.plant.site.timezone)

    @property
    def calendar(self) -> Calendar:
        """Its zone, accounting day and shifts."""
        site, shifts = self.plant.site, []
        for name, shift in site.shifts.items():
            known = shift if isinstance(shift, ShiftConfig) else ShiftConfig(shift)
            shifts.append(Shift(known.begins, both(known.title or name)))
        return Calendar(self.zone, site.accounting_day, tuple(sorted(shifts, key=lambda shift: shift.begins)))

    @property
    def title(self) -> Text:
        return both(self.plant.site.title)

    @property
    def hash(self) -> str:
        """SHA-256 of plant.yaml as it stands."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def device(self, name: str) -> Device:
        """The device as drivers want it."""
        config = self.plant.devices[name]
        bus = self.plant.buses.get(config.bus)
        return Device(
            name,
            self.profiles[config.profile],
            config.address,
            config.unit,
            config.timeout,
            config.poll,
            config.url,
            config.security,
            config.mode,
            config.user,
            self.folder / config.password_file if config.password_file else None,
            self.folder / "pki",
            config.wire_on(bus) if bus else None,
            config.sampling,
            self.folder / config.user_certificate if config.user_certificate else None,
            self.folder / config.user_key if config.user_key else None,
        )

    def tags(self) -> dict[str, Tag]:
        """Every tag of the site by its name: those of the devices, then what people file."""
        found = {tag.name: tag for name in self.plant.devices for tag in self.device(name).tags()}
        for name, manual in self.plant.manual.items():
            tag = f"{MANUAL}.{name}"
            found[tag] = Tag(tag, manual.quantity, Kind(manual.kind), int(manual.stale_after * 1_000_000))
        return found


def open_site(folder: Path) -> Site:
    """Read and check a site folder; raises ConfigError with every problem of its files.

    The error's salvage is the part of plant.yaml that could be read.
    """
    from edge_agent.site_check import problems_of, unexplained

    problems: list[Problem] = []
    loaded: Loaded[Plant] | None = _kept(lambda: load(folder / PLANT_FILE, Plant, PLANT_FILE), problems)
    profiles: dict[str, Loaded[Profile]] = _kept(lambda: load_profiles(folder, _named(loaded)), problems) or {}
    if loaded is not None:
        problems += unexplained(problems_of(loaded, profiles), problems, loaded, profiles)
    if problems or loaded is None:
        raise ConfigError(sorted(problems, key=lambda p: (p.file != PLANT_FILE, p.file, p.line)), loaded)
    return Site(folder, loaded.value, loaded.text, {name: p.value for name, p in profiles.items()})


def _kept(read: Callable[[], T], problems: list[Problem]) -> T | None:
    """What could be read; its faults are added to the list."""
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        salvage: T | None = error.salvage
        return salvage


def site_as_recorded(site: Site, text: str) -> Site:
    """The same folder with a plant.yaml of an earlier time; raises ConfigError where a profile of it is gone."""
    from edge_agent.site_check import problems_of

    loaded = parse(text, Plant, f"{PLANT_FILE} (data/plant.db)")
    problems = problems_of(loaded, load_profiles(site.folder))
    if problems:
        raise ConfigError(problems)
    return replace(site, plant=loaded.value, text=text)


def load_profiles(folder: Path, named: Collection[str] | None = None) -> dict[str, Loaded[Profile]]:
    """The shipped device profiles, and the site's own over them.

    Of the shipped ones only those `named`, as an agent that reads them all starts slowly; but all where one is missing.
    """
    shipped, own = FOLDER / "devices", folder / "devices"
    there = {path.stem for place in (shipped, own) for path in place.glob("*.yaml")}
    wanted = there if named is None or not there.issuperset(named) else named
    return load_folders([shipped, own], Profile, faults, lambda path: path.parent == own or path.stem in wanted)


def _named(loaded: Loaded[Plant] | None) -> set[str] | None:
    """The profiles that the devices of plant.yaml name; None where it cannot be read."""
    return {device.profile for device in loaded.value.devices.values()} if loaded else None
