"""Progress on stderr: one line that changes on a terminal, now and then a line in a file."""

from __future__ import annotations

import sys
import time

from edge_agent.scan.found import Step
from edge_agent.scan.words import step_line
from edge_agent.table import cells
from edge_agent.texts import Texts

SHOWN_EVERY_S = 0.2  # on a terminal
LOGGED_EVERY_S = 10.0  # elsewhere


class Teller:
    """Call it with each Step."""

    def __init__(self, texts: Texts) -> None:
        self._texts, self._live = texts, sys.stderr.isatty()
        self._told, self._phase, self._width = float("-inf"), 0, 0
        self._untold: Step | None = None

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        due = now - self._told >= (SHOWN_EVERY_S if self._live else LOGGED_EVERY_S)
        if not due and step.phase == self._phase:
            self._untold = step
            return
        self._untold = None
        self._told, self._phase = now, step.phase
        line = step_line(step, self._texts)
        if self._live:
            sys.stderr.write("\r" + line + " " * max(self._width - cells(line), 0))
            self._width = cells(line)
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line to what is said next; a file has the last step whole."""
        if not self._live and self._untold is not None:
            sys.stderr.write(step_line(self._untold, self._texts) + "\n")
        if self._live and self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
