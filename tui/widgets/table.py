"""A list with a head and a cursor, as lines: it shows a window of its rows and says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.cells import Column, Line, Span, columns_for, row
from tui.picker import Picker
from tui.theme import FILLS

GUTTER = 2  # cells before a row, for the cursor


@dataclass
class Table:
    """Columns with heads, and rows with keys. `empty` stands where there is no row."""

    columns: Sequence[Column]
    heads: Sequence[str]
    rows: dict[str, Sequence[Span]] = field(default_factory=dict)
    empty: str = ""
    range_at: int = 0  # the head that says which rows are seen

    @property
    def keys(self) -> list[str]:
        return list(self.rows)

    @property
    def wanted(self) -> int:
        """Lines it takes to show everything."""
        return 1 + max(len(self.rows), 1)

    def lines(self, picker: Picker, width: int, height: int, focused: bool) -> list[Line]:
        """The head and a window of the rows; the cursor is a sign and a ground, so that it shows without colour."""
        picker.follow(self.keys)
        columns = columns_for(width - GUTTER, self.columns)
        seen = picker.window(len(self.rows), height - 1)
        head = [(text, "label") for text in self.heads]
        if len(seen) < len(self.rows):
            seen_of = f"{seen.start + 1}-{seen.stop}/{len(self.rows)}" if seen else f"0/{len(self.rows)}"
            head[self.range_at] = (f"{self.heads[self.range_at]} {seen_of}", "label bold")
        found = [(("  ", ""), *row(columns, head))]
        rows = list(self.rows.values())
        for index in seen:
            found.append(_line(row(columns, rows[index]), focused and index == picker.index))
        if not rows:
            found.append((("  ", ""), (self.empty, "dim")))
        return found[:height]


def _line(line: Line, chosen: bool) -> Line:
    if not chosen:
        return (("  ", ""), *line)
    return (("> ", "cursor"), *((text, role if role in FILLS else f"{role} cursor") for text, role in line))
