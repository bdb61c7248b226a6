"""Lines of text that fit a terminal, measured in cells: Chinese breaks anywhere, words stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edge_agent.table import cells

# A run of ASCII is one piece; any other character is one, with the marks that may not begin a line.
_PIECES = re.compile(r"\s+|(?:[!-~]+|[^\s!-~])[，。；：！？、）》】”]*")


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """The text in lines of at most `width` cells; `first` begins the first line, `rest` the others."""
    return list(_lines(text, width, first, " " * cells(first) if rest is None else rest))


def _lines(text: str, width: int, first: str, rest: str) -> Iterator[str]:
    line, begun = first, False
    for piece in _PIECES.findall(text):
        if begun and cells(line) + cells(piece.rstrip()) > width:
            yield line.rstrip()
            line, begun = rest, False
        if begun or not piece.isspace():
            line, begun = line + piece, True
    yield line.rstrip()
