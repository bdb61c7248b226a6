"""leafgate run: the agent until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import logging
import logging.handlers
import signal
import sys
from pathlib import Path

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.store.lock import BusyError, make_data_folder

LOG_BYTES, LOG_FILES = 1_000_000, 3
START_S = 1.0  # by then everything is imported that the site needs


@click.command("run", cls=TextCommand, help="run.help")
@click.option("--seconds", type=float, default=None, help="option.seconds")
@click.option("--verbose", is_flag=True, help="option.verbose")
@pass_session
def run(session: Session, seconds: float | None, verbose: bool) -> int:
    gc.disable()  # what a start makes stays; to look through it for garbage takes a tenth of the start
    site = session.site
    make_data_folder(site.data)
    _log_to(site.data / "log", verbose)
    try:
        asyncio.run(_serve(session, seconds))
    except BusyError as busy:
        raise Stop(Exit.BUSY, "error.agent_runs", pid=busy.pid) from None
    finally:
        gc.unfreeze()
        gc.enable()
    return Exit.DONE


async def _serve(session: Session, seconds: float | None) -> None:
    from edge_agent.agent import run_agent

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if seconds is not None:
        loop.call_later(seconds, stopped.set)
    loop.call_later(START_S, _started)
    await run_agent(session.site, session.now, stopped)


def _started() -> None:
    """Look for garbage once, and never again in what is left."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _log_to(folder: Path, verbose: bool) -> None:
    folder.mkdir(exist_ok=True)
    file = _LogFile(folder / "agent.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    screen = logging.StreamHandler()
    screen.setLevel(logging.DEBUG if verbose else logging.INFO)
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    root = logging.getLogger("leafgate")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for handler in (file, screen):
        handler.setFormatter(form)
        root.addHandler(handler)


class _LogFile(logging.handlers.RotatingFileHandler):
    """On a disk that refuses, the screen has the line all the same."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
