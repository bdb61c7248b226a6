"""leafgate sim: a simulated plant on a real serial port and real sockets, or its past as a CSV."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.when import iso, moment

if TYPE_CHECKING:
    from drivers.sim.world import World

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
PORT = click.IntRange(0, 65533)
SPEED = click.FloatRange(min=0, min_open=True, max=100_000)


@click.command("sim", cls=TextCommand, help="sim.help")
@click.option("--dir", "folder", type=FOLDER, default=None, help="option.sim.dir")
@click.option("--port", type=PORT, default=0, help="option.sim.port")
@click.option("--start-at", metavar="HH:MM", default=None, help="option.sim.start_at")
@click.option("--speed", type=SPEED, default=1.0, help="option.sim.speed")
@click.option("--fault", "faults", multiple=True, metavar="DEVICE:FAULT[:FROM_S[:UNTIL_S]]", help="option.sim.fault")
@click.option("--script", type=FILE, default=None, help="option.sim.script")
@click.option("--handover", metavar="ISO", default=None, help="option.sim.handover")
@click.option("--seconds", type=float, default=None, help="option.seconds")
@click.option("--past", metavar="DATE", default=None, help="option.sim.past")
@click.option("--csv", "csv_file", type=FILE, default=None, help="option.sim.csv")
@click.option("--until", metavar="ISO", default=None, help="option.sim.until")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def sim(
    session: Session,
    folder: Path | None,
    port: int,
    start_at: str | None,
    speed: float,
    faults: tuple[str, ...],
    script: Path | None,
    handover: str | None,
    seconds: float | None,
    past: str | None,
    csv_file: Path | None,
    until: str | None,
    as_json: bool,
) -> int:
    world = _world(session, handover, start_at, speed)
    if past is not None or csv_file is not None:
        return _write_past(session, world, past, csv_file, until, as_json)
    from edge_agent.commands.sim_live import Live

    if script is not None and faults:
        raise Stop(Exit.USAGE, "error.sim.fault_or_script")
    place = (folder or session.folder / "sim").absolute()
    live = Live(session, world, place, port, faults, script, seconds, as_json)
    asyncio.run(live.serve())
    return Exit.DONE


def _world(session: Session, handover: str | None, start_at: str | None, speed: float) -> World:
    """The world of this run; without --handover the live plant begins at the last whole minute."""
    from drivers.sim.world import World, last_minute, origin_of, shift_to

    now = session.now()
    begun = last_minute(_moment(handover) if handover else now)
    if begun > now:
        raise Stop(Exit.USAGE, "error.sim.handover_ahead", value=handover)
    shift = shift_to(begun, _clock(start_at)) if start_at else 0
    return World(origin_of(begun), begun, shift, speed=speed)


def _write_past(
    session: Session, world: World, past: str | None, file: Path | None, until: str | None, as_json: bool
) -> int:
    from drivers.sim.past import write_past

    if past is None or file is None:
        raise Stop(Exit.USAGE, "error.sim.past_and_csv")
    start = _moment(past)
    end = _moment(until) if until else world.handover
    if start < world.origin or end > world.handover or end < start:
        bounds = {"origin": iso(world.origin, world.zone), "handover": iso(world.handover, world.zone)}
        raise Stop(Exit.USAGE, "error.sim.outside", **bounds)
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = write_past(world, out, start, end)
    if as_json:
        session.document("sim", {"rows": rows, "csv": str(file), "handover": iso(world.handover, world.zone)})
    else:
        session.say("sim.past", rows=rows, file=file, handover=iso(world.handover, world.zone))
    return Exit.DONE


def _moment(text: str) -> int:
    """A time; without an offset it is one of the plant's zone."""
    from drivers.sim.world import ZONE

    try:
        return moment(text, ZONE)
    except (ValueError, OverflowError):
        raise Stop(Exit.USAGE, "error.moment", value=text) from None


def _clock(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        raise Stop(Exit.USAGE, "error.sim.clock", value=text) from None
