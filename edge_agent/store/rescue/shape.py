"""What the rows of each table look like, so that a page tells whose it is where nothing leads to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edge_agent.store.old import LAST
from edge_agent.store.rescue.cells import Field, Row

_SCHEMA = Path(__file__).parent.parent / "schema"
_TYPES: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "TEXT": (str,), "BLOB": (bytes,), "REAL": (int, float)}


@dataclass(frozen=True, slots=True)
class Shape:
    """One table: its columns in the order in which a row has them, and which of them is the row's id."""

    name: str
    columns: tuple[str, ...]
    types: tuple[tuple[type, ...], ...]
    optional: tuple[bool, ...]
    alias: int | None
    by_key: bool  # without row ids: its rows lie in an index

    def values(self, row: Row) -> tuple[Field, ...] | None:
        """The fields of a row of this table; None for a row that cannot be of it."""
        fields = list(row.fields)
        # A row from before a column was added ends earlier.
        fields += [None] * (len(self.columns) - len(fields))
        if not 0 < len(row.fields) <= len(fields) == len(self.columns):
            return None
        if self.alias is not None:
            if fields[self.alias] is not None:
                return None
            fields[self.alias] = row.id
        for number, (field, types, optional) in enumerate(zip(fields, self.types, self.optional, strict=True)):
            if not (optional if field is None else type(field) in types):
                return None
            if float in types and type(field) is int:  # SQLite stores whole numbers of a REAL column so
                fields[number] = float(field)
        return tuple(fields)


@cache
def plant_shapes() -> dict[str, Shape]:
    """The tables of plant.db in all versions."""
    found: dict[str, Shape] = {}
    texts = [path.read_text(encoding="utf-8") for path in sorted(_SCHEMA.glob("*.sql"))]
    for count in range(1, len(texts) + 1):
        found.update(shapes(texts[:count]))
    return found


def shapes(scripts: Iterable[str]) -> dict[str, Shape]:
    """The tables that SQL makes."""
    with closing(sqlite3.connect(":memory:")) as db:
        for script in scripts:
            db.executescript(script)
        names = db.execute("SELECT name, wr FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {name: _shape(db, name, bool(by_key)) for name, by_key in names.fetchall()}


def expected(version: int) -> dict[str, str]:
    """What plant.db of a version consists of: each table and index by its name, its statement without comments."""
    with closing(sqlite3.connect(":memory:")) as db:
        for number in range(1, version + 1):
            db.executescript((_SCHEMA / f"{number:03}.sql").read_text(encoding="utf-8"))
        if version > LAST:
            db.execute("DROP TABLE sample")  # as upgrade.py does
        return consists_of(db)


def consists_of(db: sqlite3.Connection) -> dict[str, str]:
    """The tables and indexes of a database as `expected` says them."""
    rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'").fetchall()
    return {name: _plain(sql or "") for name, sql in rows}


def _plain(sql: str) -> str:
    lines: Sequence[str] = [line.partition("--")[0] for line in sql.splitlines()]
    return " ".join(" ".join(lines).split())


def _shape(db: sqlite3.Connection, name: str, by_key: bool) -> Shape:
    columns = db.execute(f"PRAGMA table_info({name})").fetchall()
    if by_key:  # the key comes first
        columns = sorted(columns, key=lambda column: column[5] or len(columns) + 1)
    keys = [number for number, column in enumerate(columns) if column[5]]
    is_alias = not by_key and len(keys) == 1 and columns[keys[0]][2] == "INTEGER"
    types = tuple(_TYPES[column[2]] for column in columns)
    optional = tuple(not column[3] and (not column[5] or not by_key) for column in columns)
    return Shape(name, tuple(c[1] for c in columns), types, optional, keys[0] if is_alias else None, by_key)
