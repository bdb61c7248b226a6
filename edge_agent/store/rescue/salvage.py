"""What another file holds, as pieces that the one writer takes in; each adds only what is lacking.

A piece is JSON, so that it may go through inbox.db: readings packed as a commit, or the rows of a table.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.alarm.journal import enter
from edge_agent.batch import Batch
from edge_agent.ledger import Person
from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.commit import Commit, encode
from edge_agent.store.keep.gaps import EVER, UNDATED, Gap
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.rescue.carry import MERGED, columns_of
from edge_agent.store.rescue.opening import ALARM_KIND, ALARM_PRIORITY, alarm_id
from edge_agent.store.rescue.rescue import ANY, Lost, Rescue
from edge_agent.store.rescue.stray import OtherEra, Stamped
from edge_agent.store.rescue.thinned import Content
from edge_agent.store.rescue.turned import Known
from edge_agent.store.stamps.wrong import Wrong
from edge_agent.store.store import Store

Piece = dict[str, Any]
PIECE_ROWS = 20_000  # readings in one piece, and one block more: some tenths of a second of the writer
TABLE_ROWS = 10_000
APART = "apart"  # a kind of piece: readings without a sure time
THINNED = "thinned"  # a kind of piece: what readings of thinned time came to


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
    for stray in rescue.strays():
        found.rows[APART] = found.rows.get(APART, 0) + len(stray.rows)
        names = {tag: number for number, tag in enumerate(dict.fromkeys(stray.tags))}
        piece = _packed(names, [names[tag] for tag in stray.tags], stray.rows)
        yield APART, {"era": list(stray.by.era), "stamped": list(stray.by[1:]), **piece}
    for thin in rescue.thinned():  # before the rows that came later, so that nothing lies in their time
        found.rows[THINNED] = found.rows.get(THINNED, 0) + thin.content.readings
        body = base64.b64encode(thin.body).decode()
        yield THINNED, {"thinned": body, "tag": thin.tag, "gap": list(thin.gap)}
    known = {name: [list(one) for one in said] for name, said in rescue.known()._asdict().items()}
    numbers: dict[str, int] = {}
    tags, columns_ = list[int](), Columns()
    for tag, part in rescue.readings():
        found.see(tag, part)
        tags += [numbers.setdefault(tag, len(numbers))] * len(part)
        columns_.extend(part)
        if len(tags) >= PIECE_ROWS:
            yield "readings", {**known, **_packed(numbers, tags, columns_)}
            numbers, tags, columns_ = {}, [], Columns()
    if tags:
        yield "readings", {**known, **_packed(numbers, tags, columns_)}


def closing(file: str, lost: list[Lost]) -> Piece:
    """The last piece: the alarm of a file ends, and what is lost for good is entered as gaps."""
    return {"file": file, "lost": [list(one) for one in lost]}


def take(store: Store, piece: Piece, by: Person, now: int) -> int:
    """Take one in, inside a transaction; answers how many rows were new. Raises ValueError for what is no piece."""
    if "body" in piece:
        return _take_readings(store, piece)
    if "thinned" in piece:
        return _take_thinned(store, piece)
    if "table" in piece:
        return _take_rows(store, piece)
    if "file" in piece:
        return _end(store, str(piece["file"]), [Lost(*one) for one in piece["lost"]], by, now)
    raise ValueError("no piece of a salvage")


def _packed(names: Iterable[str], tags: list[int], rows: Columns) -> Piece:
    return {"tags": list(names), "body": base64.b64encode(encode(tags, rows)).decode()}


def _take_readings(store: Store, piece: Piece) -> int:
    commit, batch = Commit(base64.b64decode(piece["body"])), Batch()
    for number in commit.tags():
        for row in commit.rows(number).samples():
            batch.add(piece["tags"][number], row.at, row.seen, row.value, row.quality, row.reason)
    if "era" in piece:
        return store.write_stray(batch, Stamped(OtherEra(*piece["era"]), *piece["stamped"]))
    decided = [Wrong(*one) for one in piece.get("decided", [])]
    return store.write_found(batch, Known(decided, [(boot, begin) for boot, begin in piece.get("eras", [])]))


def _take_thinned(store: Store, piece: Piece) -> int:
    content = Content.of(base64.b64decode(piece["thinned"]))
    return store.write_thinned(str(piece["tag"]), content, Gap(*piece["gap"]))


def _take_rows(store: Store, piece: Piece) -> int:
    table = str(piece["table"])
    if table not in MERGED:
        raise ValueError(f"no table to salvage: {table}")
    return store.merge(table, piece["rows"])


def _end(store: Store, file: str, lost: list[Lost], by: Person, now: int) -> int:
    for one in lost:
        why, tags = UNDATED if one.first_at == EVER else "damage", None if one.tag == ANY else 1
        store.gaps.add(Gap(why, one.first_at, one.last_at + 1, ROWS, None, tags, one.readings, now))
    for event in (Event.CLEAR, Event.ACKNOWLEDGE):  # whoever salvages has seen it
        person = by if event is Event.ACKNOWLEDGE else None
        said = AlarmEvent(alarm_id(file), ALARM_KIND, file, now, event, ALARM_PRIORITY, by=person)
        enter(store.alarms, said, now)
    return 0
