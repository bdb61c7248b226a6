"""Rows of an export: registers and amounts as stored, so that an import of them changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from configs.quantity import quantities
from drivers.reading import Kind, Quality
from edge_agent.intake import COLUMNS
from edge_agent.period import Period
from edge_agent.site import Site
from edge_agent.store.reader import Reader
from edge_agent.when import iso


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an export; values are registers, secondary side."""

    tag: str
    start: str
    end: str
    value: float | None
    unit: str
    note: str
    seen: str = ""

    def as_csv(self) -> list[str]:
        value = "" if self.value is None else repr(self.value)
        return [self.tag, self.start, self.end, value, self.unit, self.note]

    def as_json(self) -> dict[str, Any]:
        keys = dict(zip(COLUMNS, (self.tag, self.start, self.end, self.value, self.unit, self.note), strict=True))
        return {**keys, "seen": self.seen} if self.seen else keys


def rows(site: Site, period: Period, tags: Sequence[str]) -> Iterator[Row]:
    """Every stored reading, and every filed amount that starts, inside the period, tag by tag."""
    reader, zone = Reader(site.data), site.zone
    ids, known = reader.ids(), site.tags()
    for name in tags:
        unit = quantities()[known[name].quantity].unit
        if known[name].kind == Kind.AMOUNT:
            for a in reader.amounts(name):
                if period.start <= a.start < period.end:
                    yield Row(name, iso(a.start, zone) or "", iso(a.end, zone) or "", a.value, unit, a.note)
        elif name in ids:
            for s in reader.samples(ids[name], period.start, period.end):
                plain = s.quality == Quality.GOOD and s.reason is None
                note = "" if plain else f"{s.quality.code}:{s.reason}" if s.reason else s.quality.code
                yield Row(name, "", iso(s.at, zone) or "", s.value, unit, note, iso(s.seen, zone) or "")


__all__ = ["COLUMNS", "Row", "rows"]
