"""Of what a damaged file lost, what this archive lacks: a reading that came back from elsewhere is no loss."""

from __future__ import annotations

import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.commit import Commit
from edge_agent.store.codec.slot import Slot, covering
from edge_agent.store.database import reading
from edge_agent.store.keep.gaps import EVER
from edge_agent.store.rescue.aside import DAMAGED
from edge_agent.store.rescue.rescue import ANY, Lost
from edge_agent.store.sealed.archive import Archive, asking
from edge_agent.store.store import PLANT_DB

_Row = tuple[int, int, float | None]  # a moment may have been corrected, or said again
_COMMITS = "SELECT body FROM hot WHERE seen = ? AND rows = ?"


def lacking(data: Path, lost: list[Lost], whole: Iterable[tuple[str, Columns]]) -> list[Lost]:
    """Each loss less what the archive has of it; a commit where none of its time and size is here.

    whole: the rows that the file has elsewhere, and the archive by now: what it has beyond them is of the lost.
    """
    path, found = data / PLANT_DB, list[Lost]()
    with asking(path) as archive:
        if archive is None:
            return lost
        ids = archive.ids()
        spans = list(_spans(one for one in lost if one.tag != ANY))
        others = _others(spans, whole)
        for one in spans:
            there = _held(archive, ids[one.tag], one) - len(others[one]) if one.tag in ids else 0
            if there < one.readings:
                found.append(one._replace(readings=one.readings - there))
    with reading(path) as db:
        return found + [one for one in lost if one.tag == ANY and not (one.first_at == EVER and _has_commit(db, one))]


def _held(archive: Archive, tag: int, lost: Lost) -> int:
    """How many rows of a tag are there in the time of a loss; thinned ones count."""
    first, last = lost.first_at, lost.last_at
    found, slots = set[_Row](), list[Slot]()
    for piece in chain.from_iterable(archive.runs(tag, first, last)):
        rows = piece.read(first, last)
        found.update(row for row, reason in zip(_said(rows), rows.reasons, strict=True) if reason != DAMAGED)
        slots += [slot for slot in piece.slots() if first <= slot.told.first_at and slot.told.last_at <= last]
    inside = covering(slots)
    return sum(not inside(at) for at, *_ in found) + sum(slot.told.n for slot in slots)


def _others(spans: list[Lost], whole: Iterable[tuple[str, Columns]]) -> dict[Lost, set[_Row]]:
    """The rows in the time of each loss that the file has all the same."""
    found: dict[Lost, set[_Row]] = {one: set() for one in spans}
    of: defaultdict[str, list[Lost]] = defaultdict(list)
    for one in spans:
        of[one.tag].append(one)
    for tag, rows in whole if spans else ():
        for one in of.get(tag, ()):
            found[one].update(row for row in _said(rows) if one.first_at <= row[0] <= one.last_at)
    return found


def _said(rows: Columns) -> Iterator[_Row]:
    return zip(rows.at, rows.seen, rows.values, strict=True)


def _spans(lost: Iterable[Lost]) -> Iterator[Lost]:
    """Losses of a tag whose times overlap as one, so that what is there is not set against each of them."""
    now: Lost | None = None
    for one in sorted(lost):
        if now and now.tag == one.tag and one.first_at <= now.last_at:
            now = Lost(now.tag, now.first_at, max(now.last_at, one.last_at), now.readings + one.readings)
            continue
        if now:
            yield now
        now = one
    if now:
        yield now


def _has_commit(db: sqlite3.Connection, one: Lost) -> bool:
    """Whether a commit of this time and size is here and whole."""
    for (body,) in db.execute(_COMMITS, (one.last_at, one.readings)).fetchall():
        try:
            Commit(body)
            return True
        except zlib.error:
            continue
    return False
