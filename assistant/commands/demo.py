"""leafgate demo: the whole line on the simulated plant, in a temporary site."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

LEAST_S = 3.0  # the agent needs a moment to ask every device once
HEADLESS_S = 20.0
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("demo", cls=TextCommand, help="demo.help")
@click.option("--headless", "seconds", type=click.FloatRange(min=LEAST_S), default=None, help="option.demo.seconds")
@click.option("--start-at", metavar="HH:MM", default=None, help="option.demo.start_at")
@click.option("--script", type=FILE, default=None, help="option.sim.script")
@click.option("--keep", type=FOLDER, default=None, help="option.demo.keep")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def demo(
    session: Session,
    seconds: float | None,
    start_at: str | None,
    script: Path | None,
    keep: Path | None,
    as_json: bool,
) -> int:
    if seconds is None and not as_json and not _can_show():
        session.say("demo.no_screen", seconds=f"{HEADLESS_S:g}")
        seconds = HEADLESS_S
    if as_json:
        seconds = seconds or HEADLESS_S
    with _folder(keep) as folder:
        from assistant.demo import plant, screen

        with plant(folder, session.texts.language, start_at, script, session.say) as site:
            code = screen(site) if seconds is None else _show(session, site, seconds, as_json)
    if seconds is None:
        session.say("demo.left")
    if keep is not None:
        session.say("demo.kept", folder=folder / "site")
    return code


def _can_show() -> bool:
    """Whether there is a terminal, and the library that draws on it."""
    return sys.stdin.isatty() and sys.stdout.isatty() and importlib.util.find_spec("textual") is not None


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="leafgate-demo-") as folder:
            yield Path(folder)
        return
    if (keep / "site").exists():
        raise Stop(Exit.USAGE, "demo.exists", folder=keep / "site")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()


def _show(session: Session, site: Session, seconds: float, as_json: bool) -> int:
    from assistant.commands.gap import body_of as gap_of
    from assistant.commands.gap import show as show_gap
    from assistant.demo import silent_devices, watched
    from edge_agent.commands.energy import body_of as energy_of
    from edge_agent.commands.energy import show as show_energy
    from edge_agent.commands.status import show as show_status

    status = watched(site, seconds)
    energy = energy_of(site, "year")
    gap = gap_of(site)
    silent = silent_devices(status)
    if as_json:
        session.document("demo", {"status": status, "energy": energy, "gap": gap.body})
    else:
        show_status(site, status)
        click.echo()
        show_energy(site, energy)
        click.echo()
        show_gap(site, gap)
    if silent:
        session.say("demo.silent", devices=", ".join(silent))
        return Exit.UNHEALTHY
    session.say("demo.done")
    return Exit.DONE
