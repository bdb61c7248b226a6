"""leafgate meter: events of the metering ledger."""

from __future__ import annotations

import click

from configs.problem import nearest
from edge_agent.command import TextGroup
from edge_agent.commands.period_option import moment_of
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

Positive = click.FloatRange(min=0, min_open=True)


@click.group("meter", cls=TextGroup, help="meter.help")
def meter() -> None:
    pass


@meter.command("ratio", help="meter.ratio.help")
@click.argument("device")
@click.option("--ct", type=Positive, required=True, help="option.ct")
@click.option("--pt", type=Positive, default=1.0, show_default=True, help="option.pt")
@click.option("--at", "text", required=True, help="option.from_when")
@click.option("--by", default="", help="option.by")
@pass_session
def ratio(session: Session, device: str, ct: float, pt: float, text: str, by: str) -> int:
    from edge_agent.inbox import Request
    from edge_agent.ledger import RATIO, me
    from edge_agent.requests import submit
    from edge_agent.when import iso

    devices = session.site.plant.devices
    if device not in devices:
        raise Stop(Exit.USAGE, "error.no_device", device=device, nearest=nearest(device, devices) or "-")
    at, now = moment_of(session, text), session.now()
    if at is None or at > now:
        raise Stop(Exit.USAGE, "error.ratio_ahead", value=text)
    request = Request("ledger", [max(at, 1), device, RATIO, {"ct": ct, "pt": pt}], me(by), now)
    submit(session.site, [request], "meter")
    said = {"device": device, "ct": f"{ct:g}", "pt": f"{pt:g}", "at": iso(at, session.site.zone)}
    session.say("meter.ratio.done", **said)
    if (devices[device].ct, devices[device].pt) != (ct, pt):
        session.say("meter.ratio.mend_plant", **said)
    return Exit.DONE


@meter.command("list", help="meter.list.help")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def list_(session: Session, as_json: bool) -> int:
    from edge_agent.store.reader import Reader
    from edge_agent.when import iso

    zone = session.site.zone
    events = [
        {
            "device": e.device,
            "kind": e.kind,
            "at": iso(e.at, zone) if e.at else None,
            **e.detail,
            "by": e.by.name,
            "login": e.by.login,
            "recorded": iso(e.recorded, zone),
        }
        for e in Reader(session.site.data).ledger()
    ]
    if as_json:
        session.document("meter.list", {"events": events})
        return Exit.DONE
    if not events:
        session.say("meter.list.empty")
    for event in events:
        since = event["at"] or session.texts("meter.always")
        kind = session.texts(f"meter.kind.{event['kind']}")
        click.echo(session.texts("meter.list.line", **{**event, "at": since, "kind": kind}))
    return Exit.DONE
