"""Rows of a file that does not know what was decided here about their stamps: they get the time they have here."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from edge_agent.store.codec.columns import Columns
from edge_agent.store.stamps.apart import moved
from edge_agent.store.stamps.wrong import Wrong

_DECISIONS = """
SELECT boot, begin, restamp.first, restamp.last, decided, shift FROM restamp JOIN era ON era.id = restamp.era
ORDER BY restamp.id"""

BootEra = tuple[str, int]  # an era as every copy of a file knows it: its boot, and when it began there


class Known(NamedTuple):
    """What another file knows of clocks: what was decided about stamps, and by which eras its own are."""

    decided: Collection[Wrong]
    eras: Collection[BootEra]


def undecided(db: sqlite3.Connection, known: Known) -> list[Wrong]:
    """What was decided in this database about stamps that another file has too, and does not know, in its order.

    Where an era is not of that file, others have stamped its rows. What earlier boots had in the future is its own
    where all its eras are here, so that it is an earlier state of this one.
    """
    here: set[BootEra] = set(db.execute("SELECT boot, begin FROM era"))
    is_earlier = bool(known.eras) and here.issuperset(known.eras)
    found = []
    for boot, begin, *row in db.execute(_DECISIONS):
        wrong = Wrong(*row)
        is_theirs = is_earlier if wrong.shift is None else (boot, begin) in known.eras
        if is_theirs and wrong not in known.decided:
            found.append(wrong)
    return found


def turned(tags: Sequence[int], rows: Columns, wrong: Sequence[Wrong]) -> tuple[list[int], Columns]:
    """Rows, row i of tag i, as they are after these decisions; those whose time nobody knows lie apart here."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, tag in enumerate(tags):
        places[tag].append(place)
    found, of = Columns(), list[int]()
    for tag, inside in places.items():
        part = _turned(rows.pick(inside), wrong)
        found.extend(part)
        of += [tag] * len(part)
    return of, found


def _turned(rows: Columns, wrong: Sequence[Wrong]) -> Columns:
    """Of decisions that were made together each row has one."""
    for _, together in groupby(wrong, key=attrgetter("decided")):
        done = Columns()
        for one in together:
            hit, rows = one.parted(rows)
            if one.shift is not None:
                done.extend(moved(hit, one.first, one.shift))
        rows.extend(done)
    return rows
