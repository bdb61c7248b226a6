"""leafgate sim: a simulated plant on a real serial port and a real socket, or its past as a CSV."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.when import iso, moment

if TYPE_CHECKING:
    from drivers.sim.plant import Address, Plant
    from drivers.sim.world import World

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("sim", cls=TextCommand, help="sim.help")
@click.option("--dir", "folder", type=FOLDER, default=None, help="option.sim.dir")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="option.sim.port")
@click.option("--start-at", metavar="HH:MM", default=None, help="option.sim.start_at")
@click.option("--fault", "faults", multiple=True, metavar="DEVICE:FAULT[:FROM_S[:UNTIL_S]]", help="option.sim.fault")
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
    faults: tuple[str, ...],
    handover: str | None,
    seconds: float | None,
    past: str | None,
    csv_file: Path | None,
    until: str | None,
    as_json: bool,
) -> int:
    world = _world(session, handover, start_at)
    if past is not None or csv_file is not None:
        return _write_past(session, world, past, csv_file, until, as_json)
    plant = _plant(session, world, faults)
    place = (folder or session.folder / "sim").absolute()
    place.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(session, plant, place, port, seconds, as_json))
    return Exit.DONE


def _world(session: Session, handover: str | None, start_at: str | None) -> World:
    """The world of this run; without --handover the live plant begins at the last quarter of an hour."""
    from drivers.sim.world import World, last_node, origin_of, shift_to

    now = session.now()
    begun = last_node(_moment(handover) if handover else now)
    if begun > now:
        raise Stop(Exit.USAGE, "error.sim.handover_ahead", value=handover)
    shift = shift_to(begun, _clock(start_at)) if start_at else 0
    return World(origin_of(begun), begun, shift)


def _plant(session: Session, world: World, orders: tuple[str, ...]) -> Plant:
    from drivers.sim.faults import Fault, Faults, order_of
    from drivers.sim.plant import DEVICES, PV, Plant

    found = []
    for text in orders:
        try:
            order = order_of(text, session.now())
        except ValueError:
            order = None
        if order is None or order.device not in DEVICES or (order.device, order.fault) == (PV, Fault.ROLLOVER):
            raise Stop(Exit.USAGE, "error.sim.fault", value=text, devices=", ".join(DEVICES), faults=", ".join(Fault))
        found.append(order)
    return Plant(world, session.now, Faults(*found))


async def _serve(session: Session, plant: Plant, folder: Path, port: int, seconds: float | None, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with plant.serve(folder, port) as where:
        _tell(session, plant, where, as_json)
        if seconds is not None:
            loop.call_later(seconds, stopped.set)
        await stopped.wait()


def _tell(session: Session, plant: Plant, where: Address, as_json: bool) -> None:
    from drivers.sim.plant import fragment

    handover = iso(plant.world.handover, plant.world.zone)
    if as_json:
        place = {"serial": str(where.serial), "host": where.host, "port": where.port}
        session.document("sim", {"ready": True, **place, "handover": handover})
    else:
        session.say("sim.ready", serial=where.serial, host=where.host, port=where.port, handover=handover)
        click.echo(fragment(where), nl=False)
    sys.stdout.flush()


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
