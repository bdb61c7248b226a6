"""The store as a plain list of rows in the order of writing: what every answer is measured against."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from math import fsum, inf
from pathlib import Path
from typing import NamedTuple

from edge_agent.store import database
from edge_agent.store.codec.columns import FOREVER, Sample
from edge_agent.store.sealed.archive import asking
from edge_agent.store.sealed.span import DAY_US
from edge_agent.store.store import PLANT_DB
from edge_agent.store.trends import MINUTE_US, Minute


class Row(NamedTuple):
    """One row as it was written."""

    tag: str
    at: int
    seen: int
    value: float | None
    quality: int
    reason: str | None


@dataclass
class Plain:
    """Answers as Reader, TrendReader and AlarmReader do."""

    rows: list[Row] = field(default_factory=list)

    def past(self, rows: Sequence[Row]) -> int:
        """Append what is not known yet, as Store.write_past."""
        count = len(self.rows)
        for row in rows:
            newest = {s.at: (s.value, s.quality) for s in self.valid(row.tag)}.get(row.at)
            if newest != (row.value, row.quality):
                self.rows.append(row)
        return len(self.rows) - count

    def by_moment(self) -> dict[tuple[str, int], list[Row]]:
        """Every row, superseded ones too, by tag and moment in the order of writing."""
        found: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in self.rows:
            found[row.tag, row.at].append(row)
        return dict(found)

    def valid(self, tag: str, start: int = -FOREVER, end: int = FOREVER, until: int = FOREVER) -> list[Sample]:
        """The newest row of each moment, by moment, both ends included."""
        newest = {r.at: Sample(*r[1:]) for r in self.rows if r.tag == tag and start <= r.at <= end and r.seen <= until}  # type: ignore[arg-type]
        return [newest[at] for at in sorted(newest)]

    def good(self, tag: str, start: int = -FOREVER, end: int = FOREVER, until: int = FOREVER) -> list[Sample]:
        return [s for s in self.valid(tag, start, end, until) if s.quality == 0 and s.value is not None]

    def last(self, before: int) -> dict[str, Sample]:
        found = {tag: self.valid(tag, end=before) for tag in {row.tag for row in self.rows}}
        return {tag: samples[-1] for tag, samples in found.items() if samples}

    def since(self, tag: str, state: float) -> int | None:
        since = None
        for sample in reversed(self.valid(tag)):
            if sample.value != state:
                break
            since = sample.at
        return since

    def falls(self, tag: str, start: int, end: int, until: int) -> list[tuple[int, float, float]]:
        pairs = pairwise(self.good(tag, start, end, until))
        return [(b.at, a.value, b.value) for a, b in pairs if a.value is not None and (b.value or 0.0) < a.value]  # type: ignore[misc]

    def period(self, tag: str, start: int, end: int, until: int, cut: int) -> dict[str, float | None]:
        """From start to end, end excluded; the total and the area are exact."""
        rows, good = self.valid(tag, start, end - 1, until), self.good(tag, start, end - 1, until)
        values = [s.value for s in good if s.value is not None]
        held = list(self._held(tag, start, end, until, cut))
        known = [*values, *(value for value, _ in held)]
        return {
            "n": len(rows),
            "usable": sum(s.value is not None for s in rows),
            "good": len(good),
            "worst": max((s.quality for s in rows), default=0),
            "falls": len(self.falls(tag, start, end - 1, until)),
            "low": min(known, default=None),
            "high": max(known, default=None),
            "total": fsum(values) if values else None,
            "opened": good[0].at if good else None,
            "opening": good[0].value if good else None,
            "closed": good[-1].at if good else None,
            "closing": good[-1].value if good else None,
            "held": sum(time for _, time in held),
            "area": _exact(value * time for value, time in held),
            "joined": self._joined(tag, start, end, until, cut),
        }

    def limits(self, tag: str, until: int, cut: int) -> dict[int, int]:
        """For how long a good value is known, by its moment: 2.5 median steps of its day, a minute at least."""
        found = {}
        for _, day in groupby((s.at for s in self.valid(tag, until=until)), key=lambda at: (at + cut) // DAY_US):
            moments = list(day)
            steps = sorted(after - before for before, after in pairwise(moments))
            limit = max(steps[len(steps) // 2] * 5 // 2, MINUTE_US) if steps else 0
            found.update(dict.fromkeys(moments, limit))
        return found

    def _held(self, tag: str, start: int, end: int, until: int, cut: int) -> Iterator[tuple[float, int]]:
        """The good values that are known in a period, and for how long."""
        rows, limits = self.valid(tag, until=until), self.limits(tag, until, cut)
        for row, after in zip(rows, [*(s.at for s in rows[1:]), FOREVER], strict=False):
            if row.quality == 0 and row.value is not None:
                known = min(after, row.at + limits[row.at], end) - max(row.at, start)
                if known > 0:
                    yield row.value, known

    def _joined(self, tag: str, start: int, end: int, until: int, cut: int) -> int:
        """The time of a period that lies between two good readings, no further apart than one is known."""
        limits = self.limits(tag, until, cut)
        pairs = pairwise(s.at for s in self.good(tag, until=until))
        return sum(max(min(b, end) - max(a, start), 0) for a, b in pairs if b - a <= limits[a])

    def minutes(self, tag: str, start: int, end: int) -> list[Minute]:
        found = []
        for minute, group in groupby(self.valid(tag, start, end - 1), key=lambda s: s.at // MINUTE_US):
            rows = [(s.at, 0.0 if s.value is None and s.reason == "asleep" else s.value) for s in group]
            known = [value for _, value in rows if value is not None]
            found.append(Minute(tag, minute, sum(known) / len(known) if known else None, *rows[-1]))
        return found

    def usable(self, tag: str, before: int) -> int | None:
        return max((s.at for s in self.valid(tag, end=before) if s.value is not None), default=None)

    def oldest(self) -> int | None:
        return min((row.at for row in self.rows), default=None)


def stored(data: Path) -> dict[tuple[str, int], list[Row]]:
    """What lies in plant.db, as Plain.by_moment."""
    found: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
    with asking(data / PLANT_DB) as archive:
        for name, tag in archive.ids().items() if archive else ():
            for piece in chain.from_iterable(archive.runs(tag, -FOREVER, FOREVER)) if archive else ():
                for sample in piece.read(-FOREVER, FOREVER).samples():
                    found[name, sample.at].append(Row(name, *sample))
    return dict(found)


def _exact(values: Iterable[float]) -> float:
    try:
        return fsum(values)
    except OverflowError:
        return inf


def old_database(path: Path, version: int, rows: Sequence[Row]) -> None:
    """A plant.db as an earlier version made and filled it."""
    with closing(sqlite3.connect(path)) as db:
        for number in range(1, version + 1):
            db.executescript((database.SCHEMA / f"{number:03}.sql").read_text(encoding="utf-8"))
        db.executescript(f"PRAGMA user_version = {version}; PRAGMA journal_mode = WAL;")
        tags = {tag: number + 1 for number, tag in enumerate(dict.fromkeys(row.tag for row in rows))}
        db.executemany("INSERT INTO tag (name, id) VALUES (?, ?)", tags.items())
        db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", [(tags[row.tag], *row[1:]) for row in rows])
        db.commit()
