"""Text measured in terminal cells, never in characters: clip, align, and rows of columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

Span = tuple[str, str]  # a text and its role, the words that tui/theme.py knows
Line = tuple[Span, ...]
CUT = ".."  # what stands for the rest of a text
GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """Width in cells, and to which side its texts are flush."""

    width: int
    right: bool = False


def clean(text: str) -> str:
    """Without anything that a terminal would obey, or that takes no cell: such a character becomes a question mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() and cell_len(c) else "?" for c in unicodedata.normalize("NFC", text))


def clip(text: str, cells: int) -> str:
    """At most so many cells; what is cut off leaves a mark."""
    text = clean(text)
    if cell_len(text) <= cells:
        return text
    room, kept = cells - cell_len(CUT), ""
    for character in text:
        if cell_len(kept + character) > room:
            break
        kept += character
    return (kept + CUT)[: max(cells, 0)] if room < 0 else kept + CUT


def fit(text: str, cells: int, right: bool = False) -> str:
    """Exactly so many cells."""
    text = clip(text, cells)
    blanks = " " * max(cells - cell_len(text), 0)
    return blanks + text if right else text + blanks


def wrapped(text: str, cells: int) -> list[str]:
    """The text in pieces of at most so many cells; Chinese breaks anywhere, so every text does."""
    pieces = [""]
    for character in clean(text):
        if cell_len(pieces[-1] + character) > max(cells, 2):
            pieces.append("")
        pieces[-1] += character
    return pieces


def row(columns: Sequence[Column], spans: Iterable[Span]) -> Line:
    """One line of a table."""
    found: list[Span] = []
    for column, (text, role) in zip(columns, spans, strict=False):
        found += [(GAP, "")] if found else []
        found.append((fit(text, column.width, column.right), role))
    return tuple(found)


def columns_for(width: int, columns: Sequence[Column]) -> list[Column]:
    """As many of the columns as fit, the first ones first; one always stays, clipped."""
    kept: list[Column] = []
    for column in columns:
        used = sum(c.width + len(GAP) for c in kept)
        if kept and used + column.width > width:
            break
        kept.append(Column(min(column.width, max(width - used, 1)), column.right))
    return kept


def fitted(line: Line, width: int, role: str = "") -> Line:
    """The line at exactly so many cells, the rest in `role`."""
    found: list[Span] = []
    left = width
    for text, span_role in line:
        text = clip(text, left)
        left -= cell_len(text)
        if text:
            found.append((text, span_role))
    return (*found, (" " * left, role)) if left > 0 else tuple(found)


def apart(left: Line, right: Line, width: int) -> Line:
    """One flush left, one flush right; where they do not both fit the left one is cut."""
    room = max(width - sum(cell_len(text) for text, _ in right), 0)
    return fitted((*fitted(left, max(room - 1, 0)), (" ", ""), *right), width)
