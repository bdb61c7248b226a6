"""The one registry of actions: keys, word, handler, pages. Bindings, footer, help and palette are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

OVERVIEW, DEVICE = "overview", "device"
EVERYWHERE = (OVERVIEW, DEVICE)
# How a key is written where its name in the library is not what stands on it.
SHOWN = {"question_mark": "?", "colon": ":", "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn"}


@dataclass(frozen=True, slots=True)
class Action:
    """Something an operator can do; its word is `tui.action.<name>`.

    handler: `app.x` or `screen.x`, the method action_x of the app or of the page.
    """

    name: str
    keys: tuple[str, ...]
    handler: str
    pages: tuple[str, ...] = EVERYWHERE
    in_footer: bool = False

    @property
    def text_key(self) -> str:
        return f"tui.action.{self.name}"

    def shown(self, count: int | None = None) -> str:
        """The keys as they stand on a keyboard, or the first `count` of them."""
        return " ".join(
            SHOWN.get(key, key.upper() if key[0] == "f" and len(key) > 1 else _cap(key)) for key in self.keys[:count]
        )


ACTIONS = (
    Action("overview", ("1",), "app.overview", in_footer=True),
    Action("device", ("2", "enter"), "screen.open", (OVERVIEW,), in_footer=True),
    Action("acknowledge", ("a", "f4"), "screen.acknowledge", (OVERVIEW,), in_footer=True),
    Action("section", ("tab",), "screen.section", (OVERVIEW,), in_footer=True),
    Action("next", ("n", "right"), "screen.turn(1)", (DEVICE,), in_footer=True),
    Action("previous", ("b", "left"), "screen.turn(-1)", (DEVICE,), in_footer=True),
    Action("up", ("up",), "screen.move(-1)"),
    Action("down", ("down",), "screen.move(1)"),
    Action("page_up", ("pageup",), "screen.move(-10)"),
    Action("page_down", ("pagedown",), "screen.move(10)"),
    Action("back", ("escape",), "app.overview", (DEVICE,), in_footer=True),
    Action("pause", ("p", "f6"), "app.pause", in_footer=True),
    Action("theme", ("m", "f8"), "app.shade"),
    Action("palette", ("colon", "ctrl+p", "f9"), "app.choose"),
    Action("help", ("question_mark", "f1"), "app.explain", in_footer=True),
    Action("leave", ("q", "f10", "ctrl+c"), "app.leave", in_footer=True),
)


def on_page(page: str) -> list[Action]:
    """What can be done on a page, in the order of the registry."""
    return [action for action in ACTIONS if page in action.pages]


def bindings(page: str) -> list[BindingType]:
    """The keys of a page."""
    return [Binding(",".join(action.keys), action.handler, show=False) for action in on_page(page)]


def _cap(key: str) -> str:
    """Enter, Tab, Up; a letter stays small."""
    return key if len(key) == 1 or "+" in key else key.capitalize()
