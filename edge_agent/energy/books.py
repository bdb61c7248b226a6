"""The books of one site at one time: what its tags say of a period, by meter and by quantity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Self

from configs.quantity import quantities
from drivers.reading import Kind
from edge_agent.energy.counter import Counter, consumption
from edge_agent.energy.factors import Factors, load_factors
from edge_agent.figure import Figure, exactly, total, unknown
from edge_agent.ledger import Ledger, multiplier
from edge_agent.period import US, Calendar, Period
from edge_agent.reason import Reason, reason
from edge_agent.site import MANUAL, Site, site_as_recorded
from edge_agent.store.keep.grain import CODES
from edge_agent.store.reader import Reader, Sample
from edge_agent.store.store import AmountRow

STALE_AFTER_S = 24 * 3600.0  # how far apart registers may lie that are joined by a line
MIN_COVERAGE = 0.95
DAY_US = 86_400 * US


@dataclass
class Books:
    """Everything accounts rest on. `at` is the assessment's time, microseconds UTC.

    With `at` in the past only what was recorded by then is seen, and only what is true by then.
    """

    site: Site
    at: int
    reader: Reader
    factors: Factors
    notes: tuple[Reason, ...] = ()

    @classmethod
    def open(cls, site: Site, now: int, at: int | None = None) -> Self:
        """The books as of `at`, by default now; raises ConfigError for a wrong factor file.

        For a time in the past the plant.yaml counts that was recorded by then.
        """
        reader = Reader(site.data)
        if at is None or at >= now:
            return cls(site, now if at is None else at, reader, load_factors(site.folder))
        text = reader.site_text(at)
        then = site if text is None else site_as_recorded(site, text)
        notes = (reason("site_not_recorded"),) if text is None else ()
        return cls(then, at, reader, load_factors(site.folder), notes)

    @cached_property
    def calendar(self) -> Calendar:
        return self.site.calendar

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.site, self.reader.ledger(self.at))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return self.reader.ids()

    def when(self, at: int) -> str:
        """A moment on the site's clock, to the minute."""
        return f"{self.calendar.local(at):%Y-%m-%d %H:%M}"

    def first_at(self) -> int | None:
        """When measuring began: the first good register of any meter."""
        tags = {m.tag for m in self.site.plant.meters.values()} & self._ids.keys()
        firsts = [self.reader.good_after(self._ids[tag], 0, self.at) for tag in sorted(tags)]
        return min((s.at for s in firsts if s is not None), default=None)

    def losses(self, period: Period) -> tuple[Reason, ...]:
        """What was lost of the readings of a period by the time of the assessment, each kind once."""
        found: dict[tuple[str, int | None], tuple[int, int]] = {}
        for gap in self.reader.gaps(period.start, period.end):
            if gap.decided <= self.at:
                first, last = found.get((gap.why, gap.after), (gap.start, gap.end))
                found[gap.why, gap.after] = min(first, gap.start), max(last, gap.end)
        said = []
        for (why, after), (start, end) in found.items():
            span = {"start": self.when(max(start, period.start)), "end": self.when(min(end, period.end))}
            said.append(reason(f"lost_{why}", **span) if after is None else reason(f"thinned_{CODES[after]}", **span))
        return tuple(said)

    def used(self, tag: str, period: Period, whole: bool = True) -> Figure:
        """What a tag counted, or what was filed for it, in a period; in the quantity's unit.

        whole: an amount filed with holes is unknown; otherwise MIN_COVERAGE of the period suffices.
        """
        known = self.site.tags()[tag]
        if known.kind == Kind.AMOUNT:
            return self._filed(tag, period, 1.0 if whole else MIN_COVERAGE)
        figure = consumption(self.reader, self.counter(tag), period, self.at)
        if figure.is_known and (figure.coverage or 0.0) < MIN_COVERAGE:
            why = reason("low_coverage", tag=tag, coverage=f"{(figure.coverage or 0) * 100:.1f}")
            return unknown(figure.unit, why, known=figure.exact, coverage=figure.coverage)
        return figure

    def settled(self, period: Period) -> Period:
        """An open period up to the register that every live level 1 meter has reached."""
        ends = []
        for meter in self.site.plant.meters.values():
            counter = None if meter.level > 1 else self._counter_of(meter.tag)
            last = None if counter is None or counter.tag is None else self._good(counter.tag, period.end)
            if counter and last and period.start < last.at and period.end - last.at <= counter.stale_after:
                ends.append(last.at)
        return Period(period.name, period.start, min(ends, default=period.end))

    def enough(self, figure: Figure, period: Period) -> Figure:
        """A figure of the settled part as one of the whole open period; unknown below MIN_COVERAGE."""
        share = (self.settled(period).end - period.start) / (period.end - period.start)
        coverage = share * (figure.coverage if figure.coverage is not None else 1.0)
        if figure.is_known and coverage < MIN_COVERAGE:
            why = reason("settled_short", coverage=f"{coverage * 100:.1f}")
            return unknown(figure.unit, *figure.reasons, why, known=figure.exact, coverage=coverage)
        return replace(figure, coverage=coverage)

    def _good(self, tag: int, at: int) -> Sample | None:
        return self.reader.good_before(tag, at, self.at)

    def _counter_of(self, tag: str) -> Counter | None:
        return None if self.site.tags()[tag].kind == Kind.AMOUNT else self.counter(tag)

    def total(self, quantity: str, period: Period, whole: bool) -> Figure:
        """The sum over every tag of a quantity; unknown where no tag measures it."""
        unit = quantities()[quantity].unit
        tags = list(self.tags_of(quantity))
        if not tags:
            return unknown(unit, reason("no_tag_for", quantity=quantity), coverage=0.0)
        return total([self.used(tag, period, whole) for tag in tags], unit)

    def tags_of(self, quantity: str) -> Iterable[str]:
        """The tags that stand for a quantity: those of level 1 meters where there are any."""
        tags = self.site.tags()
        metered = [m.tag for m in self.site.plant.meters.values() if m.level == 1 and m.tag in tags]
        fitting = [tag for tag in metered if tags[tag].quantity == quantity]
        below = {m.tag for m in self.site.plant.meters.values() if m.level > 1}
        return fitting or [name for name, tag in tags.items() if tag.quantity == quantity and name not in below]

    def latest(self, quantity: str) -> Figure:
        """The last filed value of a gauge such as the land area, summed over its tags."""
        unit = quantities()[quantity].unit
        tags = list(self.tags_of(quantity))
        if not tags:
            return unknown(unit, reason("no_tag_for", quantity=quantity), coverage=0.0)
        return total([self._last(tag, unit) for tag in tags], unit)

    def silent(self, stale_after_s: float = STALE_AFTER_S) -> tuple[Reason, ...]:
        """Live level 1 meters that have given no good register for longer than `stale_after_s`."""
        found = []
        for name, meter in self.site.plant.meters.items():
            if meter.level != 1 or meter.tag.startswith(f"{MANUAL}."):
                continue
            number = self._ids.get(meter.tag)
            last = None if number is None else self._good(number, self.at)
            if last is None:
                found.append(reason("never_read", meter=name, tag=meter.tag))
            elif self.at - last.at > stale_after_s * US:
                found.append(reason("stale", meter=name, tag=meter.tag, at=self.when(last.at)))
        return tuple(found)

    def _last(self, tag: str, unit: str) -> Figure:
        number = self._ids.get(tag)
        sample = None if number is None else self._good(number, self.at)
        if sample is None or sample.value is None:
            return unknown(unit, reason("no_reading", tag=tag), coverage=0.0)
        return exactly(sample.value, unit)

    def counter(self, tag: str) -> Counter:
        """How the register of a tag is read."""
        device, _, item = tag.partition(".")
        unit = quantities()[self.site.tags()[tag].quantity].unit
        if device == MANUAL:
            stale = int(self.site.plant.manual[item].stale_after * US)
            return Counter(tag, self._ids.get(tag), unit, stale, None, lambda _: 1.0, lambda *_: [], self.when)
        spec = self.site.profiles[self.site.plant.devices[device].profile].items[item]
        scale = quantities()[spec.quantity].factor(spec.unit) or 1.0
        modulus = None if spec.modulus is None else spec.modulus * scale
        return Counter(
            tag,
            self._ids.get(tag),
            unit,
            int(STALE_AFTER_S * US),
            modulus,
            lambda at: multiplier(self.site, self.ledger, tag, at),
            lambda start, end: self.ledger.changes(device, start, end),
            self.when,
        )

    def _filed(self, tag: str, period: Period, enough: float) -> Figure:
        unit = quantities()[self.site.tags()[tag].quantity].unit
        rows = [a for a in self.reader.amounts(tag, self.at) if period.start <= a.start and a.end <= period.end]
        for left, right in pairwise(rows):
            if right.start < left.end:
                span = f"{self.calendar.local(right.start):%Y-%m-%d}..{self.calendar.local(left.end):%Y-%m-%d}"
                return unknown(unit, reason("amount_overlaps", tag=tag, span=span), coverage=0.0)
        value = sum(a.value or 0.0 for a in rows)
        coverage = sum(a.end - a.start for a in rows) / (period.end - period.start)
        if coverage >= enough:
            return Figure(value, value, unit, coverage)
        gap = reason("amount_missing", tag=tag, coverage=f"{coverage * 100:.1f}", holes=self._holes(rows, period))
        return unknown(unit, gap, known=value if rows else None, coverage=coverage)

    def _holes(self, rows: list[AmountRow], period: Period) -> str:
        """The first spans of the period that nobody filed, as local days."""
        spans, at = [], period.start
        for start, end in [*((a.start, a.end) for a in rows), (period.end, period.end)]:
            if start > at:
                form = "%Y-%m-%d" if start - at >= DAY_US else "%Y-%m-%d %H:%M"
                spans.append(f"{self.calendar.local(at):{form}}..{self.calendar.local(start):{form}}")
            at = max(at, end)
        return ", ".join(spans[:3]) + (", ..." if len(spans) > 3 else "")
