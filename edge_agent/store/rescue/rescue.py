"""The readings that a damaged plant.db still holds, each proved by the sum of what it lies in; and those it lost."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.store.codec.columns import FOREVER, Columns
from edge_agent.store.codec.commit import Commit
from edge_agent.store.keep.gaps import EVER, Gap
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.rescue.aside import unstamped
from edge_agent.store.rescue.shape import plant_shapes
from edge_agent.store.rescue.stray import UNKNOWN, OtherEra, Stamped
from edge_agent.store.rescue.thinned import Content
from edge_agent.store.rescue.turned import Known
from edge_agent.store.rescue.wreck import Values, Wreck
from edge_agent.store.sealed.blocks import TAGS
from edge_agent.store.sealed.span import PART
from edge_agent.store.stamps.wrong import Wrong

PIECE_BITS = 14  # of the id of a piece: its number in its block
_FIRST_MERGED = 1 << 48  # ids of merged blocks; smaller ones are of parts
_BROKEN = (zlib.error, IndexError, ValueError, KeyError, OverflowError, MemoryError)


ANY = "*"  # stands for tags that nobody knows


class Lost(NamedTuple):
    """Readings that are known to have been there: of a tag, from the first moment to the last, so many.

    Of what time those of a commit are only they say: it has EVER for the first moment, and when it was written.
    """

    tag: str
    first_at: int
    last_at: int
    readings: int


class Thin(NamedTuple):
    """One thinned block: its tag, its bytes (slot_body.py), what they hold, and the loss that the thinning was."""

    tag: str
    body: bytes
    content: Content
    gap: Gap


class Stray(NamedTuple):
    """One commit without a sure time: by what it was stamped, and row i of tag i."""

    by: Stamped
    tags: list[str]
    rows: Columns


class _Header(NamedTuple):
    tag: int
    level: int
    first_at: int
    last_at: int
    readings: int
    grain: int


@dataclass
class Rescue:
    """One file; `lost` fills while the readings are gone through, and `slots` with what is lost if it is not put."""

    wreck: Wreck
    lost: list[Lost] = field(default_factory=list)
    slots: list[Lost] = field(default_factory=list)  # what thinned blocks stand for
    unnamed: int = 0  # readings whose tag nobody knows any more
    copies: bool = True  # whether a sealed commit may stand for a lost block

    @classmethod
    def of(cls, path: Path, offset: int = 0, length: int | None = None) -> Rescue:
        """Raises OSError."""
        return cls(Wreck(path, plant_shapes(), offset, length))

    def __post_init__(self) -> None:
        self.tags = _names(self.wreck)

    def readings(self) -> Iterator[tuple[str, Columns]]:
        """Rows by tag in the order of writing, without those that remain of thinned time; one may come twice."""
        for number, rows in self._numbered():
            name = self.tags.get(number)
            if name is None:
                self.unnamed += len(rows)
            else:
                yield name, rows

    def thinned(self) -> Iterator[Thin]:
        """The thinned blocks that are whole and whose tag is known."""
        headers, indexed = self._headers(), self._indexed()
        gaps = [Gap(**{name: row[name] for name in Gap._fields}) for row in self.rows("gap")]
        for block, header in headers.items():
            bytes_ = self._bytes(block) if header.grain > ROWS else None
            content = _content(bytes_)
            tag = _tag(block, header, indexed.get(block), content)
            if bytes_ and content and content.slots and tag in self.tags:
                first, last, count = _told(content)
                self.slots.append(Lost(self.tags[tag], first, last, count))
                yield Thin(self.tags[tag], bytes_, content, _thinning(gaps, header))

    def strays(self) -> Iterator[Stray]:
        """What lies apart."""
        eras = {row["id"]: OtherEra(*(row[name] for name in OtherEra._fields)) for row in self.rows("era")}
        for row in self.rows("apart"):
            try:
                commit = Commit(row["body"])
            except _BROKEN:
                self.lost.append(Lost(ANY, row["first"], row["last"], row["rows"]))
                continue
            tags, rows = list[str](), Columns()
            for number in commit.tags():
                part = commit.rows(number)
                if number in self.tags:
                    rows.extend(part)
                    tags += [self.tags[number]] * len(part)
                else:
                    self.unnamed += len(part)
            if tags:
                yield Stray(Stamped(eras.get(row["era"], UNKNOWN), row["offset"], row["start"]), tags, rows)

    def known(self) -> Known:
        """What was found out about stamps and done to the readings in the blocks, and by which eras they are."""
        done = [Wrong(*(row[name] for name in Wrong._fields)) for row in self.rows("restamp") if not row["drawing"]]
        return Known(done, [(row["boot"], row["begin"]) for row in self.rows("era")])

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
            content = _content(self._bytes(block))
            if content and _tag(block, headers[block], indexed.get(block), content) is not None:
                blocks.append((headers[block].tag, content.rows))
        for number, rows in [*blocks, *self._open(len(blocks) < len(last))]:
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
            header, content = headers.get(block), _content(self._bytes(block))
            tag = _tag(block, header, indexed.get(block), content)
            if tag is not None and content and not content.slots:
                yield tag, content.rows
            elif tag is None or not content or not header or header.grain == ROWS:
                self._lose(header, content)
            elif tag not in self.tags:
                self.unnamed += content.readings
        yield from self._open(bool(self.lost))

    def _lose(self, header: _Header | None, content: Content | None) -> None:
        """Count a block of which only the header is known, or only what is in it."""
        if header:
            name = self.tags.get(header.tag, f"#{header.tag}")
            self.lost.append(Lost(name, header.first_at, header.last_at, header.readings))
        elif content and content.slots:
            first, last = content.slots[0].told.first_at, content.slots[-1].told.last_at
            self.lost.append(Lost(ANY, first, last, content.readings))

    def _headers(self) -> dict[int, _Header]:
        columns = plant_shapes()["block"].columns
        places = [columns.index(name) for name in ("id", "tag", "level", "first_at", "last_at", "n", "grain")]
        found: dict[int, _Header] = {}
        for row in self.wreck.rows("block"):
            block, *rest = (row[place] for place in places)
            found.setdefault(_number(block), _Header(*map(_number, rest)))
        return found

    def _indexed(self) -> dict[int, int]:
        """The tags of merged blocks after the index."""
        entries = (entry for entry in self.wreck.index("block_by_tag") if len(entry) == 4)
        return {_number(entry[3]): _number(entry[0]) for entry in entries}

    def _bytes(self, block: int) -> bytes:
        """What lies in a block; nothing where its pieces are another's."""
        pieces = self.wreck.group("body", block, PIECE_BITS)
        try:
            return unstamped(block, b"".join(_bytes(pieces[number][1]) for number in sorted(pieces)))
        except zlib.error:
            return b""

    def _open(self, with_sealed: bool) -> Iterator[tuple[int, Columns]]:
        """What lies in commits; those that were sealed only where a block may be lost.

        A row of those whose stamp was found to be wrong is not in the blocks any more, or is at another time.
        """
        sealed = self._sealed()
        with_sealed = self.copies and (with_sealed or sealed is None or self.wreck.missed > 0)
        wrong = [(row["first"], row["last"]) for row in self.rows("restamp")]
        columns = plant_shapes()["hot"].columns
        number, count, seen, body = (columns.index(name) for name in ("id", "rows", "seen", "body"))
        for row in sorted(self.wreck.rows("hot"), key=lambda row: _number(row[number])):
            is_sealed = _number(row[number]) <= (FOREVER if sealed is None else sealed)
            if is_sealed and not with_sealed:
                continue
            try:
                commit = Commit(_bytes(row[body]))
            except _BROKEN:
                self.lost.append(Lost(ANY, EVER, _number(row[seen]), _number(row[count])))
                continue
            for tag in commit.tags():
                rows = commit.rows(tag)
                yield tag, _right(rows, wrong) if is_sealed else rows

    def _sealed(self) -> int | None:
        """Up to which commit all is in blocks; None where that cannot be read."""
        marks = [row["value"] for row in self.rows("mark") if row["name"] == "sealed"]
        return max(marks, default=None)


