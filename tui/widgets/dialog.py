"""Small questions over a page: leave, acknowledge, help, and the list of all actions."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Input, Static

from edge_agent.texts import Texts
from tui.actions import Action
from tui.cells import GAP, Column, Line, fitted, row
from tui.picker import Picker
from tui.theme import Palette
from tui.widgets.sheet import Sheet

KEYS_CELLS = 14
CHROME = 3  # lines around a list: the rule, its head, its foot or the line to type in
CLOSE = Binding("escape", "close", show=False)
LISTED: list[BindingType] = [
    Binding("up", "move(-1)", show=False, priority=True),
    Binding("down", "move(1)", show=False, priority=True),
    Binding("pageup", "move(-10)", show=False, priority=True),
    Binding("pagedown", "move(10)", show=False, priority=True),
]


class Dialog(ModalScreen[ScreenResultType], inherit_bindings=False):
    """Lines at the bottom of the screen; the page above them stays readable."""

    def __init__(self, texts: Texts, palette: Palette) -> None:
        super().__init__()
        self.texts, self.palette = texts, palette

    def on_mount(self) -> None:
        self.paint()

    def on_resize(self) -> None:
        self.paint()

    def paint(self) -> None:
        """Show the lines; the sheet is as high as they are."""
        rule: Line = (("-" * self.size.width, "panel label"),)
        lines = [fitted(line, self.size.width, "panel") for line in (rule, *self.lines())]
        sheet = self.query_one(Sheet)
        sheet.styles.height = len(lines)
        sheet.show([tuple((t, r or "panel") for t, r in line) for line in lines], self.palette)

    def lines(self) -> list[Line]:
        """What it says."""
        raise NotImplementedError

    def action_close(self) -> None:
        self.dismiss(None)


class Leave(Dialog[bool]):
    """Whether to leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", show=False),
        Binding("n,escape,q", "close", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield Sheet()

    def lines(self) -> list[Line]:
        return [((self.texts("tui.leave"), "panel bold"),)]

    def action_yes(self) -> None:
        self.dismiss(True)


class Acknowledge(Dialog[tuple[str, str]]):
    """Who has seen an alarm, and what they want to say about it."""

    BINDINGS: ClassVar[list[BindingType]] = [CLOSE, Binding("up,down,tab", "other", show=False, priority=True)]

    def __init__(self, texts: Texts, palette: Palette, what: Line, name: str) -> None:
        super().__init__(texts, palette)
        self._what, self._prefilled = what, name

    def compose(self) -> ComposeResult:
        yield Sheet()
        for name, value in (("name", self._prefilled), ("note", "")):
            with Horizontal():
                yield Static(self.texts(f"tui.acknowledge.{name}"), markup=False)
                yield _field(name, value)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#name", Input).focus()

    def lines(self) -> list[Line]:
        return [self._what, ((self.texts("tui.acknowledge.how"), "panel label"),)]

    def action_other(self) -> None:
        self.query_one("#note" if self.query_one("#name", Input).has_focus else "#name", Input).focus()

    @on(Input.Submitted, "#name")
    def _named(self) -> None:
        self.query_one("#note", Input).focus()

    @on(Input.Submitted, "#note")
    def _done(self) -> None:
        name = self.query_one("#name", Input).value.strip()
        if name:
            self.dismiss((name, self.query_one("#note", Input).value.strip()))
        else:
            self.query_one("#name", Input).focus()


class Help(Dialog[None]):
    """The keys of a page, and what the marks mean."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,enter,q", "close", show=False), *LISTED]

    def __init__(self, texts: Texts, palette: Palette, actions: list[Action]) -> None:
        super().__init__(texts, palette)
        self._actions, self._top = actions, 0

    def compose(self) -> ComposeResult:
        yield Sheet()

    def lines(self) -> list[Line]:
        keys = [action_line(self.texts, action) for action in self._actions]
        marks: list[Line] = [
            ((self.texts(f"tui.mark.{m}"), "panel"),) for m in ("priority", "quality", "spark", "clock")
        ]
        every = [*keys, (), *marks]
        room = max(self.size.height - CHROME, 1)
        self._top = max(min(self._top, len(every) - room), 0)
        head: Line = ((self.texts("tui.help.head"), "panel bold"),)
        foot: Line = ((self.texts("tui.help.foot"), "panel label"),)
        return [head, *every[self._top : self._top + room], foot]

    def action_move(self, by: int) -> None:
        self._top = max(self._top + by, 0)
        self.paint()


class Palettes(Dialog[Action]):
    """Every action of a page by its word; typing narrows the list."""

    BINDINGS: ClassVar[list[BindingType]] = [CLOSE, *LISTED]

    def __init__(self, texts: Texts, palette: Palette, actions: list[Action]) -> None:
        super().__init__(texts, palette)
        self._actions, self._picker = actions, Picker()

    def compose(self) -> ComposeResult:
        yield Sheet()
        with Horizontal():
            yield Static(self.texts("tui.palette.find"), markup=False)
            yield _field("find", "")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Input).focus()

    def found(self) -> list[Action]:
        """The actions that fit what was typed."""
        typed = self.query_one(Input).value.strip().lower()
        return [a for a in self._actions if typed in f"{self.texts(a.text_key)} {a.name}".lower()]

    def lines(self) -> list[Line]:
        found = self.found()
        self._picker.follow([a.name for a in found])
        seen = self._picker.window(len(found), max(min(self.size.height - CHROME, len(self._actions)), 1))
        lines = [action_line(self.texts, found[i], i == self._picker.index) for i in seen]
        return lines or [((self.texts("tui.palette.none"), "panel label"),)]

    def action_move(self, by: int) -> None:
        self._picker.move([a.name for a in self.found()], by)
        self.paint()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._picker = Picker()
        self.paint()

    @on(Input.Submitted)
    def _chosen(self) -> None:
        found = self.found()
        self.dismiss(found[self._picker.index] if found else None)


def action_line(texts: Texts, action: Action, chosen: bool = False) -> Line:
    """The keys of an action and its word."""
    role = "cursor" if chosen else "panel"
    spans = row([Column(KEYS_CELLS), Column(60)], [(action.shown(), f"{role} bold"), (texts(action.text_key), role)])
    return (("> " if chosen else GAP, role), *((text, span_role or role) for text, span_role in spans))


def _field(name: str, value: str) -> Input:
    """A line to type in; its cursor does not blink, since a blink is sent over the line."""
    field = Input(value, id=name, compact=True)
    field.cursor_blink = False
    return field
