"""leafgate read: one reading of one device, with every frame and how well its line is used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from configs.problem import nearest
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from edge_agent.once import Cycle


@click.command("read", cls=TextCommand, help="read.help")
@click.argument("device", metavar="DEVICE")
@click.option("--raw", is_flag=True, help="option.read.raw")
@click.option("--times", type=click.IntRange(1, 100_000), default=1, metavar="N", help="option.read.times")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def read(session: Session, device: str, raw: bool, times: int, as_json: bool) -> int:
    from edge_agent.once import is_followed
    from edge_agent.once_failure import stop_for

    devices = session.site.plant.devices
    if device not in devices:
        raise Stop(Exit.USAGE, "error.no_device", device=device, nearest=nearest(device, devices) or "-")
    if raw and is_followed(session.site, device):
        session.say("read.no_frames", device=device)
    _leave_to_the_agent(session, device)
    cycles = asyncio.run(_read(session, device, raw, times, as_json))
    if as_json:
        session.document("read", _body(session, device, cycles, raw))
    if any(cycle.readings and len(cycle.readings) < len(cycles[0].readings) for cycle in cycles):
        session.say("read.in_turn")
    if cycles[-1].error is not None:
        raise stop_for(session, device, cycles[-1].error)
    return Exit.DONE if any(r.value is not None for c in cycles for r in c.readings) else Exit.CANNOT_TELL


def _leave_to_the_agent(session: Session, device: str) -> None:
    """A converter may take a second connection and mix both: two masters on one line spoil each other's answers."""
    from edge_agent.store.lock import running

    bus = session.site.plant.buses.get(session.site.plant.devices[device].bus)
    holder = running(session.site.data) if bus and bus.host else None
    if bus and holder is not None:
        raise Stop(Exit.BUSY, "read.agent_holds", pid=holder.pid, device=device, where=bus.place, why="", detail="")


async def _read(session: Session, device: str, raw: bool, times: int, as_json: bool) -> list[Cycle]:
    """Every cycle, shown as it comes; raises Stop where the profile is wrong."""
    from drivers.error import DriverError
    from edge_agent.once import read_device
    from edge_agent.once_failure import stop_for

    cycles: list[Cycle] = []
    try:
        async for cycle in read_device(session.site, device, session.now, times):
            cycles.append(cycle)
            if not as_json:
                _show(session, device, cycle, raw)
    except DriverError as error:
        raise stop_for(session, device, error) from None
    return cycles


def _show(session: Session, device: str, cycle: Cycle, raw: bool) -> None:
    from edge_agent.once_words import cycle_lines, raw_lines

    for line in cycle_lines(session, device, cycle):
        click.echo(line)
    if raw:
        for line in raw_lines(session, device, cycle):
            click.echo(line)
    if cycle.readings:
        good = sum(r.value is not None for r in cycle.readings)
        session.say("read.count", count=len(cycle.readings), good=good, seconds=f"{cycle.took_s:.2f}")


def _body(session: Session, device: str, cycles: list[Cycle], raw: bool) -> dict[str, Any]:
    from edge_agent.once_words import cycle_json

    config = session.site.plant.devices[device]
    profile = session.site.profiles[config.profile]
    told = [cycle_json(session, device, cycle, raw) for cycle in cycles]
    return {"device": device, "profile": config.profile, "protocol": profile.protocol, **told[-1], "earlier": told[:-1]}
