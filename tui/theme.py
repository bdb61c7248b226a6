"""Colours: two grey grounds, fills with black text for what is abnormal. A role is words, such as `cursor urgent`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rich.style import Style
from textual.theme import Theme

FILLS = {"urgent": "#D55E00", "high": "#E69F00", "medium": "#F0E442", "low": "#56B4E9", "lost": "#CC79A7"}


@dataclass(frozen=True)
class Palette:
    """The greys of one theme."""

    name: str
    ground: str
    panel: str
    value: str
    label: str
    cursor: str
    on_cursor: str
    dark: bool

    def style(self, role: str) -> Style:
        """The style of a role; a fill is stronger than the cursor, and the cursor stronger than the rest."""
        return _style(self, role)

    def theme(self) -> Theme:
        """The same greys for the widgets of the library."""
        return Theme(
            self.name,
            primary=self.label,
            secondary=self.label,
            accent=self.value,
            foreground=self.value,
            background=self.ground,
            surface=self.panel,
            panel=self.panel,
            dark=self.dark,
        )


DARK = Palette("leafgate-dark", "#262626", "#303030", "#bcbcbc", "#8a8a8a", "#505050", "#ffffff", True)
LIGHT = Palette("leafgate-light", "#d0d0d0", "#c6c6c6", "#1c1c1c", "#4e4e4e", "#4e4e4e", "#ffffff", False)


@cache
def _style(palette: Palette, role: str) -> Style:
    words = role.split()
    fill = next((FILLS[word] for word in words if word in FILLS), None)
    if fill:
        return Style(color="#000000", bgcolor=fill, bold="bold" in words)
    colour = palette.label if {"label", "dim"} & set(words) else palette.value
    ground = palette.panel if "panel" in words else palette.ground
    if "cursor" in words:
        colour, ground = palette.on_cursor, palette.cursor
    if "reverse" in words:
        colour, ground = ground, colour
    return Style(color=colour, bgcolor=ground, bold="bold" in words or "cursor" in words)