def _content(bytes_: bytes | None) -> Content | None:
    try:
        return Content.of(bytes_) if bytes_ else None
    except _BROKEN:
        return None


def _right(rows: Columns, wrong: list[tuple[int, int]]) -> Columns:
    """The rows that were not got in one of these times."""
    if not wrong:
        return rows
    return rows.pick([i for i, seen in enumerate(rows.seen) if not any(first <= seen <= last for first, last in wrong)])


def _thinning(gaps: list[Gap], header: _Header) -> Gap:
    """The loss that a thinned block belongs to; one by the bytes that Leafgate may take where none is told."""
    own = Gap("budget", header.first_at, header.last_at + 1, ROWS, header.grain, 1, None, header.last_at)
    around = (gap for gap in gaps if gap.after == header.grain and gap.start <= own.start and gap.end >= own.end)
    return next(around, own)


def _tag(block: int, header: _Header | None, indexed: int | None, content: Content | None) -> int | None:
    """Whose block it is; None where two places differ, or one alone says it that is not right in other things."""
    said = {tag for tag in (header.tag if header else None, indexed) if tag is not None}
    if block < _FIRST_MERGED:
        said.add(block % TAGS)
    if len(said) != 1:
        return None
    alone = indexed is None and block >= _FIRST_MERGED
    if alone and header and content is not None:
        return header.tag if (header.first_at, header.last_at, header.readings) == _told(content) else None
    return said.pop()


def _told(content: Content) -> tuple[int, int, int]:
    """The first and last moment, and how many there were."""
    if content.slots:
        return content.slots[0].told.first_at, content.slots[-1].told.last_at, content.readings
    return content.rows.at[0], content.rows.at[-1], len(content.rows.valid())


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


__all__ = ["Lost", "Rescue", "Stray", "Thin", "Values"]
