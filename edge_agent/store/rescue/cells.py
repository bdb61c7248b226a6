"""The cells of one b-tree page as rows: reads what is sound and steps over what is not.

Layout after "Database File Format" (sqlite.org/fileformat2.html), sections 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.store.rescue.pages import Pages

Field = int | float | str | bytes | None
INDEX_INNER, TABLE_INNER, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13
_INNER = (INDEX_INNER, TABLE_INNER)
_KINDS = (*_INNER, INDEX_LEAF, TABLE_LEAF)
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes by the serial type
_LARGEST = 1 << 30  # bytes of one row


class Row(NamedTuple):
    """One row; `id` is 0 in an index."""

    id: int
    fields: tuple[Field, ...]


class Page:
    """One page of a b-tree; `kind` is 0 where it is none."""

    def __init__(self, pages: Pages, number: int) -> None:
        self._pages, self._bytes = pages, pages.page(number)
        self._head = 100 if number == 1 else 0
        kind = self._bytes[self._head] if len(self._bytes) > self._head + 12 else 0
        self.kind = kind if kind in _KINDS else 0
        self._count = int.from_bytes(self._bytes[self._head + 3 : self._head + 5]) if self.kind else 0
        self._first = self._head + (12 if self.kind in _INNER else 8)
        if self._first + 2 * self._count > len(self._bytes):
            self.kind = self._count = 0

    def children(self) -> list[int]:
        """The pages below an inner page, in order."""
        if self.kind not in _INNER:
            return []
        found = [int.from_bytes(self._bytes[at : at + 4]) for at in self._places()]
        return [*found, int.from_bytes(self._bytes[self._head + 8 : self._head + 12])]

    def rows(self) -> Iterator[Row]:
        """The rows that lie in this page and can be read."""
        if self.kind == TABLE_INNER:
            return
        for at in self._places():
            try:
                yield self._row(at)
            except (IndexError, ValueError, struct.error, UnicodeDecodeError):
                continue

    def _places(self) -> list[int]:
        raw = self._bytes[self._first : self._first + 2 * self._count]
        found = struct.unpack(f">{self._count}H", raw)
        return [at for at in found if self._first + 2 * self._count <= at < len(self._bytes) - 3]

    def _row(self, at: int) -> Row:
        if self.kind == INDEX_INNER:
            at += 4
        size, at = _varint(self._bytes, at)
        number = 0
        if self.kind == TABLE_LEAF:
            number, at = _varint(self._bytes, at)
        return Row(_signed(number), _record(self._payload(size, at)))

    def _payload(self, size: int, at: int) -> bytes:
        """The bytes of a cell; those that do not fit are in a chain of pages. Raises ValueError."""
        usable = self._pages.usable
        local = usable - 35 if self.kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        if not 0 < size < _LARGEST:
            raise ValueError("no size")
        if size <= local:
            found = self._bytes[at : at + size]
        else:
            least = (usable - 12) * 32 // 255 - 23
            here = least + (size - least) % (usable - 4)
            here = here if here <= local else least
            found = self._bytes[at : at + here]
            found += self._chain(int.from_bytes(self._bytes[at + here : at + here + 4]), size - here)
        if len(found) != size:
            raise ValueError("the row ends too early")
        return found

    def _chain(self, number: int, size: int) -> bytes:
        parts, most = [], self._pages.usable - 4
        for _ in range(-(-size // most)):
            page = self._pages.page(number)
            parts.append(page[4 : 4 + most])
            number = int.from_bytes(page[:4])
        return b"".join(parts)[:size]


def _record(data: bytes) -> tuple[Field, ...]:
    """The fields of a record; raises ValueError or another error for what is none."""
    length, at = _varint(data, 0)
    place, fields = length, []
    while at < length:
        kind, at = _varint(data, at)
        field, place = _field(data, kind, place)
        fields.append(field)
    if at != length or place != len(data):
        raise ValueError("no record")
    return tuple(fields)


def _field(data: bytes, kind: int, at: int) -> tuple[Field, int]:
    """The field of a serial type and where the next begins."""
    if kind in _INTEGERS:
        size = _INTEGERS[kind]
        return int.from_bytes(data[at : at + size], signed=True), at + size
    if kind == 7:
        return struct.unpack(">d", data[at : at + 8])[0], at + 8
    if kind in (0, 8, 9):
        return None if kind == 0 else kind - 8, at
    if kind < 12:
        raise ValueError("no type")
    size = (kind - 12) // 2
    part = data[at : at + size]
    return part.decode() if kind % 2 else part, at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes and where the next begins."""
    found = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        found = found << 7 | byte & 0x7F
        if byte < 0x80:
            return found, at
    return found << 8 | data[at], at + 1


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
