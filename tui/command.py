"""leafgate tui: the operator's screen in this terminal."""

from __future__ import annotations

import importlib.util
import sys

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session


@click.command("tui", cls=TextCommand, help="tui.help")
@pass_session
def tui(session: Session) -> int:
    site = session.site
    if importlib.util.find_spec("textual") is None:
        raise Stop(Exit.UNHEALTHY, "tui.no_library")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # the library draws on stderr
        raise Stop(Exit.USAGE, "tui.no_terminal")

    from tui.app import OperatorScreen
    from tui.source import Source

    screen = OperatorScreen(Source(site, session.texts), session.texts, session.now)
    screen.run(mouse=False)
    if screen.fault:
        raise screen.fault
    return Exit.DONE
