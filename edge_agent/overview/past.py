"""The dear part of the overview: today's energy, the highest 15 minutes, the last hour; and what makes it cheaper."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge_agent.energy.account import account
from edge_agent.energy.books import Books
from edge_agent.energy.factors import Factors
from edge_agent.figure import total
from edge_agent.ledger import Ledger, multiplier
from edge_agent.overview.balance import EXPORT, GRID, LOAD, PART, PV, REST, Read, Wiring
from edge_agent.period import Calendar, Period
from edge_agent.site import Site
from edge_agent.store.reader import Reader
from edge_agent.store.trends import MINUTE_US, Minute, TrendReader

HOUR, QUARTER = 60, 15  # minutes
LEAST = 12  # minutes of a quarter that must be known, four fifths of it
BEHIND_US = 2 * MINUTE_US  # a sum whose parts end further back than this is unknown
LATE = 3  # minutes that are read again, for a batch that the store took late


@dataclass(frozen=True, slots=True)
class Trend:
    """One row's past: kWh since midnight, highest closed 15-minute mean of today in kW, 60 minute means in kW."""

    today: float | None = None
    peak: float | None = None
    hour: tuple[float | None, ...] = (None,) * HOUR


@dataclass(frozen=True, slots=True)
class Past:
    """Everything dear, as it was at a time; sizes in bytes."""

    at: int
    trends: Mapping[str, Trend] = field(default_factory=dict)
    size: int | None = None
    free: int | None = None
    oldest: int | None = None
    whole_from: int | None = None  # since when every reading is kept; None where none was thinned


@dataclass
class History:
    """The minute means of power tags since midnight, or of the last hour; each look adds only what is new."""

    site: Site
    wiring: Wiring
    ages: Mapping[str, int]  # how long a reading holds, microseconds, by tag
    _reader: Reader = field(init=False)
    _means: dict[str, dict[int, float]] = field(default_factory=dict)
    _last: dict[str, Minute] = field(default_factory=dict)  # the newest minute that is read for good
    _read: int = 0  # the first minute that is to be read next

    def __post_init__(self) -> None:
        self._reader = Reader(self.site.data)

    def look(self, now: int) -> Past:
        """The past as of now."""
        calendar = Calendar(self.site.zone)
        midnight = calendar.instant(calendar.local(now).date())
        self._extend(min(midnight // MINUTE_US, now // MINUTE_US - HOUR), now)
        today = self._today(midnight, now)
        peaks = self._peaks(midnight // MINUTE_US, now // MINUTE_US)
        hours = self._hours(now // MINUTE_US)
        trends = {row: Trend(today.get(row), peaks.get(row), hours[row]) for row in self.wiring.rows()}
        reader = TrendReader(self.site.data)
        thinned = [gap.end for gap in self._reader.gaps() if gap.after is not None]
        return Past(now, trends, reader.size(), _free(self.site), reader.oldest(), max(thinned, default=None))

    def _today(self, midnight: int, now: int) -> dict[str, float | None]:
        """The energy of every row since midnight, as the accounts know it, in kWh."""
        if now <= midnight:
            return {}
        period = Period("today", midnight, now, open=True)
        books = Books(self.site, now, self._reader, Factors((), ()))  # energy only: no factor is needed
        result = account(books, period)
        level1 = [m.tag for m in self.site.plant.meters.values() if m.carrier == "electricity" and m.flow]
        meters = {row: self.site.plant.meters[row.removeprefix(PART)] for row in self.wiring.parts}
        parts = {row: books.used(meter.tag, period) for row, meter in meters.items()}
        flows = {line.flow: line.value for line in result.lines if line.carrier == "electricity"}
        named = {GRID: "grid_import", EXPORT: "grid_export", PV: "pv_generation"}
        found = {row: flows[flow] for row, flow in named.items() if flow in flows}
        known = {row: figure.exact for row, figure in {**found, **parts}.items()}
        known[LOAD] = result.electricity.exact if self._reaches(level1, now) else None
        below = [meter.tag for meter in meters.values()]
        end = self._reaches([*level1, *below], now)
        known[REST] = self._rest(books, below, Period("today", midnight, end)) if end and end > midnight else None
        return known

    def _rest(self, books: Books, below: list[str], period: Period) -> float | None:
        """What no meter below the first level has counted; every register is taken at the same moment."""
        parts = [books.used(tag, period).times(-1.0, -1.0, "kWh") for tag in below]
        return total([account(books, period).electricity, *parts], "kWh").exact

    def _reaches(self, tags: list[str], now: int) -> int | None:
        """The moment up to which all of these registers are known; None when one of them stays behind."""
        ids = self._reader.ids()
        lasts = [self._reader.good_before(ids[tag], now) if tag in ids else None for tag in tags]
        ends = [sample.at for sample in lasts if sample is not None]
        behind = len(ends) < len(tags) or now - min(ends, default=0) > BEHIND_US
        return None if behind else min(ends)

    def _extend(self, first: int, now: int) -> None:
        """Read the minutes that are new; let go of those before `first`."""
        begin = max(first, self._read)
        for means in self._means.values():
            for minute in [m for m in means if m < first or m >= begin]:
                del means[minute]
        rows = TrendReader(self.site.data).minutes(self.wiring.tags, begin * MINUTE_US, now)
        ledger = Ledger(self.site, self._reader.ledger())
        settled = now // MINUTE_US - LATE
        for tag in self.wiring.tags:
            self._fill(tag, [m for m in rows if m.tag == tag], begin, now, ledger)
        self._last.update((m.tag, m) for m in rows if m.minute < settled)
        self._read = settled

    def _fill(self, tag: str, rows: Iterable[Minute], begin: int, now: int, ledger: Ledger) -> None:
        """Enter the means on the primary side; a reading holds until the next one or its greatest age."""
        found = {m.minute: m for m in rows}
        means, last = self._means.setdefault(tag, {}), self._last.get(tag)
        for minute in range(begin, now // MINUTE_US + 1):
            row = found.get(minute)
            mean = row.mean if row else None
            if row is None and last is not None and minute * MINUTE_US - last.last_at <= self.ages[tag]:
                mean = last.last
            if mean is not None:
                means[minute] = mean * multiplier(self.site, ledger, tag, minute * MINUTE_US)
            last = row or last

    def _hours(self, end: int) -> dict[str, tuple[float | None, ...]]:
        """The last 60 minutes of every row, the present one among them."""
        columns = [self.wiring.balance(self._minute(m)) for m in range(end - HOUR + 1, end + 1)]
        return {row: tuple(column[row] for column in columns) for row in self.wiring.rows()}

    def _peaks(self, start: int, end: int) -> dict[str, float]:
        """The highest mean of the closed quarters of today; a quarter with too many holes does not count."""
        highest: dict[str, float] = {}
        for first in range(start, end - QUARTER + 1, QUARTER):
            for row, mean in self.wiring.balance(self._quarter(first)).items():
                if mean is not None:
                    highest[row] = max(highest.get(row, mean), mean)
        return highest

    def _minute(self, minute: int) -> Read:
        return lambda tag: self._means.get(tag, {}).get(minute)

    def _quarter(self, first: int) -> Read:
        def mean(tag: str) -> float | None:
            means = self._means.get(tag, {})
            known = [means[m] for m in range(first, first + QUARTER) if m in means]
            return sum(known) / len(known) if len(known) >= LEAST else None

        return mean


def _free(site: Site) -> int | None:
    """What is left of the disk for whoever writes."""
    try:
        return shutil.disk_usage(site.data).free
    except OSError:
        return None
