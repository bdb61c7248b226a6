"""Draw the running screen for the README: docs/screen.zh.svg and docs/screen.en.svg.

    python docs/picture.py         takes about three minutes

The demonstration runs as it does for anybody, with one silent meter. Every character is drawn in
its own cell, so that Chinese text stands where a terminal puts it, whatever font is at hand.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

from rich.cells import cell_len
from rich.color import Color
from textual.strip import Strip

from assistant.demo import plant
from edge_agent.requests import wall_clock
from edge_agent.session import Session
from tui.app import OperatorScreen
from tui.source import Source
from tui.theme import DARK

DOCS = Path(__file__).parent
FAULTS = "faults:\n  - {device: m4, fault: silent, since: 45s}\n"
RUNNING_S = 110.0  # so that the silence has become an alarm
WIDTH, HEIGHT = 80, 24
CELL_X, CELL_Y, BASE, MARGIN = 8.4, 18, 13.5, 8  # of a monospaced font of 14 pixels
FONT = "ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"


def svg(strips: list[Strip]) -> str:
    """The lines of a screen as one picture."""
    ground, ink = DARK.style("").bgcolor, DARK.style("").color
    width, height = WIDTH * CELL_X + 2 * MARGIN, HEIGHT * CELL_Y + 2 * MARGIN
    drawn = [piece for y, strip in enumerate(strips) for piece in line(strip, y, shade(ground, ""))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-size="14"'
            f' font-family="{FONT}" fill="{shade(ink, "#bcbcbc")}">',
            f'<rect width="100%" height="100%" rx="6" fill="{shade(ground, "#262626")}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def line(strip: Strip, row: int, ground: str) -> Iterator[str]:
    """The fills of one line, then its characters."""
    cell, y = 0, MARGIN + row * CELL_Y
    for text, style, _ in strip:
        size = cell_len(text)
        ink, fill = (style.bgcolor, style.color) if style and style.reverse else _colours(style)
        if fill is not None and shade(fill, "") != ground:
            x, width = MARGIN + cell * CELL_X, size * CELL_X
            yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{CELL_Y}" fill="{shade(fill, "")}"/>'
        bold = ' font-weight="bold"' if style and style.bold else ""
        for word in re.finditer(r"\S+", text):
            first = cell + cell_len(text[: word.start()])
            places = " ".join(f"{MARGIN + (first + at) * CELL_X:.1f}" for at in _places(word[0]))
            yield f'<text x="{places}" y="{y + BASE:g}" fill="{shade(ink, "#bcbcbc")}"{bold}>{escape(word[0])}</text>'
        cell += size


def _colours(style: object) -> tuple[Color | None, Color | None]:
    return getattr(style, "color", None), getattr(style, "bgcolor", None)


def _places(text: str) -> Iterator[int]:
    """The cell in which each character begins."""
    at = 0
    for character in text:
        yield at
        at += cell_len(character)


def shade(colour: Color | None, otherwise: str) -> str:
    return colour.get_truecolor().hex if colour is not None else otherwise


async def drawn(site: Session) -> str:
    """The overview after a while."""
    await asyncio.sleep(RUNNING_S)
    screen = OperatorScreen(Source(site.site, site.texts), site.texts, wall_clock)
    async with screen.run_test(size=(WIDTH, HEIGHT)) as pilot:
        while screen.last_look is None:
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        return svg(screen.screen._compositor.render_strips())


def main() -> None:
    for language in ("zh", "en"):
        with tempfile.TemporaryDirectory(prefix="leafgate-picture-") as name:
            script = Path(name) / "faults.yaml"
            script.write_text(FAULTS, encoding="utf-8")
            with plant(Path(name), language, "10:00", script, lambda *_, **__: None) as site:
                (DOCS / f"screen.{language}.svg").write_text(asyncio.run(drawn(site)), encoding="utf-8")
        print(f"docs/screen.{language}.svg")


if __name__ == "__main__":
    main()
