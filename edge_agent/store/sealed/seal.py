"""Moving readings from the open time into blocks, and blocks into those of longer spans, step by step.

Each step is one transaction of the store, short enough for a commit of readings to wait for. "Now" is
the newest time at which a reading was got, so the sealer needs no clock.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from edge_agent.store.codec.columns import Columns, Sample, joined
from edge_agent.store.codec.commit import Commit
from edge_agent.store.rescue.aside import commit_of
from edge_agent.store.sealed.blocks import Blocks, Parts
from edge_agent.store.sealed.merge import Merger
from edge_agent.store.sealed.slots import Slots
from edge_agent.store.sealed.span import DAY, DAY_US, HOUR_US, MONTH, Days, is_over, is_slow, median_step

STEP_ROWS = 100_000  # rows in one step: a quarter of a second of work on a small server
STEP_BLOCKS = 5000  # new blocks in one step: half a second
_OPEN = "hot WHERE id > (SELECT value FROM mark WHERE name = 'sealed') ORDER BY id"
_PRESENT = """
INSERT INTO present VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tag) DO UPDATE SET
  at = excluded.at, seen = excluded.seen, value = excluded.value, quality = excluded.quality, reason = excluded.reason
WHERE excluded.at >= present.at"""


class Sealer:
    """What is to be sealed and merged in the database of one writer."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self._blocks, self._merger = db, Blocks(db), Merger(db)
        self._last = self._rows = 0  # the last commit, rows that are open
        self._seen: list[int] = []  # when the open commits were got, in their order
        self._ready = 0  # how many of them, oldest first, are older than the open hour
        self._now = self._hour = 0
        self._later = 0  # so many rows are open before it is tried again to seal them
        self._slots = Slots(db)
        self._load()

    def load(self) -> None:
        """Learn from the database what there is to do; also after a transaction that failed."""
        self._merger.forget()
        self._load()

    def put(self, rows: int, seen: int, body: bytes) -> None:
        """Add a commit to the open time: how many rows, and the newest time at which one was got."""
        self._last += 1
        self._slots.put(self._last, rows, seen, body)
        self._note(rows, seen)

    @property
    def full(self) -> bool:
        """Whether the open time holds so much that it must be sealed before its hour is over."""
        return self._rows >= max(STEP_ROWS, self._later)

    @property
    def due(self) -> bool:
        """Whether there is a step to do."""
        return self.full or self._ready > 0 or self._merger.due(self._now)

    def step(self) -> None:
        """Seal what was committed before the open hour, or else merge what belongs together, a part of it."""
        if self.full or self._ready:
            self._seal(len(self._seen) if self.full else self._ready)
        else:
            self._merger.step(self._now)

    def close(self) -> bool:
        """Seal some of what is open, however new it is; whether there was any."""
        if not self._seen:
            return False
        self._seal(len(self._seen))
        return True

    def postpone(self) -> None:
        """There is no room to seal: let the open time grow by a tenth before it is full again."""
        self._later = self._rows + STEP_ROWS // 10

    def _note(self, rows: int, seen: int) -> None:
        hour = seen - seen % HOUR_US
        if hour > self._hour:
            self._hour, self._ready = hour, len(self._seen)
        self._seen.append(seen)
        if hour < self._hour:
            self._ready = len(self._seen)
        self._now = max(self._now, seen)
        self._rows += rows

    def _load(self) -> None:
        self._seen.clear()
        self._rows = self._ready = self._now = self._hour = 0
        self._slots.load()
        self._last = int(self._db.execute("SELECT value FROM mark WHERE name = 'sealed'").fetchone()[0])
        for number, rows, seen in self._db.execute(f"SELECT id, rows, seen FROM {_OPEN}").fetchall():
            self._last = number
            self._note(rows, seen)

    def _seal(self, most: int) -> None:
        """At most so many commits, oldest first: their rows go to blocks in the same transaction."""
        last, commits = self._taken(most)
        parts, newest = Parts(self._blocks), []
        for tag in sorted(commits):  # one after the other: all rows at once take ten times the memory of the commits
            rows = Columns()
            for commit in commits[tag]:
                rows.extend(commit.rows(tag))
            rows = rows.ordered()
            newest.append((tag, rows.sample(-1)))
            self._place(parts, tag, rows)
        parts.close()
        remember(self._db, newest)
        self._db.execute("UPDATE mark SET value = ? WHERE name = 'sealed'", (last,))
        self._later = 0
        self._load()

    def _taken(self, most: int) -> tuple[int, dict[int, list[Commit]]]:
        """The commits of one step by the tags that have rows in them, and the number of the last one."""
        commits: defaultdict[int, list[Commit]] = defaultdict(list)
        days: defaultdict[int, set[int]] = defaultdict(set)
        last = rows = 0
        for number, body in self._db.execute(f"SELECT id, body FROM {_OPEN} LIMIT ?", (most,)):
            commit, last = commit_of(self._db, number, body), number
            if commit is None:
                continue
            for tag in commit.tags():
                commits[tag].append(commit)
            for day, tags in _tags_by_day(commit, self._blocks.days):
                days[day].update(tags)
            rows += len(commit)
            if rows >= STEP_ROWS or sum(map(len, days.values())) >= STEP_BLOCKS:
                break
        return last, commits

    def _place(self, parts: Parts, tag: int, rows: Columns) -> None:
        """Put ordered rows into blocks: at once into those of a long span where it is over and has nothing yet.

        The last span is left to be merged, as more of it may follow.
        """
        months = _by_month(rows, self._blocks.days)
        for number, (month, part) in enumerate(months, 1):
            more = number < len(months)
            if month and more and self._free(tag, MONTH, *month) and is_slow(median_step(part)):
                self._blocks.put(tag, MONTH, month[0], part)
                continue
            days = list(self._blocks.days.by(part))
            for start, day in days:
                if (more or start != days[-1][0]) and self._free(tag, DAY, start, start + DAY_US):
                    self._blocks.put(tag, DAY, start, day)
                else:
                    parts.put(start, tag, day)

    def _free(self, tag: int, level: int, start: int, end: int) -> bool:
        return is_over(end, self._now) and not self._blocks.any(tag, level, start, end)


def remember(db: sqlite3.Connection, newest: Iterable[tuple[int, Sample]]) -> None:
    """Note the newest sealed reading of tags."""
    db.executemany(_PRESENT, [(tag, *sample) for tag, sample in newest])


def _by_month(rows: Columns, days: Days) -> list[tuple[tuple[int, int] | None, Columns]]:
    months = groupby(days.by(rows), key=lambda day: days.month(day[0]))
    return [(month, joined([day for _, day in group])) for month, group in months]


def _tags_by_day(commit: Commit, days: Days) -> Iterator[tuple[int, Sequence[int]]]:
    """The days of a commit, and the tags that have rows in each."""
    if days.start(commit.first_at) == days.start(commit.last_at):
        yield days.start(commit.first_at), commit.tags()
        return
    for tag in commit.tags():
        for day, _ in days.by(commit.rows(tag).ordered()):
            yield day, [tag]
