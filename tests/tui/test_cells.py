"""Text is measured in cells: whatever a title holds, a line has the width of the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.geometry import Region

from tui.cells import Column, Line, apart, clean, clip, columns_for, fit, fitted, row, wrapped
from tui.picker import Picker
from tui.widgets.sheet import _changed

texts = st.text(st.sampled_from("ab 一号工厂电网~?-\x1b\n\u0301é"), max_size=30)
lines = st.lists(st.tuples(texts.map(clean), st.sampled_from(["", "label", "urgent"])), max_size=5).map(tuple)


@given(texts, st.integers(0, 40))
def test_a_fitted_text_has_exactly_its_cells(text: str, cells: int) -> None:
    assert cell_len(fit(text, cells)) == cells
    assert cell_len(fit(text, cells, right=True)) == cells


@given(texts, st.integers(3, 40))
def test_what_is_cut_off_leaves_a_mark_and_what_fits_stays(text: str, cells: int) -> None:
    clipped = clip(text, cells)
    assert cell_len(clipped) <= cells
    assert clipped == clean(text) if cell_len(clean(text)) <= cells else clipped.endswith("..")


def test_nothing_that_a_terminal_would_obey_gets_through() -> None:
    assert clean("总表\x1b[2J\r\n\x07\u202e") == "总表?[2J????"
    assert clip("\x1b]0;x\x07", 20) == "?]0;x?"


@given(lines, st.integers(0, 100))
def test_a_line_fills_the_screen_exactly(line: Line, width: int) -> None:
    assert sum(cell_len(text) for text, _ in fitted(line, width)) == width


@given(lines, lines, st.integers(1, 100))
def test_left_and_right_never_push_each_other_over_the_edge(left: Line, right: Line, width: int) -> None:
    assert sum(cell_len(text) for text, _ in apart(left, right, width)) == width


@given(st.integers(1, 140))
def test_columns_are_left_out_rather_than_squeezed(width: int) -> None:
    every = [Column(16), Column(10, True), Column(12), Column(20)]
    kept = columns_for(width, every)
    line = row(kept, [("一号工厂的总表", "")] * 4)
    assert kept
    assert sum(cell_len(text) for text, _ in line) <= max(width, 1)


@given(texts, st.integers(2, 20))
def test_wrapping_loses_nothing(text: str, cells: int) -> None:
    pieces = wrapped(text, cells)
    assert "".join(pieces) == clean(text)
    assert all(cell_len(piece) <= cells for piece in pieces)


@given(lines, lines, st.integers(2, 60))
def test_only_what_changed_is_painted_and_all_of_it(old: Line, new: Line, width: int) -> None:
    """Outside the region that is sent the two lines are equal, cell by cell."""
    old, new = fitted(old, width), fitted(new, width)
    region = _changed(0, old, new) or Region(0, 0, 0, 0)
    before, after = ([(c, r) for t, r in line for c in t for _ in range(cell_len(c))] for line in (old, new))
    assert before[: region.x] == after[: region.x]
    assert before[region.right :] == after[region.right :]


@given(st.lists(st.integers(0, 30), unique=True), st.integers(-40, 40), st.integers(0, 10))
def test_the_selected_row_is_always_in_the_window(numbers: list[int], by: int, height: int) -> None:
    keys, picker = [str(n) for n in numbers], Picker()
    picker.move(keys, by)
    seen = picker.window(len(keys), height)
    assert len(seen) == min(height, len(keys))
    assert not seen or picker.index in seen


@given(st.lists(st.integers(0, 30), unique=True, min_size=1), st.lists(st.integers(31, 60), unique=True), st.data())
def test_the_selection_stays_with_its_row_when_others_come(old: list[int], new: list[int], data: st.DataObject) -> None:
    keys, picker = [str(n) for n in old], Picker()
    picker.move(keys, data.draw(st.integers(0, len(keys) - 1)))
    chosen = picker.key
    picker.follow([*(str(n) for n in new), *keys])
    assert picker.key == chosen
