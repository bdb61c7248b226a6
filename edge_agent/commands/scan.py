"""leafgate scan: find the devices of a line by reads alone and print what to paste into plant.yaml."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from configs.problem import nearest
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.site import PLANT_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.driver import Device
    from drivers.profile import Profile
    from drivers.wire import Wire
    from edge_agent.scan.place import Place
    from edge_agent.scan.search import Options, Scan

PROTOCOLS = ("dlt645-2007", "dlt645-1997", "cjt188-2004", "modbus", "sunspec", "mbus", "opcua")
SECRET = click.Path(path_type=Path)


@click.command("scan", cls=TextCommand, help="scan.help")
@click.argument("targets", metavar="[PLACE]...", nargs=-1)
@click.option("--protocol", "protocols", multiple=True, type=click.Choice(PROTOCOLS), help="option.scan.protocol")
@click.option("--baud", default="", metavar="N,N", help="option.scan.baud")
@click.option("--parity", default="", metavar="N,E,O", help="option.scan.parity")
@click.option("--units", default="", metavar="1-32,100", help="option.scan.units")
@click.option("--timeout", type=click.FloatRange(0.01, 30), default=None, metavar="S", help="option.scan.timeout")
@click.option("--tunnel", is_flag=True, help="option.scan.tunnel")
@click.option("--user", default="", help="option.scan.user")
@click.option("--password-file", "password", type=SECRET, default=None, help="option.scan.password_file")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def scan(
    session: Session,
    targets: tuple[str, ...],
    protocols: tuple[str, ...],
    baud: str,
    parity: str,
    units: str,
    timeout: float | None,
    tunnel: bool,
    user: str,
    password: Path | None,
    as_json: bool,
) -> int:
    from edge_agent.scan.choice import number_list, wires
    from edge_agent.scan.found import Progress
    from edge_agent.scan.search import Options, Scan
    from edge_agent.scan.teller import Teller

    _must_log_in(session, user, password)
    places = _places(session, targets, wires(baud, parity), tunnel)
    options = Options(protocols, number_list("--units", units, 0, 255), timeout)
    servers = {place.url: _server(session, place, user, password) for place in places if place.kind == "opcua"}
    teller = Teller(session.texts)
    search = Scan(places, _profiles(session), options, Progress(teller), servers)
    _warn(session, places, options)
    interrupted = False
    try:
        asyncio.run(search.run())
    except KeyboardInterrupt:
        interrupted = True
    teller.end()
    return _told(session, search, as_json, interrupted)


def _has_site(session: Session) -> bool:
    return (session.folder / PLANT_FILE).exists()


def _places(session: Session, targets: Sequence[str], wires: Sequence[Wire], tunnel: bool) -> list[Place]:
    """Where to look; raises Stop for a place that is none, and where nothing is said and there is no site."""
    from edge_agent.scan.place import bus_place, place_of, places_of

    buses = session.site.plant.buses if _has_site(session) or not targets else {}
    ports = {bus.serial: name for name, bus in buses.items() if bus.serial}
    if not targets:
        found = places_of(session.site, wires)
        if not found:
            raise Stop(Exit.USAGE, "scan.no_place")
        return found
    places = []
    for target in targets:
        bus = target if target in buses else ports.get(target)
        try:
            places.append(bus_place(session.site, bus, wires) if bus else place_of(target, wires, tunnel))
        except ValueError:
            raise Stop(Exit.USAGE, "scan.bad_place", value=target, nearest=nearest(target, buses) or "-") from None
    return places


def _profiles(session: Session) -> dict[str, Profile]:
    from edge_agent.site import load_profiles

    return {name: loaded.value for name, loaded in load_profiles(session.folder).items()}


def _server(session: Session, place: Place, user: str, password: Path | None) -> Device:
    """How to reach an OPC UA server: as plant.yaml says, or with the user that is given."""
    import hashlib
    from dataclasses import replace

    from configs.text import both
    from drivers.driver import Device
    from drivers.profile import Profile

    pki = session.folder / "pki" if _has_site(session) else None
    name = "scan-" + hashlib.sha256(place.url.encode()).hexdigest()[:12]  # a certificate is pinned by this name
    device = Device(name, Profile(both("scan"), "opcua", "", {}), url=place.url, pki=pki)
    if _has_site(session):
        known = next((n for n, c in session.site.plant.devices.items() if c.url == place.url), None)
        device = session.site.device(known) if known else device
    if not user:
        return device
    return replace(device, user=user, password_file=password, user_certificate=None, user_key=None)


def _must_log_in(session: Session, user: str, password: Path | None) -> None:
    """Raises Stop where a user is given and cannot be: it takes a password and a site's certificate."""
    if bool(user) != (password is not None):
        raise Stop(Exit.USAGE, "scan.user_and_password")
    if password is None:
        return
    try:
        password.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Stop(Exit.USAGE, "scan.no_password_file", path=password, why=why) from None
    if not _has_site(session):
        raise Stop(Exit.SITE, "scan.user_needs_site", folder=session.folder)


def _warn(session: Session, places: Sequence[Place], options: Options) -> None:
    """The agent asks the same devices; it holds serial ports alone."""
    from edge_agent.store.lock import running

    holder = running(session.site.data) if _has_site(session) else None
    if holder is not None:
        session.say("scan.agent_runs", pid=holder.pid)
    for place in filter(options.wanted, places):
        session.say("scan.begin", place=place.name, protocols=", ".join(options.wanted(place)))


def _told(session: Session, search: Scan, as_json: bool, interrupted: bool) -> int:
    """What was found on stdout, the rest on stderr; the verdict."""
    from edge_agent.scan.known import mark_known
    from edge_agent.scan.outcome import remarks, verdict
    from edge_agent.scan.report import report_json, report_lines

    found = search.progress.found
    if _has_site(session):
        mark_known(found, session.site)
    if as_json:
        session.document("scan", report_json(session, search, interrupted))
    else:
        for line in report_lines(session, search):
            click.echo(line)
    for line in remarks(search, session.site.plant.buses if _has_site(session) else (), session.texts):
        click.echo(line, err=True)
    known = sum(bool(f.known_as) for f in found)
    key = "scan.interrupted" if interrupted else "scan.count"
    session.say(key, count=sum(f.is_device for f in found), known=known)
    return verdict(search, interrupted)
