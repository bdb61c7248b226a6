"""An alarm in words: what happened, what to do, and its value beside its limit."""

from __future__ import annotations

from configs.quantity import quantities
from configs.text import both
from edge_agent.alarm.alarm import Alarm
from edge_agent.site import MANUAL, Site
from edge_agent.texts import Texts


def sentence(alarm: Alarm, site: Site, texts: Texts) -> str:
    """One line: the cause as plant.yaml words it, or a sentence of our own for its kind."""
    config = site.plant.alarms.get(alarm.tag)
    if config and config.cause and alarm.kind in ("high", "low"):
        return texts.title(both(config.cause))
    key = f"alarm.kind.{alarm.kind}"
    if not texts.has(key):
        return " ".join(filter(None, (alarm.id, alarm.reason)))
    before, _, after = (alarm.reason or "").partition(":")
    states = {"before": _state(before, texts), "after": _state(after, texts)}
    return texts(key, tag=_named(alarm.tag, site, texts), why=texts.why(alarm.reason) or "--", **states)


def action(alarm: Alarm, site: Site, texts: Texts) -> str:
    """What plant.yaml says to do about it; empty where it says nothing."""
    config = site.plant.alarms.get(alarm.tag)
    if texts.has(f"alarm.action.{alarm.reason}"):
        return texts(f"alarm.action.{alarm.reason}")
    wanted = config is not None and config.action and alarm.kind in ("high", "low")
    return texts.title(both(config.action)) if config and wanted else ""


def value_words(alarm: Alarm, site: Site) -> str:
    """`455.0 kW / 450.0`: the value when it was raised and its limit; a fallen register beside the one before."""
    if alarm.value is None:
        return "--"
    tag = site.tags().get(alarm.tag)
    unit = f" {quantities()[tag.quantity].unit}" if tag else ""
    limit = "" if alarm.limit is None else f" / {_number(alarm.limit)}"
    return f"{_number(alarm.value)}{unit}{limit}"


def _state(code: str, texts: Texts) -> str:
    key = f"state.{code}"
    return texts(key) if texts.has(key) else code


def _named(tag: str, site: Site, texts: Texts) -> str:
    """A tag by the title of its device: `总表.power`; a device, or anything else, by its own."""
    name, dot, item = tag.partition(".")
    device = site.plant.devices.get(name)
    if name == MANUAL and item in site.plant.manual:
        return texts.title(both(site.plant.manual[item].title)) or tag
    if device is None:
        return tag
    return f"{texts.title(both(device.title)) or name}{dot}{item}"


def _number(value: float) -> str:
    """One decimal, or three significant digits for a small one; thousands parted by a space."""
    text = f"{value:,.1f}" if abs(value) >= 10 or value == 0 else f"{value:.3g}"
    return text.replace(",", " ")
