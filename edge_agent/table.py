"""Columns of text measured in terminal cells, so that Chinese and numbers line up."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence


def cells(text: str) -> int:
    """How many terminal cells a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, width: int, right: bool = False) -> str:
    """The text with blanks up to `width` cells."""
    blanks = " " * max(width - cells(text), 0)
    return blanks + text if right else text + blanks


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """A head and rows as aligned lines; the columns named in `right` are flush right."""
    widths = [max(cells(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        columns = [padded(text, widths[i], i in right) for i, text in enumerate(row)]
        lines.append("  ".join(columns).rstrip())
    return "\n".join(lines)
