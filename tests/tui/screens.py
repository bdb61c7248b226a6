"""The operator's screen without a terminal: started, looked at, and written down as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from rich.cells import cell_len
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip

from edge_agent.site import Site
from edge_agent.texts import Language, Texts
from tui.app import OperatorScreen
from tui.source import Source
from tui.theme import DARK

SMALL, LARGE = (80, 24), (132, 43)
PLAIN = DARK.style("")


class Eyes:
    """Who sits before the screen; `now` is the time, which stands still until it is set."""

    def __init__(self, site: Site, now: int, language: Language) -> None:
        self.now, self.texts = now, Texts(language)
        self.source = Source(site, self.texts)
        self.app = OperatorScreen(self.source, self.texts, lambda: self.now)
        self.pilot: Pilot[None]

    async def settle(self) -> None:
        """Until every look is done and painted."""
        for _ in range(4):
            await self.app.workers.wait_for_complete()
            await self.pilot.pause(0)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def look(self) -> None:
        """What the timer does each second."""
        self.app.look()
        await self.settle()

    @property
    def strips(self) -> list[Strip]:
        return self.app.screen._compositor.render_strips()

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@asynccontextmanager
async def eyes(site: Site, now: int, language: Language = "zh", size: tuple[int, int] = SMALL) -> AsyncIterator[Eyes]:
    """The screen of a site, looked at once and with its past."""
    found = Eyes(site, now, language)
    async with found.app.run_test(size=size) as pilot:
        found.pilot = pilot
        await found.settle()
        yield found


def written(strips: list[Strip]) -> str:
    """The lines between bars, then every style that is not the plain one, as `line: from-to style`."""
    lines = [f"|{strip.text}|" for strip in strips]
    styles = [f"{y:2}: {'; '.join(found)}" for y, strip in enumerate(strips) if (found := list(_styles(strip)))]
    return "\n".join([*lines, "", *styles, ""])


def _styles(strip: Strip) -> Iterator[str]:
    """Neighbours of one style as one."""
    at, begun, last = 0, 0, PLAIN
    for text, style, _ in [*strip, (" ", PLAIN, None)]:
        style = style or PLAIN
        if style != last:
            if last != PLAIN:
                yield f"{begun}-{at} {_named(last)}"
            begun, last = at, style
        at += cell_len(text)


def _named(style: Style) -> str:
    fore, back = (colour.name if colour else "-" for colour in (style.color, style.bgcolor))
    return f"{fore} on {back}{' bold' if style.bold else ''}{' reverse' if style.reverse else ''}"
