"""leafgate run: the agent until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import signal
from pathlib import Path

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.store.lock import BusyError, make_data_folder

LOG_BYTES, LOG_FILES = 1_000_000, 3


@click.command("run", cls=TextCommand, help="run.help")
@click.option("--seconds", type=float, default=None, help="option.seconds")
@click.option("--verbose", is_flag=True, help="option.verbose")
@pass_session
def run(session: Session, seconds: float | None, verbose: bool) -> int:
    site = session.site
    make_data_folder(site.data)
    _log_to(site.data / "log", verbose)
    try:
        asyncio.run(_serve(session, seconds))
    except BusyError as busy:
        raise Stop(Exit.BUSY, "error.agent_runs", pid=busy.pid) from None
    return Exit.DONE


async def _serve(session: Session, seconds: float | None) -> None:
    from edge_agent.agent import run_agent

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if seconds is not None:
        loop.call_later(seconds, stopped.set)
    await run_agent(session.site, session.now, stopped)


def _log_to(folder: Path, verbose: bool) -> None:
    folder.mkdir(exist_ok=True)
    file = logging.handlers.RotatingFileHandler(folder / "agent.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    screen = logging.StreamHandler()
    screen.setLevel(logging.DEBUG if verbose else logging.INFO)
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    root = logging.getLogger("leafgate")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for handler in (file, screen):
        handler.setFormatter(form)
        root.addHandler(handler)
