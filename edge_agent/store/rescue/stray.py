"""Readings that lie apart in another file, without a sure time: they go to their place, or lie apart here."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.commit import encode
from edge_agent.store.stamps.apart import moved
from edge_agent.time.trust import Trust

OVER = "over:"  # before the boot of an era that was brought in: no clock that runs decides about it
_ERA = "SELECT id, trust, offset FROM era WHERE boot IN (?1, ?2) AND begin = ?3 ORDER BY id DESC LIMIT 1"
_PUT_ERA = "INSERT INTO era (boot, begin, offset, first, least, trust, last) VALUES (?, ?, ?, ?, ?, ?, ?)"
_APART = "era = ?1 AND offset = ?2 AND start = ?3 AND rows = ?4 AND first = ?5 AND last = ?6 AND body = ?7"
_PUT = f"""
INSERT INTO apart (era, offset, start, rows, first, last, body)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM apart WHERE {_APART})"""


class OtherEra(NamedTuple):
    """An era as the other file has it."""

    boot: str
    begin: int
    offset: int
    first: int
    least: int
    trust: int
    last: int | None


UNKNOWN = OtherEra("", 0, 0, 0, 0, Trust.WRONG, None)  # where the other file does not say it any more


class Stamped(NamedTuple):
    """By what a commit was stamped: its era, the offset, and the first stamp of the era, as they were then."""

    era: OtherEra
    offset: int
    start: int


class _Here(NamedTuple):
    """The same era in this file."""

    id: int
    trust: int
    offset: int


def timed(db: sqlite3.Connection, by: Stamped, rows: Columns) -> Columns | None:
    """At least one row at its moment, where one of the files knows it; None where neither does."""
    here = _here(db, by.era)
    for trust, offset in ((by.era.trust, by.era.offset), *([here[1:]] if here else [])):
        if trust > Trust.UNSURE:
            return moved(rows, by.start, offset - by.offset) if offset != by.offset else rows
    return None


def lay_apart(db: sqlite3.Connection, by: Stamped, tags: Sequence[int], rows: Columns) -> int:
    """Put at least one row apart, row i of tag i, unless the same commit lies here; answers how many were put."""
    here = _here(db, by.era)
    boot = by.era.boot and OVER + by.era.boot
    number = here.id if here else db.execute(_PUT_ERA, by.era._replace(boot=boot)).lastrowid
    row = (number, by.offset, by.start, len(tags), min(rows.seen), max(rows.seen), encode(tags, rows))
    return len(tags) if db.execute(_PUT, row).rowcount > 0 else 0


def _here(db: sqlite3.Connection, era: OtherEra) -> _Here | None:
    found = db.execute(_ERA, (era.boot, OVER + era.boot, era.begin)).fetchone()
    return _Here(*found) if found else None
