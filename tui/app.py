"""The operator's screen: one look a second in a worker, one paint when something changed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from textual.app import App
from textual.worker import get_current_worker

from edge_agent.alarm.alarm import Alarm
from edge_agent.alarm.words import sentence
from edge_agent.ledger import me
from edge_agent.texts import Texts
from tui.actions import Action, on_page
from tui.frame import View, alarm_mark
from tui.messages import Asked, Looked
from tui.pages.device import DevicePage
from tui.pages.overview import OverviewPage
from tui.pages.page import Page
from tui.source import Look, Source
from tui.theme import DARK, LIGHT
from tui.widgets.dialog import Acknowledge, Help, Leave, Palettes

LOOK_S = 1.0  # the most often that the plant is looked at, and so that the screen is painted


class OperatorScreen(App[None], inherit_bindings=False):
    """Pages over one source of facts. `fault` is what ended it, where something did."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Page { overflow: hidden; }
    Sheet { height: 1fr; }
    Dialog { background: transparent; align-vertical: bottom; overflow: hidden; }
    Input, Input:focus { background: $panel; background-tint: transparent; color: $foreground; }
    """

    def __init__(self, source: Source, texts: Texts, clock: Callable[[], int]) -> None:
        super().__init__()
        self.palette, self.fault = DARK, None
        self._source, self._texts, self._clock = source, texts, clock
        self._look: Look | None = None
        self._device: str | None = None
        self._paused, self._notice = False, ""
        self._looking = self._again = False

    def on_mount(self) -> None:
        self.animation_level = "none"
        for palette in (DARK, LIGHT):
            self.register_theme(palette.theme())
        self.theme = self.palette.name
        self.push_screen(OverviewPage())
        self.set_interval(LOOK_S, self._tick)
        self.look()
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):  # a lost line ends the screen, not the terminal's state
                asyncio.get_running_loop().add_signal_handler(number, self.exit)
