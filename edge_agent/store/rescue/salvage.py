"""What another file holds, as pieces that the one writer takes in; each adds only what is lacking.

A piece is JSON, so that it may go through inbox.db: readings packed as a commit, or the rows of a table.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.journal import enter
from edge_agent.batch import Batch
from edge_agent.ledger import Person
from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.commit import Commit, encode
from edge_agent.store.keep.gaps import Gap
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.rescue.carry import MERGED, columns_of
from edge_agent.store.rescue.opening import ALARM_KIND, ALARM_PRIORITY, alarm_id
from edge_agent.store.rescue.rescue import Lost, Rescue
from edge_agent.store.store import Store

Piece = dict[str, Any]
PIECE_ROWS = 20_000  # readings in one piece, and one block more: some tenths of a second of the writer
TABLE_ROWS = 10_000


@dataclass
class Found:
    """What was seen in a file so far."""

    readings: int = 0
    first_at: int | None = None
    last_at: int | None = None
    tags: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)  # by table

    def see(self, tag: str, rows: Columns) -> None:
        """Count readings."""
        self.readings += len(rows)
        self.tags.add(tag)
        self.first_at = min(self.first_at if self.first_at is not None else FOREVER, *rows.at)
        self.last_at = max(self.last_at if self.last_at is not None else -FOREVER, *rows.at)


def pieces(rescue: Rescue, found: Found) -> Iterator[tuple[str, Piece]]:
    """Everything in a plant.db, table by table and then the readings; what kind each piece is of."""
    for table in MERGED:
        columns = columns_of(table)
        rows = [[row[column] for column in columns] for row in rescue.rows(table)]
        found.rows[table] = len(rows)
        for start in range(0, len(rows), TABLE_ROWS):
            yield table, {"table": table, "rows": rows[start : start + TABLE_ROWS]}
    numbers: dict[str, int] = {}
    tags, columns_ = list[int](), Columns()
    for tag, part in rescue.readings():
        found.see(tag, part)
        tags += [numbers.setdefault(tag, len(numbers))] * len(part)
        columns_.extend(part)
        if len(tags) >= PIECE_ROWS:
            yield "readings", _packed(numbers, tags, columns_)
            numbers, tags, columns_ = {}, [], Columns()
    if tags:
        yield "readings", _packed(numbers, tags, columns_)


def closing(file: str, lost: list[Lost]) -> Piece:
    """The last piece: the alarm of a file ends, and what is lost for good is entered as gaps."""
    return {"file": file, "lost": [list(one) for one in lost]}


def take(store: Store, piece: Piece, by: Person, now: int) -> int:
    """Take one in, inside a transaction; answers how many rows were new. Raises ValueError for what is no piece."""
    if "body" in piece:
        return _take_readings(store, piece)
    if "table" in piece:
        return _take_rows(store, piece)
    if "file" in piece:
        return _end(store, str(piece["file"]), [Lost(*one) for one in piece["lost"]], by, now)
    raise ValueError("no piece of a salvage")


def _packed(numbers: dict[str, int], tags: list[int], rows: Columns) -> Piece:
    return {"tags": list(numbers), "body": base64.b64encode(encode(tags, rows)).decode()}


def _take_readings(store: Store, piece: Piece) -> int:
    commit, batch = Commit(base64.b64decode(piece["body"])), Batch()
    for number in commit.tags():
        for row in commit.rows(number).samples():
            batch.add(piece["tags"][number], row.at, row.seen, row.value, row.quality, row.reason)
    return len(store.write_found(batch).new)


def _take_rows(store: Store, piece: Piece) -> int:
    table = str(piece["table"])
    if table not in MERGED:
        raise ValueError(f"no table to salvage: {table}")
    return store.merge(table, piece["rows"])


def _end(store: Store, file: str, lost: list[Lost], by: Person, now: int) -> int:
    for one in lost:
        tags = None if one.tag == "*" else 1
        store.gaps.add(Gap("damage", one.first_at, one.last_at + 1, ROWS, None, tags, one.readings, now))
    for event in (Event.CLEAR, Event.ACKNOWLEDGE):  # whoever salvages has seen it
        person = by if event is Event.ACKNOWLEDGE else None
        said = AlarmEvent(alarm_id(file), ALARM_KIND, file, now, event, ALARM_PRIORITY, by=person)
        enter(store.alarms, said, now)
    return 0
