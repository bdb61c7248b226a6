"""A reading of one device in words and as JSON: items, and with `--raw` frames and times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configs.quantity import quantities
from configs.text import Text
from drivers.exchange import Exchange
from drivers.profile import Item, Profile
from drivers.reading import Reading
from edge_agent.line_time import least_s, share, utilisation
from edge_agent.once import Cycle
from edge_agent.refused_codes import refused_codes
from edge_agent.session import Session
from edge_agent.table import table
from edge_agent.when import as_read, iso

HEAD = ("item", "value", "unit", "quality", "why")


def cycle_json(session: Session, device: str, cycle: Cycle, raw: bool) -> dict[str, Any]:
    """`as_of, took_s, error, items[]`, and with raw `exchanges[], utilisation`."""
    profile = _profile(session, device)
    codes = refused_codes(cycle.exchanges, profile.protocol)
    body: dict[str, Any] = {
        "as_of": iso(cycle.at, session.site.zone),
        "took_s": round(cycle.took_s, 6),
        "error": cycle.error.reason if cycle.error else None,
        "items": [_item_json(session, profile, r, codes) for r in cycle.readings],
    }
    if raw:
        start = cycle.exchanges[0].begun if cycle.exchanges else 0.0
        body["exchanges"] = [_exchange_json(e, profile.protocol, start) for e in cycle.exchanges]
        body["utilisation"] = _rounded(utilisation(cycle.exchanges, profile.protocol, cycle.took_s))
    return body


def cycle_lines(session: Session, device: str, cycle: Cycle) -> list[str]:
    """The items as a table."""
    if not cycle.readings:
        return []
    say, profile = session.texts, _profile(session, device)
    codes = refused_codes(cycle.exchanges, profile.protocol)
    rows = [_row(session, profile, r, codes) for r in cycle.readings]
    return table([say(f"read.head.{key}") for key in HEAD], rows, right={1}).split("\n")


def raw_lines(session: Session, device: str, cycle: Cycle) -> Iterator[str]:
    """Every frame with its times, then how well the line was used."""
    protocol, say = _profile(session, device).protocol, session.texts
    start = cycle.exchanges[0].begun if cycle.exchanges else 0.0
    shares = [share(e, protocol) for e in cycle.exchanges]
    for e, part in zip(cycle.exchanges, shares, strict=True):
        yield f"{e.begun - start:8.3f} s  > {e.request.hex(' ').upper()}"
        yield f"{'':10}  < {e.heard.hex(' ').upper() or '--'}"
        least = least_s(e, protocol)
        fields = {"waited": _ms(e.waited_s), "took": _ms(e.took_s), "least": _ms(least), "share": _percent(part)}
        failed = say.why(e.reason)
        yield (
            f"{'':12}"
            + say("read.exchange" if least is not None else "read.exchange_tcp", **fields)
            + (failed and f"  {failed}")
        )
    used = utilisation(cycle.exchanges, protocol, cycle.took_s)
    if used is not None:
        yield say("read.utilisation", share=_percent(used), count=len(cycle.exchanges), seconds=f"{cycle.took_s:.3f}")
    elif any(part is not None for part in shares):
        yield say("read.not_paced")


def _profile(session: Session, device: str) -> Profile:
    return session.site.profiles[session.site.plant.devices[device].profile]


def _row(session: Session, profile: Profile, reading: Reading, codes: Mapping[str, str]) -> list[str]:
    name, say = reading.tag.partition(".")[2], session.texts
    item = profile.items[name]
    state = _state(item, reading)
    said, code = say.title(state) if state else say.why(reading.reason), _code(reading, codes)
    said = say("read.with_code", why=said, code=code) if code else said
    unit = quantities()[item.quantity].unit
    read = None if reading.value is None else as_read(reading.value, unit)
    value = "--" if reading.value is None else read or f"{reading.value:.10g}"
    return [name, value, "" if read else unit, say(f"quality.{reading.quality.code}"), said]


def _code(reading: Reading, codes: Mapping[str, str]) -> str | None:
    """What the device itself said in the place of a value."""
    return codes.get(reading.reason or "") if reading.value is None else None


def _item_json(session: Session, profile: Profile, reading: Reading, codes: Mapping[str, str]) -> dict[str, Any]:
    name = reading.tag.partition(".")[2]
    item = profile.items[name]
    state = _state(item, reading)
    return {
        "item": name,
        "tag": reading.tag,
        "quantity": item.quantity,
        "value": reading.value,
        "unit": quantities()[item.quantity].unit,
        "quality": reading.quality.code,
        "reason": reading.reason,
        "device_code": _code(reading, codes),
        "state": session.texts.title(state) if state else None,
        "at": iso(reading.at, session.site.zone),
    }


def _state(item: Item, reading: Reading) -> Text | None:
    """What a code of a state means, where the profile says it."""
    return item.states.get(int(reading.value)) if reading.value is not None else None


def _exchange_json(e: Exchange, protocol: str, start: float) -> dict[str, Any]:
    return {
        "at_s": _rounded(e.begun - start),
        "request": e.request.hex(),
        "reply": e.heard.hex(),
        "first_byte_s": None if e.first is None else _rounded(e.waited_s),
        "took_s": _rounded(e.took_s),
        "least_s": _rounded(least_s(e, protocol)),
        "share": _rounded(share(e, protocol)),
        "reason": e.reason,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _ms(seconds: float | None) -> str:
    return "--" if seconds is None else f"{seconds * 1000:.1f}"


def _percent(part: float | None) -> str:
    return "--" if part is None else f"{part * 100:.0f}"
