"""Where the screen's facts come from: looks at a site, in a thread of their own; it knows no widget."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.problem import ConfigError
from edge_agent.alarm.board import ask_acknowledge
from edge_agent.cli import problem_line
from edge_agent.exit import Stop
from edge_agent.ledger import me
from edge_agent.overview.view import Memory, Overview, blind, overview
from edge_agent.period import US
from edge_agent.site import PLANT_FILE, Site, open_site
from edge_agent.texts import Texts

KEEP_US = 30 * US  # how long the values of the last good look stay when the store cannot be read
Stamp = list[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the plant, and in a sentence what is wrong with the store or with plant.yaml."""

    site: Site
    overview: Overview
    now: int
    fault: str = ""


class Source:
    """One site as one screen sees it; one look at a time."""

    def __init__(self, site: Site, texts: Texts) -> None:
        self._site, self._texts, self._memory = site, texts, Memory(site)
        self._stamp, self._site_fault = _stamp(site.folder), ""
        self._last: Look | None = None

    @property
    def site(self) -> Site:
        """The site in force."""
        return self._site

    def look(self, now: int, device: str | None = None) -> Look:
        """The plant as it is now; never raises: what went wrong stands in `fault`."""
        self._reload()
        try:
            # The first look does not wait for the past, so that the first paint is quick.
            plant = overview(self._site, now, self._memory, device, dear=self._last is not None)
            self._last = found = Look(self._site, plant, now, self._site_fault)
        except Exception as error:
            return self._without(now, device, self.sentence(error))
        return found

    def acknowledge(self, ids: Sequence[str], name: str, note: str, now: int) -> str:
        """Ask for it; answers what went wrong, or nothing."""
        try:
            ask_acknowledge(self._site, ids, me(name), note, now)
        except Exception as error:
            return self.sentence(error)
        return ""

    def sentence(self, error: Exception) -> str:
        """A fault in one line; of a path only the name, since a line is short."""
        if isinstance(error, Stop):
            return self._texts(error.key, **{k: v.name if isinstance(v, Path) else v for k, v in error.fields.items()})
        if isinstance(error, ConfigError):
            more = len(error.problems) - 1
            first = problem_line(self._texts, error.problems[0])
            return self._texts("tui.site_kept", first=first, more=more)
        if isinstance(error, sqlite3.Error):
            return self._texts("error.database", folder=self._site.data.name, why=error)
        if isinstance(error, OSError):
            return self._texts("error.system", file=Path(str(error.filename or "-")).name, why=error.strerror or error)
        return self._texts("tui.fault", what=type(error).__name__, why=error)

    def _without(self, now: int, device: str | None, fault: str) -> Look:
        """The last good look for a while, then a plant of which nothing is known."""
        last = self._last
        seen = last.overview.device.row.name if last and last.overview.device else None
        if last and now - last.now < KEEP_US and seen == device:
            return Look(last.site, last.overview, last.now, fault)
        return Look(self._site, blind(self._site, now, self._memory, device), now, fault)

    def _reload(self) -> None:
        """Take in a plant.yaml or a profile that was changed; a wrong one leaves the old site in force."""
        stamp = _stamp(self._site.folder)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._site = open_site(self._site.folder)
            self._memory, self._site_fault = Memory(self._site), ""
        except (ConfigError, Stop, OSError) as error:
            self._site_fault = self.sentence(error)


def _stamp(folder: Path) -> Stamp:
    """Name, time and size of the files that describe the site."""
    found = []
    for path in [folder / PLANT_FILE, *sorted((folder / "devices").glob("*.yaml"))]:
        try:
            at = path.stat()
            found.append((path.name, at.st_mtime_ns, at.st_size))
        except OSError:
            found.append((path.name, 0, 0))
    return found
