"""The read-only questions about clocks: which one the agent goes by, and the readings without a sure time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from edge_agent.store.codec.columns import Sample
from edge_agent.store.codec.commit import Commit
from edge_agent.store.database import reading, version
from edge_agent.store.stamps.eras import Eras, Known
from edge_agent.store.store import PLANT_DB
from edge_agent.time.trust import Trust

SINCE = 3  # the schema version that brought eras
_NEXT = "(SELECT next.first FROM era AS next WHERE next.id > era.id AND next.trust > 0 ORDER BY next.id LIMIT 1)"
_UNTIMED = "FROM apart JOIN era ON era.id = apart.era WHERE trust <= 0"
_SPELLS = f"SELECT SUM(rows), MIN(apart.first), trust, {_NEXT} {_UNTIMED} GROUP BY era.id ORDER BY era.id"
_BODIES = f"SELECT body, trust, {_NEXT} {_UNTIMED} ORDER BY apart.id"
_WAITING = "SELECT COALESCE(SUM(rows), 0) FROM apart JOIN era ON era.id = apart.era WHERE trust > 0"


class Spell(NamedTuple):
    """Readings without a sure time; they were got in their order between two moments, None where one is not known."""

    readings: int
    after: int | None
    before: int | None


class Untimed(NamedTuple):
    """One reading without a sure time, as stamped, and between which moments it was got; None: not known."""

    tag: str
    sample: Sample
    after: int | None
    before: int | None


class UntimedReader:
    """The eras and what lies apart in one site's data folder; without a database there is nothing."""

    def __init__(self, data: Path) -> None:
        self._path = data / PLANT_DB

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists():
            yield None
            return
        with reading(self._path) as db:
            yield db if version(db) >= SINCE else None

    def era(self, boot: str) -> Known | None:
        """The newest era of a boot."""
        with self._asking() as db:
            known = Eras(db).of(boot) if db else []
        return known[-1] if known else None

    def spells(self) -> list[Spell]:
        """Readings that lie apart because nobody knows their time, oldest first."""
        with self._asking() as db:
            found = db.execute(_SPELLS).fetchall() if db else []
        return [Spell(n, None if trust == Trust.WRONG else first, before) for n, first, trust, before in found]

    def waiting(self) -> int:
        """How many readings are on their way to their place."""
        with self._asking() as db:
            return int(db.execute(_WAITING).fetchone()[0]) if db else 0

    def samples(self) -> Iterator[Untimed]:
        """Every reading without a sure time, in the order of writing."""
        with self._asking() as db:
            if db is None:
                return
            names: dict[int, str] = dict(db.execute("SELECT id, name FROM tag"))
            for body, trust, before in db.execute(_BODIES):
                commit = Commit(body)
                for tag in commit.tags():
                    for sample in commit.rows(tag).samples():
                        yield Untimed(names[tag], sample, None if trust == Trust.WRONG else sample.at, before)
