"""Lines of text with roles; it repaints only the cells that changed, so that a slow link carries little."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.cells import Line
from tui.theme import DARK, Palette

Cells = list[tuple[str, str]]


class Sheet(Widget):
    """Shows what it is given, one line a row."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._palette = DARK

    @property
    def lines(self) -> list[str]:
        """The texts as they stand on the screen."""
        return ["".join(text for text, _ in line) for line in self._lines]

    def show(self, lines: Sequence[Line], palette: Palette) -> None:
        """Paint these lines; what is there already is not sent again."""
        old, new = self._lines, tuple(lines)
        self._lines = new
        if palette is not self._palette or len(old) != len(new):
            self._palette = palette
            self.refresh()
            return
        pairs = zip(old, new, strict=True)
        changed = [_changed(y, a, b) for y, (a, b) in enumerate(pairs) if a is not b]
        if regions := [region for region in changed if region]:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        blank = self._palette.style("")
        if y >= len(self._lines):
            return Strip.blank(self.size.width, blank)
        pieces = ((text, self._palette.style(role)) for text, role in self._lines[y])
        return Strip(_joined(pieces)).adjust_cell_length(self.size.width, blank)


def _joined(pieces: Iterable[tuple[str, Style]]) -> list[Segment]:
    """Neighbours of one style as one piece, blanks with what stands before them: a style costs forty bytes."""
    found: list[tuple[str, Style]] = []
    for text, style in pieces:
        if found and (style == found[-1][1] or (not text.strip() and style.bgcolor == found[-1][1].bgcolor)):
            found[-1] = (found[-1][0] + text, found[-1][1])
        else:
            found.append((text, style))
    return [Segment(text, style) for text, style in found]


def _changed(y: int, old: Line, new: Line) -> Region | None:
    """The part of a line that differs, whole characters."""
    a, b = _cells(old), _cells(new)
    if len(a) != len(b):
        return Region(0, y, max(len(a), len(b)), 1)
    differ = [x for x, (left, right) in enumerate(zip(a, b, strict=True)) if left != right]
    return Region(differ[0], y, differ[-1] - differ[0] + 1, 1) if differ else None


def _cells(line: Line) -> Cells:
    """What stands in every cell; a wide character stands in both of its cells."""
    return [(character, role) for text, role in line for character in text for _ in range(cell_len(character))]
