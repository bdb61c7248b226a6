"""The read-only questions that everybody else asks of plant.db; nothing stays open between them.

Without a database every answer is empty. `until` bounds what was recorded by a time, so that a
later import never changes an earlier assessment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from edge_agent.ledger import LedgerEvent, Person
from edge_agent.store.codec.columns import FOREVER, Sample
from edge_agent.store.codec.summary import Summary
from edge_agent.store.database import reading, version
from edge_agent.store.keep.gaps import Gap, gaps_between
from edge_agent.store.old import LAST
from edge_agent.store.sealed.archive import asking
from edge_agent.store.sealed.periods import periods
from edge_agent.store.sealed.story import Fall, falls, standing
from edge_agent.store.store import PLANT_DB, AmountRow

__all__ = ["FOREVER", "Reader", "Sample"]
PAGE = 50_000  # rows a long export fetches at a time


class Reader:
    """The database of one site's data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / PLANT_DB

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        if not self.exists:
            return []
        with reading(self._path) as db:
            if version(db) == 0:
                return []  # the file is there and its schema is not: the first start has not come that far
            return db.execute(statement, values).fetchall()

    def _version(self) -> int:
        if not self.exists:
            return 0
        with reading(self._path) as db:
            return version(db)

    def ids(self) -> dict[str, int]:
        """Every tag that was ever stored."""
        with asking(self._path) as archive:
            return archive.ids() if archive else {}

    def last(self, before: int = FOREVER) -> dict[str, Sample]:
        """The newest reading of each tag at or before a time; what lies in the future hides nothing."""
        with asking(self._path) as archive:
            if archive is None:
                return {}
            newest = archive.newest(before)
            return {name: newest[tag] for name, tag in archive.ids().items() if tag in newest}

    def since(self, tag: str, state: float) -> int | None:
        """From when a state tag has had its present value without a break."""
        with asking(self._path) as archive:
            number = archive.ids().get(tag) if archive else None
            return standing(archive, number, state) if archive and number else None

    def good_before(self, tag: int, at: int, until: int = FOREVER) -> Sample | None:
        """The last good reading at or before a time."""
        with asking(self._path) as archive:
            return archive.before(tag, at, "good", until) if archive else None

    def good_after(self, tag: int, at: int, until: int = FOREVER) -> Sample | None:
        """The first good reading at or after a time."""
        with asking(self._path) as archive:
            return archive.after(tag, at, "good", until) if archive else None

    def falls(self, tag: int, start: int, end: int, until: int = FOREVER) -> list[Fall]:
        """Where a register fell between two good readings, both ends included."""
        with asking(self._path) as archive:
            return falls(archive, tag, start, end, until) if archive else []

    def summaries(self, tag: int, edges: Sequence[int], until: int = FOREVER) -> list[Summary]:
        """What is known of a tag from each edge to the next, which is excluded."""
        with asking(self._path) as archive:
            return periods(archive, tag, edges, until) if archive else [Summary()] * (len(edges) - 1)

    def samples(self, tag: int, start: int, end: int) -> Iterator[Sample]:
        """Every reading from start to end, end excluded, oldest first; superseded rows left out."""
        return chain.from_iterable(self._pages(tag, start, end))

    def notes(self, tag: int, start: int, end: int) -> dict[int, str]:
        """What people noted about readings from moment to moment, both included."""
        statement = "SELECT at, text FROM note WHERE tag = ? AND at >= ? AND at <= ? ORDER BY at, recorded"
        return dict(self._ask(statement, tag, start, end)) if self._version() > LAST else {}

    def amounts(self, tag: str, until: int = FOREVER) -> list[AmountRow]:
        """What is filed for a tag, one row a period, withdrawn ones left out."""
        statement = """
            SELECT start, end, value, note, MAX(amount.id) FROM amount JOIN tag ON tag.id = amount.tag
            WHERE tag.name = ? AND recorded <= ? GROUP BY start, end ORDER BY start"""
        rows = self._ask(statement, tag, until)
        return [AmountRow(tag, start, end, value, note) for start, end, value, note, _ in rows if value is not None]

    def ledger(self, until: int = FOREVER) -> list[LedgerEvent]:
        """Every event of the ledger recorded by a time, in the order it was said."""
        statement = """SELECT at, device, kind, detail, by_name, login, recorded FROM ledger
            WHERE recorded <= ? ORDER BY id"""
        return [
            LedgerEvent(at, device, kind, json.loads(detail), Person(name, login), recorded)
            for at, device, kind, detail, name, login, recorded in self._ask(statement, until)
        ]

    def gaps(self, start: int = -FOREVER, end: int = FOREVER) -> list[Gap]:
        """What was lost of the time from start to end, end excluded, oldest first."""
        if not self.exists:
            return []
        with reading(self._path) as db:
            return gaps_between(db, start, end) if version(db) > LAST else []

    def kept(self) -> dict[int, tuple[int, int]]:
        """From when to when there are sealed readings, by how fine they are (grain.py)."""
        if not self.exists:
            return {}
        with reading(self._path) as db:
            if version(db) <= LAST:
                return {}
            found = db.execute("SELECT grain, MIN(first_at), MAX(last_at) FROM block GROUP BY grain")
            return {grain: (first, last) for grain, first, last in found.fetchall()}

    def site_text(self, until: int) -> str | None:
        """The plant.yaml that was in force at a time, as recorded by then."""
        rows = self._ask("SELECT text FROM site_file WHERE loaded <= ? ORDER BY rowid DESC LIMIT 1", until)
        return rows[0][0] if rows else None

    def site_texts(self) -> list[str]:
        """Every plant.yaml that was ever in force, the newest first."""
        return [text for (text,) in self._ask("SELECT text FROM site_file ORDER BY rowid DESC")]

    def _pages(self, tag: int, start: int, end: int) -> Iterator[Iterator[Sample]]:
        """The readings of a time, so many at once that memory holds them."""
        while start < end:
            with asking(self._path) as archive:
                if archive is None:
                    return
                rows, start = archive.page(tag, start, end - 1, PAGE)
            yield rows.samples()
