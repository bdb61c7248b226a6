"""leafgate demo: the whole line on the simulated plant, in a temporary site."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session

LEAST_S = 3.0  # the agent needs a moment to ask every device once


@click.command("demo", cls=TextCommand, help="demo.help")
@click.option("--headless", "seconds", type=click.FloatRange(min=LEAST_S), default=20.0, help="option.demo.seconds")
@click.option("--start-at", metavar="HH:MM", default=None, help="option.demo.start_at")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), default=None, help="option.demo.keep")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def demo(session: Session, seconds: float, start_at: str | None, keep: Path | None, as_json: bool) -> int:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        return _show(session, keep.absolute(), seconds, start_at, as_json)
    with tempfile.TemporaryDirectory(prefix="leafgate-demo-") as folder:
        return _show(session, Path(folder), seconds, start_at, as_json)


def _show(session: Session, folder: Path, seconds: float, start_at: str | None, as_json: bool) -> int:
    from assistant.commands.gap import body_of as gap_of
    from assistant.commands.gap import show as show_gap
    from assistant.demo import plant, silent_devices, watched
    from edge_agent.commands.energy import body_of as energy_of
    from edge_agent.commands.energy import show as show_energy
    from edge_agent.commands.status import show as show_status

    with plant(folder, session.texts.language, start_at, session.say) as site:
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
