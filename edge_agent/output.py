"""Rows of an export: readings and amounts as stored, so that an import of them changes nothing, or period values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from configs.problem import ConfigError
from configs.quantity import quantities
from drivers.reading import Kind
from edge_agent.energy.books import Books
from edge_agent.energy.series import kind_of, series
from edge_agent.intake_line import COLUMNS, said_of
from edge_agent.period import Period, Step
from edge_agent.site import Site, site_as_recorded
from edge_agent.store.codec.columns import Sample
from edge_agent.store.reader import Reader
from edge_agent.store.stamps.untimed import UntimedReader
from edge_agent.texts import Language
from edge_agent.when import iso

SEEN = [*COLUMNS, "seen"]
PERIOD = ["tag", "from", "to", "value", "unit", "coverage", "low", "high", "quality"]
UNTIMED = ["tag", "after", "before", "value", "unit", "note"]  # no "to": an import must not take it
PLACES = 6  # decimals of period values: finer than any register, coarser than what a double adds to a difference
TOGETHER = 5000  # readings whose notes are asked for at once

Row = dict[str, Any]  # by column; None is unknown


@dataclass(frozen=True, slots=True)
class Output:
    """What there is of a site at a time, row by row; it never holds more than a page of it."""

    site: Site
    now: int

    def tags(self) -> list[str]:
        """Everything that may be asked for: what plant.yaml has, and what else was ever stored."""
        return list(dict.fromkeys([*self.site.tags(), *Reader(self.site.data).ids()]))

    def readings(self, period: Period, tags: Sequence[str]) -> Iterator[Row]:
        """Every stored reading, and every filed amount that starts, inside the period, tag by tag; secondary side."""
        reader, zone = Reader(self.site.data), self.site.zone
        ids = reader.ids()
        for name in tags:
            then = _site_of(self.site, reader, name)
            unit = _unit(then, name)
            if name in then.tags() and then.tags()[name].kind == Kind.AMOUNT:
                for a in reader.amounts(name):
                    if period.start <= a.start < period.end:
                        ends = iso(a.start, zone), iso(a.end, zone)
                        yield dict(zip(COLUMNS, (name, *ends, a.value, unit, a.note), strict=True))
            elif name in ids:
                for s, note in _noted(reader, ids[name], period):
                    at, seen = iso(s.at, zone), iso(s.seen, zone)
                    yield dict(zip(SEEN, (name, "", at, s.value, unit, note, seen), strict=True))

    def values(self, period: Period, tags: Sequence[str], every: Step, language: Language) -> Iterator[Row]:
        """What each tag came to in each part of the period; primary side."""
        calendar, zone = self.site.calendar, self.site.zone
        edges = calendar.edges(period, every, self.now)
        if not edges:
            return
        books = Books.open(self.site, self.now)
        for name in tags:
            then = _site_of(self.site, books.reader, name)
            of_then = books if then is self.site else Books(then, books.at, books.reader, books.factors)
            unit = "" if kind_of(of_then, name) == Kind.STATE else _unit(then, name)
            for part in series(of_then, name, edges, runs=period.open):
                told = (_plain(part.value), unit, _plain(part.coverage), _plain(part.low), _plain(part.high))
                ends = iso(part.start, zone), iso(part.end, zone)
                row = dict(zip(PERIOD, (name, *ends, *told, part.quality.code), strict=True))
                if every == "shift":
                    row["shift"] = calendar.shift(part.start).title[language]
                yield row

    def untimed(self, tags: Sequence[str]) -> Iterator[Row]:
        """Every reading without a sure time, with the two moments it lies between; of these tags, or all."""
        for tag, sample, after, before in UntimedReader(self.site.data).samples():
            if not tags or tag in tags:
                ends = [None if at is None else iso(at, self.site.zone) for at in (after, before)]
                said = said_of(sample.quality, sample.reason, "")
                yield dict(zip(UNTIMED, (tag, *ends, sample.value, _unit(self.site, tag), said), strict=True))


def cells(row: Row, columns: Sequence[str]) -> list[str]:
    """The texts of a line of CSV."""
    values = (row.get(name) for name in columns)
    return ["" if value is None else repr(value) if isinstance(value, float) else str(value) for value in values]


def _noted(reader: Reader, tag: int, period: Period) -> Iterator[tuple[Sample, str]]:
    """Readings with what is said of each: its quality and reason where they are not plain, and people's note."""
    samples = reader.samples(tag, period.start, period.end)
    while page := list(islice(samples, TOGETHER)):
        notes = reader.notes(tag, page[0].at, page[-1].at)
        for sample in page:
            yield sample, said_of(sample.quality, sample.reason, notes.get(sample.at, ""))


def _site_of(site: Site, reader: Reader, tag: str) -> Site:
    """The site, or as it was last recorded with a tag that plant.yaml has no more; the site where none was."""
    if tag in site.tags():
        return site
    for text in reader.site_texts():
        try:
            then = site_as_recorded(site, text)
        except ConfigError:  # a profile of that time is gone
            continue
        if tag in then.tags():
            return then
    return site


def _unit(site: Site, tag: str) -> str:
    known = site.tags().get(tag)
    return quantities()[known.quantity].unit if known else ""


def _plain(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)
