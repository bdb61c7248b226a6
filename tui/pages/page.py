"""What every page can do: paint itself from the last look, and be painted again when the room changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen

from tui.cells import Line
from tui.frame import View, framed
from tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from tui.app import OperatorScreen


class Page(Screen[None], inherit_bindings=False):
    """One page of lines. `kind` names it in the registry of actions."""

    kind: ClassVar[str]
    AUTO_FOCUS = None

    def compose(self) -> ComposeResult:
        yield Sheet()

    def on_mount(self) -> None:
        self.paint()

    def on_resize(self) -> None:
        self.paint()

    def on_screen_resume(self) -> None:
        self.paint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Keys typed ahead of the first look do nothing."""
        return self.operator.last_look is not None

    @property
    def operator(self) -> OperatorScreen:
        """The app, by its own type."""
        return cast("OperatorScreen", self.app)

    def view(self) -> View:
        """What there is to paint, in the room there is."""
        return self.operator.view(self.size.width, self.size.height)

    def paint(self) -> None:
        """Show the newest look; the sheet sends only what changed."""
        if self.is_mounted and self.operator.last_look:
            view = self.view()
            lines = framed(view, self.kind, self.heading(view), self.body(view))
            self.query_one(Sheet).show(lines, self.operator.palette)

    def heading(self, view: View) -> str:
        """The name of the page in the top line."""
        return view.texts(f"tui.page.{self.kind}")

    def body(self, view: View) -> list[Line]:
        """The lines of the page itself, no more than `view.room`."""
        raise NotImplementedError
