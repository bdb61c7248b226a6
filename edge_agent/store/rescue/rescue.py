"""The readings that a damaged plant.db still holds, each proved by the sum of what it lies in; and those it lost."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.store.codec.block import decode
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.commit import Commit
from edge_agent.store.rescue.aside import unstamped
from edge_agent.store.rescue.shape import plant_shapes
from edge_agent.store.rescue.wreck import Values, Wreck
from edge_agent.store.sealed.blocks import TAGS
from edge_agent.store.sealed.span import PART

PIECE_BITS = 14  # of the id of a piece: its number in its block
_FIRST_MERGED = 1 << 48  # ids of merged blocks; smaller ones are of parts
_BROKEN = (zlib.error, IndexError, ValueError, KeyError, OverflowError, MemoryError)


class Lost(NamedTuple):
    """Readings that are known to have been there: of a tag, from the first moment to the last, so many."""

    tag: str
    first_at: int
    last_at: int
    readings: int


class _Header(NamedTuple):
    tag: int
    level: int
    first_at: int
    last_at: int
    readings: int


@dataclass
class Rescue:
    """One file; `lost` fills while the readings are gone through."""

    wreck: Wreck
    lost: list[Lost] = field(default_factory=list)
    unnamed: int = 0  # readings whose tag nobody knows any more

    @classmethod
    def of(cls, path: Path, offset: int = 0, length: int | None = None) -> Rescue:
        """Raises OSError."""
        return cls(Wreck(path, plant_shapes(), offset, length))

    def __post_init__(self) -> None:
        self.tags = _names(self.wreck)

    def readings(self) -> Iterator[tuple[str, Columns]]:
        """Rows by tag in the order of writing; the same one may come twice."""
        for number, rows in self._numbered():
            name = self.tags.get(number)
            if name is None:
                self.unnamed += len(rows)
            else:
                yield name, rows

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table by the names of its columns, each once; a tag by its name."""
        columns = plant_shapes()[table].columns
        found = [dict(zip(columns, row, strict=True)) for row in dict.fromkeys(self.wreck.rows(table))]
        if "tag" not in columns or plant_shapes()[table].types[columns.index("tag")] == (str,):
            return found
        return [{**row, "tag": self.tags[_number(row["tag"])]} for row in found if _number(row["tag"]) in self.tags]

    def newest(self) -> dict[str, Columns]:
        """The newest row of each tag; only the last block of each is looked into."""
        last: dict[int, tuple[int, int]] = {}
        headers = self._headers()
        for block, header in headers.items():
            if header.tag not in last or header.last_at >= headers[last[header.tag][1]].last_at:
                last[header.tag] = header.last_at, block
        found: dict[str, Columns] = {}
        indexed = self._indexed()
        blocks: list[tuple[int, Columns]] = []
        for _, block in last.values():
            body = self._body(block)
            if body and _tag(block, headers[block], indexed.get(block), body) is not None:
                blocks.append((headers[block].tag, body))
        for number, rows in [*blocks, *self._open()]:
            name = self.tags.get(number)
            if name is None:
                continue
            newest = rows.ordered().slice(len(rows) - 1, len(rows))
            if name not in found or newest.at[0] >= found[name].at[0]:
                found[name] = newest
        return found

    def _numbered(self) -> Iterator[tuple[int, Columns]]:
        yield from _old(self.wreck)
        headers, indexed = self._headers(), self._indexed()
        blocks = self.wreck.groups("body", PIECE_BITS)
        for block in sorted({*headers, *blocks}, key=lambda b: (b < _FIRST_MERGED, _level(headers.get(b)), b)):
            header, rows = headers.get(block), self._body(block)
            tag = _tag(block, header, indexed.get(block), rows)
            if tag is not None and rows:
                yield tag, rows
            elif header:
                name = self.tags.get(header.tag, f"#{header.tag}")
                self.lost.append(Lost(name, header.first_at, header.last_at, header.readings))
        yield from self._open()

    def _headers(self) -> dict[int, _Header]:
        columns = plant_shapes()["block"].columns
        places = [columns.index(name) for name in ("id", "tag", "level", "first_at", "last_at", "n")]
        found: dict[int, _Header] = {}
        for row in self.wreck.rows("block"):
            block, *rest = (row[place] for place in places)
            found.setdefault(_number(block), _Header(*map(_number, rest)))
        return found

    def _indexed(self) -> dict[int, int]:
        """The tags of merged blocks after the index."""
        entries = (entry for entry in self.wreck.index("block_by_tag") if len(entry) == 4)
        return {_number(entry[3]): _number(entry[0]) for entry in entries}

    def _body(self, block: int) -> Columns | None:
        """The rows of a block; None where it is not whole."""
        pieces = self.wreck.group("body", block, PIECE_BITS)
        try:
            return decode(unstamped(block, b"".join(_bytes(pieces[number][1]) for number in sorted(pieces))))
        except _BROKEN:
            return None

    def _open(self) -> Iterator[tuple[int, Columns]]:
        """What lies in commits; those that were sealed and not overwritten are as good as any."""
        columns = plant_shapes()["hot"].columns
        number, count, seen, body = (columns.index(name) for name in ("id", "rows", "seen", "body"))
        for row in sorted(self.wreck.rows("hot"), key=lambda row: _number(row[number])):
            try:
                commit = Commit(_bytes(row[body]))
            except _BROKEN:
                self.lost.append(Lost("*", _number(row[seen]), _number(row[seen]), _number(row[count])))
                continue
            for tag in commit.tags():
                yield tag, commit.rows(tag)


def _tag(block: int, header: _Header | None, indexed: int | None, rows: Columns | None) -> int | None:
    """Whose block it is; None where two places differ, or one alone says it that is not right in other things."""
    said = {tag for tag in (header.tag if header else None, indexed) if tag is not None}
    if block < _FIRST_MERGED:
        said.add(block % TAGS)
    if len(said) != 1:
        return None
    alone = indexed is None and block >= _FIRST_MERGED
    if alone and header and rows is not None:
        fits = (header.first_at, header.last_at, header.readings) == (rows.at[0], rows.at[-1], len(rows.valid()))
        return header.tag if fits else None
    return said.pop()


def _names(wreck: Wreck) -> dict[int, str]:
    """The tags by their numbers; none where the table and its index differ."""
    said: dict[int, set[str]] = {}
    columns = plant_shapes()["tag"].columns
    number, name = columns.index("id"), columns.index("name")
    table = [(row[number], row[name]) for row in wreck.rows("tag")]
    index = [(entry[1], entry[0]) for entry in wreck.index("sqlite_autoindex_tag_1") if len(entry) == 2]
    for found, text in [*table, *index]:
        if isinstance(found, int) and isinstance(text, str):
            said.setdefault(found, set()).add(text)
    return {found: texts.pop() for found, texts in said.items() if len(texts) == 1}


def _old(wreck: Wreck) -> Iterator[tuple[int, Columns]]:
    """The table of readings of versions 1 and 2."""
    for row in wreck.rows("sample"):
        tag, *rest = row
        rows = Columns()
        for column, value in zip((rows.at, rows.seen, rows.values, rows.qualities, rows.reasons), rest, strict=True):
            column.append(value)  # type: ignore[attr-defined]  # the shape has told their types
        yield _number(tag), rows


def _level(header: _Header | None) -> int:
    return header.level if header else PART


def _number(field: object) -> int:
    return field if isinstance(field, int) else 0


def _bytes(field: object) -> bytes:
    return field if isinstance(field, bytes) else b""


__all__ = ["Lost", "Rescue", "Values"]
