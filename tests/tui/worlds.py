"""Small plants for the screen, with a morning of data, at a time that stands still."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configs import FOLDER
from drivers.reading import Kind, Quality
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.batch import Batch
from edge_agent.ledger import Person
from edge_agent.period import US
from edge_agent.poll import LINK_ITEM
from edge_agent.site import PLANT_FILE, Site
from edge_agent.store.lock import LOCK_FILE, make_data_folder, writing
from edge_agent.store.store import Store
from edge_agent.when import moment
from tests.plants import plant

SECOND = US
MINUTE = 60 * SECOND
NOW_TEXT = "2026-11-20T07:31:03+08:00"
EMPTY = "site: {id: empty, title: {zh: 空厂, en: Empty Works}, timezone: Asia/Shanghai}\n"
# Power in kW on the primary side, by device: a base and a swing over the hour.
LOADS = {"m1": (410.0, 90.0), "m2": (180.0, 40.0), "m3": (95.0, 30.0), "m4": (60.0, 5.0), "m5": (120.0, 25.0)}
PV_KW = 88.0
STATES = {"status": 0.0, "state": 4.0, "mode": 3.0, "fault": 0.0}


def the_time(site: Site) -> int:
    """When all these worlds are looked at."""
    return moment(NOW_TEXT, site.zone)


def demo_site(folder: Path, language: str = "zh") -> Site:
    """The site of the demonstration, with nothing behind it."""
    text = (FOLDER / "site" / "demo" / PLANT_FILE).read_text(encoding="utf-8")
    places = {"serial": "/dev/ttyRS485", "host": "10.0.0.9", "language": language}
    places |= {"inverter_port": "1502", "heat_pump_port": "1503", "opcua_url": "opc.tcp://10.0.0.9:4840"}
    for name, value in places.items():
        text = text.replace(f"{{{name}}}", value)
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "press.txt").write_text("secret", encoding="utf-8")
    (folder / "secrets" / "press.txt").chmod(0o600)
    return plant(folder, text)


def morning(site: Site, now: int, silent: str = "", since: int = 0) -> None:
    """Power and registers since midnight, then every tag once, and the links; one device may fall silent."""
    midnight = now - (now + 8 * 3600 * SECOND) % (24 * 3600 * SECOND)
    make_data_folder(site.data)
    with Store(site.data) as store:
        batch = Batch()
        for at in range(midnight, now, MINUTE):
            _powers(site, batch, at)
        for part in (batch, everything(site, now - SECOND)):
            write(store, _without(part, silent, since))
        write(store, _links(site, now))


def _without(batch: Batch, silent: str, since: int) -> Batch:
    """The batch without what a device says after a time."""
    kept = Batch()
    rows = zip(batch.tags, batch.at, batch.seen, batch.values, batch.qualities, batch.reasons, strict=True)
    for tag, at, seen, value, quality, why in rows:
        if not (silent and tag.startswith(f"{silent}.") and at >= since):
            kept.add(tag, at, seen, value, Quality(quality), why)
    return kept


def write(store: Store, batch: Batch) -> None:
    with store.transaction():
        store.write([batch])


def _wave(at: int, base: float, swing: float) -> float:
    return base + swing * math.sin(at / (20 * MINUTE))


def _powers(site: Site, batch: Batch, at: int) -> None:
    for name, (base, swing) in LOADS.items():
        ratio = site.plant.devices[name].ct
        power = _wave(at, base, swing) / ratio
        batch.add(f"{name}.power", at, at, power, Quality.GOOD, None)
        batch.add(f"{name}.energy_import", at, at, _register(at, base) / ratio, Quality.GOOD, None)
    batch.add("m1.energy_export", at, at, 12.5, Quality.GOOD, None)
    batch.add("inv1.power", at, at, -PV_KW, Quality.GOOD, None)
    batch.add("inv1.energy_export", at, at, _register(at, PV_KW), Quality.GOOD, None)


def _register(at: int, kw: float) -> float:
    """A register that has turned at a steady power since a day long ago."""
    return (at - 1_795_000_000 * SECOND) / (3600 * SECOND) * kw + 1000.0


def everything(site: Site, at: int) -> Batch:
    """Every tag once, good; powers and registers go on from the morning."""
    batch = Batch()
    _powers(site, batch, at)
    there = set(batch.tags)
    for index, (name, tag) in enumerate(site.tags().items()):
        if name in there or name.startswith("manual."):
            continue
        item = name.partition(".")[2]
        value = STATES.get(item, 0.0) if tag.kind == Kind.STATE else 20.0 + index % 7 * 5.5
        batch.add(name, at, at, value, Quality.GOOD, None)
    return batch


def _links(site: Site, now: int) -> Batch:
    batch = Batch()
    for name in site.plant.devices:
        batch.add(f"{name}.{LINK_ITEM}", now - 50 * MINUTE, now - 50 * MINUTE, 1.0, Quality.GOOD, None)
    return batch


def lost(site: Site, device: str, since: int, now: int, why: str = "checksum") -> None:
    """A device that has not been understood since then, although it was asked again just now."""
    batch = Batch()
    for tag in site.device(device).tags():
        batch.add(tag.name, now, now, None, Quality.BAD, why)
    batch.add(f"{device}.{LINK_ITEM}", since, since, 0.0, Quality.GOOD, why)
    with Store(site.data) as store:
        write(store, batch)


def one(site: Site, tag: str, at: int, value: float | None, quality: Quality, why: str | None) -> None:
    """One reading more."""
    batch = Batch()
    batch.add(tag, at, at, value, quality, why)
    with Store(site.data) as store:
        write(store, batch)


def alarms(site: Site, now: int) -> None:
    """One urgent that nobody saw, one high of a link, one that somebody saw, one that is over."""
    wang, seen = Person("值班员", "operator"), Event.ACKNOWLEDGE
    events = [
        AlarmEvent("m1.power.high", "high", "m1.power", now - 2 * MINUTE, Event.RAISE, "urgent", 2655.0, 2600.0),
        AlarmEvent("m3.link", "link", "m3", now - 5 * MINUTE, Event.RAISE, "high", reason="checksum"),
        AlarmEvent("hp1.water_out.high", "high", "hp1.water_out", now - 33 * MINUTE, Event.RAISE, "medium", 58.2, 58.0),
        AlarmEvent("hp1.water_out.high", "high", "hp1.water_out", now - 30 * MINUTE, seen, "medium", by=wang),
        AlarmEvent("w1.volume.fell", "fell", "w1.volume", now - 90 * MINUTE, Event.RAISE, "medium", 12.0, 118.0),
        AlarmEvent("w1.volume.fell", "fell", "w1.volume", now - 90 * MINUTE, Event.CLEAR, "medium"),
    ]
    with Store(site.data) as store, store.transaction():
        for event in events:
            store.alarms.append(event)


@contextmanager
def agent(site: Site, now: int, since: int | None = None, alive: int | None = None) -> Iterator[None]:
    """Something that looks like a running agent."""
    with writing(site.data, "run"):
        card = site.data / LOCK_FILE
        begun = now - 3600 * SECOND if since is None else since
        card.write_text(json.dumps({"pid": os.getpid(), "since": begun, "command": "run"}))
        beat = (now - 3 * SECOND if alive is None else alive) * 1000
        os.utime(card, ns=(beat, beat))
        yield


def raised(site: Site, tag: str, at: int, priority: str) -> None:
    """One alarm more."""
    with Store(site.data) as store, store.transaction():
        store.alarms.append(AlarmEvent(f"{tag}.high", "high", tag, at, Event.RAISE, priority, 60.0, 55.0))
