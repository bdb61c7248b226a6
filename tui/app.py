"""The operator's screen: one look a second in a worker, one paint when something changed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from functools import partial

from textual.app import App

from edge_agent.alarm.alarm import Alarm
from edge_agent.alarm.words import sentence
from edge_agent.ledger import me
from edge_agent.texts import Texts
from tui.actions import Action, on_page
from tui.cells import Line
from tui.frame import View, alarm_mark
from tui.messages import Asked, Looked
from tui.pages.device import DevicePage
from tui.pages.overview import OverviewPage
from tui.pages.page import Page
from tui.source import Look, Source
from tui.theme import DARK, LIGHT
from tui.widgets.dialog import Acknowledge, Help, Leave, Palettes

NOTICE_S = 5.0
LOOK_S = 1.0  # the most often that the plant is looked at, and so that the screen is painted


class OperatorScreen(App[None], inherit_bindings=False):
    """Pages over one source of facts."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Page { overflow: hidden; }
    Sheet { height: 1fr; }
    Dialog { background: transparent; align-vertical: bottom; overflow: hidden; }
    Horizontal { height: 1; background: $panel; }
    Static { width: auto; color: $foreground; padding: 0 1; }
    Input, Input:focus { background: $panel; background-tint: transparent; color: $foreground; }
    """

    def __init__(self, source: Source, texts: Texts, clock: Callable[[], int]) -> None:
        super().__init__()
        self.palette = DARK
        self.device = ""  # the one that is shown in full
        self._source, self._texts, self._clock = source, texts, clock
        self._last: Look | None = None
        self._paused, self._notice = False, ""
        self._looking = self._again = False

    def on_mount(self) -> None:
        self.animation_level = "none"
        for palette in (DARK, LIGHT):
            self.register_theme(palette.theme())
        self.theme = self.palette.name
        self.set_interval(LOOK_S, self._tick)
        self.look()
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):  # a lost line must not leave a process behind
                asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def get_default_screen(self) -> OverviewPage:
        return OverviewPage()

    @property
    def fault(self) -> Exception | None:
        """What ended the screen, where something did."""
        return self._exception

    @property
    def last_look(self) -> Look | None:
        """The newest one that has come in."""
        return self._last

    def view(self, width: int, height: int) -> View:
        """What pages paint from; only after the first look."""
        assert self._last is not None
        return View(self._last, self._texts, width, height, self._paused, self._notice)

    def say(self, key: str, /, **fields: object) -> None:
        """One line of the screen's own, for some seconds."""
        self._notice = self._texts(key, **fields)
        self.set_timer(NOTICE_S, self._hush)
        self._paint()

    def look(self) -> None:
        """Look at the plant in a worker; while one looks, the next waits."""
        if self._looking:
            self._again = True
            return
        self._looking, self._again = True, False
        self.run_worker(partial(self._fetch, self.device or None), thread=True)

    def on_looked(self, message: Looked) -> None:
        is_first = self._last is None
        self._looking, self._last = False, message.look
        self._paint()
        if self._again or is_first:
            self.look()

    def on_asked(self, message: Asked) -> None:
        if message.fault:
            self.say("tui.not_asked", why=message.fault)
        else:
            self.say("tui.asked")
        self.look()

    def open_device(self, name: str) -> None:
        """Show a device in full."""
        self.device = name
        if not isinstance(self.screen, DevicePage):
            self.push_screen(DevicePage())
        self.look()

    def acknowledge(self, alarm: Alarm) -> None:
        """Ask who has seen it, then leave the wish in the inbox."""
        said = sentence(alarm, self._source.site, self._texts)
        what: Line = (alarm_mark(alarm), (f" {said}", "panel bold"))

        def answered(result: tuple[str, str] | None) -> None:
            if result:
                self.run_worker(partial(self._ask, alarm.id, *result), thread=True)

        self.push_screen(Acknowledge(self._texts, self.palette, what, me().login), answered)

    def action_overview(self) -> None:
        """Back to the first page."""
        if isinstance(self.screen, DevicePage):
            self.device = ""
            self.pop_screen()

    def action_pause(self) -> None:
        """Hold the screen as it is, or go on."""
        self._paused = not self._paused
        self._paint()
        if not self._paused:
            self.look()

    def action_shade(self) -> None:
        """The light theme, or the dark one."""
        self.palette = LIGHT if self.palette is DARK else DARK
        self.theme = self.palette.name
        self._paint()

    def action_explain(self) -> None:
        """The keys of this page."""
        self.push_screen(Help(self._texts, self.palette, self._actions()))

    def action_choose(self) -> None:
        """Every action by its word."""

        def chosen(action: Action | None) -> None:
            if action:
                self.call_later(self.run_action, action.handler)

        self.push_screen(Palettes(self._texts, self.palette, self._actions()), chosen)

    def action_leave(self) -> None:
        """Ask first."""
        self.push_screen(Leave(self._texts, self.palette), lambda yes: self.exit() if yes else None)

    def _actions(self) -> list[Action]:
        return on_page(self.screen.kind) if isinstance(self.screen, Page) else []

    def _tick(self) -> None:
        if not self._paused:
            self.look()

    def _hush(self) -> None:
        self._notice = ""
        self._paint()

    def _paint(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Page):
                screen.paint()

    def _fetch(self, device: str | None) -> None:
        """In the worker's thread; a source never raises."""
        self.post_message(Looked(self._source.look(self._clock(), device)))

    def _ask(self, alarm: str, name: str, note: str) -> None:
        """In the worker's thread."""
        self.post_message(Asked(self._source.acknowledge([alarm], name, note, self._clock())))

    def _fatal_error(self) -> None:
        """No traceback on an operator's terminal: the command writes it to the log and says where."""
        self._close_messages_no_wait()
