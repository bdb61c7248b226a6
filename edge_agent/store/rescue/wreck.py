"""The tables of a damaged database: what the trees still lead to, and the pages that nothing leads to any more."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_agent.store.rescue.cells import INDEX_INNER, INDEX_LEAF, TABLE_INNER, TABLE_LEAF, Field, Page, Row
from edge_agent.store.rescue.pages import MAGIC, Pages
from edge_agent.store.rescue.shape import Shape

Values = tuple[Field, ...]
_SCHEMA_ROOT = 1
_LARGEST_ROOT = slice(52, 56)  # of the header: not 0 where the file has pointer maps
_ENTRY, _LAST_KIND = 5, 5  # bytes of an entry of a pointer map, and the largest kind
_INNER_OF = {TABLE_LEAF: TABLE_INNER, INDEX_LEAF: INDEX_INNER}


class Wreck:
    """One file for reading. A page that the trees lead to comes before one that lies about."""

    def __init__(self, path: Path, shapes: Mapping[str, Shape], offset: int = 0, length: int | None = None) -> None:
        """offset, length: where the database lies inside a larger file. Raises OSError."""
        self._pages, self._shapes = Pages(path, offset, length), shapes
        self._known = bytearray(self._pages.count + 1)
        self._of: dict[str, array[int]] = {name: array("I") for name in shapes}
        self._groups: dict[str, tuple[array[int], array[int]]] = {}
        self.missed = 0  # pages that a tree leads to and that are none
        self._skip_pointer_maps()
        self._free()
        roots = self._roots()
        self._indexes = {name: self._walk(root, INDEX_LEAF) for name, root in roots.items() if name not in shapes}
        for name, shape in shapes.items():
            if name in roots:
                self._of[name] = self._walk(roots[name], INDEX_LEAF if shape.by_key else TABLE_LEAF)
        self._adopt()

    def close(self) -> None:
        """Let go of the file."""
        self._pages.close()

    def rows(self, table: str) -> Iterator[Values]:
        """The rows of a table that can be read; one may come twice, as it is and as it once was."""
        shape = self._shapes[table]
        for number in self._of[table]:
            for row in Page(self._pages, number).rows():
                values = shape.values(row)
                if values is not None:
                    yield values

    def group(self, table: str, number: int, bits: int) -> dict[int, Values]:
        """The rows of a table whose ids without the last `bits` are a number, by their ids."""
        if table not in self._groups:
            self._groups[table] = self._grouped(table, bits)
        numbers, places = self._groups[table]
        shape, found = self._shapes[table], dict[int, Values]()
        for place in places[bisect_left(numbers, number) : bisect_right(numbers, number)]:
            for row in Page(self._pages, self._of[table][place]).rows():
                if row.id >> bits == number and (values := shape.values(row)) is not None:
                    found.setdefault(row.id, values)
        return found

    def groups(self, table: str, bits: int) -> list[int]:
        """The numbers that `group` has rows of."""
        self.group(table, 0, bits)
        return sorted(set(self._groups[table][0]))

    def index(self, name: str) -> Iterator[Values]:
        """The entries of an index that its tree still leads to: the columns and the row's id."""
        for number in self._indexes.get(name, ()):
            for row in Page(self._pages, number).rows():
                yield row.fields

    def _grouped(self, table: str, bits: int) -> tuple[array[int], array[int]]:
        """Numbers in order, and beside each the place of a page with rows of it; pages of the tree first."""
        pairs = {
            (row.id >> bits, place)
            for place, page in enumerate(self._of[table])
            for row in Page(self._pages, page).rows()
        }
        ordered = sorted(pairs)
        return array("q", [number for number, _ in ordered]), array("I", [place for _, place in ordered])

    def _roots(self) -> dict[str, int]:
        """Where the tree of each table and index begins."""
        found: dict[str, int] = {}
        for number in self._walk(_SCHEMA_ROOT, TABLE_LEAF):
            for row in Page(self._pages, number).rows():
                if len(row.fields) == 5 and isinstance(row.fields[1], str) and isinstance(row.fields[3], int):
                    found[row.fields[1]] = row.fields[3]
        return found

    def _walk(self, root: int, leaf: int) -> array[int]:
        """The pages of a tree with rows in them, in order; each page is taken once."""
        found, todo = array("I"), [root]
        while todo:
            number = todo.pop()
            if not 1 <= number <= self._pages.count or self._known[number]:
                self.missed += 1
                continue
            page = Page(self._pages, number)
            if page.kind not in (leaf, _INNER_OF[leaf]):
                self.missed += 1
                continue
            self._known[number] = 1
            todo += reversed(page.children())
            if page.kind != TABLE_INNER:
                found.append(number)
        return found

    def _skip_pointer_maps(self) -> None:
        """Where a file can give pages back, page 2 and those at even steps after it say what leads to the others.

        Section 1.8 of the format: entries of five bytes, the first of them a kind from 1 to 5, 0 where there is no
        such page. The header, where it can be read, says whether a file has them.
        """
        head, usable = self._pages.page(1), self._pages.usable
        if head.startswith(MAGIC) and not any(head[_LARGEST_ROOT]):
            return
        for number in range(2, self._pages.count + 1, usable // _ENTRY + 1):
            kinds = self._pages.page(number)[: usable // _ENTRY * _ENTRY : _ENTRY]
            if max(kinds, default=0) <= _LAST_KIND:
                self._known[number] = 1

    def _free(self) -> None:
        """Pages on the list of free ones hold what was deleted: nobody takes them for rows."""
        head = self._pages.page(1)
        if not head.startswith(MAGIC):
            return
        trunk = int.from_bytes(head[32:36])
        while 1 < trunk <= self._pages.count and not self._known[trunk]:
            page = self._pages.page(trunk)
            self._known[trunk] = 1
            count = min(int.from_bytes(page[4:8]), self._pages.usable // 4 - 2)
            for at in range(8, 8 + 4 * count, 4):
                number = int.from_bytes(page[at : at + 4])
                if number <= self._pages.count:
                    self._known[number] = 1
            trunk = int.from_bytes(page[:4])

    def _adopt(self) -> None:
        """Give each page that no tree leads to, and all of whose rows fit a table, to it."""
        for number in range(2, self._pages.count + 1):
            if self._known[number]:
                continue
            page = Page(self._pages, number)
            if page.kind in (0, TABLE_INNER):
                continue
            rows = list(page.rows())
            for name, shape in self._shapes.items():
                if rows and shape.by_key == (page.kind != TABLE_LEAF) and _fit(shape, rows):
                    self._of[name].append(number)
                    break


def _fit(shape: Shape, rows: list[Row]) -> bool:
    return all(shape.values(row) is not None for row in rows)
