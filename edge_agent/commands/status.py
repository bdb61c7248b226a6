"""leafgate status: last values, ages, links."""

from __future__ import annotations

from typing import Any

import click

from configs.problem import nearest
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.site import MANUAL
from edge_agent.table import table
from edge_agent.when import as_read, short

TIMELESS = ("undated", "destroyed")  # losses of which only the end is known
GAPS = 5  # losses in the text, the latest; --json has them all


@click.command("status", cls=TextCommand, help="status.help")
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@click.option("--bad", is_flag=True, help="option.status.bad")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def status(session: Session, devices: tuple[str, ...], bad: bool, as_json: bool) -> int:
    from edge_agent.status import status as status_of
    from edge_agent.store.reader import Reader

    body = _narrowed(status_of(session.site, session.now()), devices, bad)
    unknown = [d for d in devices if d not in session.site.plant.devices and d != MANUAL]
    if unknown:
        hint = nearest(unknown[0], session.site.plant.devices)
        raise Stop(Exit.USAGE, "error.no_device", device=unknown[0], nearest=hint or "-")
    if as_json:
        session.document("status", body)
        return Exit.DONE
    if not Reader(session.site.data).exists:
        session.say("error.no_database", folder=session.folder)
    show(session, body)
    return Exit.DONE


def _narrowed(body: dict[str, Any], devices: tuple[str, ...], bad: bool) -> dict[str, Any]:
    """Only some devices, only what cannot be trusted."""
    if devices:
        body["tags"] = [t for t in body["tags"] if t["name"].partition(".")[0] in devices]
        body["links"] = [link for link in body["links"] if link["name"] in devices]
    if bad:
        body["tags"] = [t for t in body["tags"] if t["quality"] not in ("good", "absent")]
        body["links"] = [link for link in body["links"] if link["state"] != "up"]
    return body


def show(session: Session, body: dict[str, Any]) -> None:
    """The same for a person: the agent, the links, the tags."""
    say = session.texts
    rows = [
        [
            t["name"],
            *_number(t["value"], t["unit"]),
            say(f"quality.{t['quality']}"),
            say.why(t["reason"]),
            _age(t),
        ]
        for t in body["tags"]
    ]
    if rows:
        head = [say(f"status.head.{k}") for k in ("tag", "value", "unit", "quality", "why", "age")]
        click.echo(table(head, rows, right={1, 5}))
    links = [
        [link["name"], say(f"link.{link['state']}"), say.why(link["error"]), short(link["since"])]
        for link in body["links"]
    ]
    if links:
        click.echo(table([say(f"status.head.{k}") for k in ("device", "link", "why", "since")], links))
    if waiting := len(body["damaged"]["files"]):
        click.echo(say("status.damaged", count=waiting))
    for line in [*store_lines(session, body["store"]), *clock_lines(session, body["clock"])]:
        click.echo(line)
    # Last, so that a small terminal shows it.
    agent = body["agent"]
    trouble = say(f"trouble.{agent['trouble']}") if agent["trouble"] else ""
    click.echo(say(f"status.agent.{agent['state']}", since=short(agent["since"]), why=trouble))


def store_lines(session: Session, store: dict[str, Any] | None) -> list[str]:
    """How much is kept, and the latest losses."""
    if store is None:
        return []
    say = session.texts
    sizes = {name: f"{store[name] / 1e6:,.0f}".replace(",", " ") for name in ("used", "budget", "free")}
    lines = [say("status.store", **sizes)]
    if store["reached"]:
        lines.append(say(f"status.store.{store['reached']}"))
    for gap in store["gaps"][-GAPS:]:
        after = say(f"grain.{gap['after']}") if gap["after"] else "--"
        count = "--" if gap["readings"] is None else f"{gap['readings']:,}".replace(",", " ")
        why = say(f"gap.{gap['why']}")
        span = {"start": short(gap["from"]), "end": short(gap["to"])}
        key = "status.gap" if gap["from"] or gap["why"] not in TIMELESS else f"status.gap.{gap['why']}"
        lines.append(say(key, **span, after=after, readings=count, why=why))
    return lines


def clock_lines(session: Session, clock: dict[str, Any]) -> list[str]:
    """What somebody must know of the time; nothing where a time server sets it and every reading has its time."""
    say = session.texts
    lines = (
        []
        if clock["state"] == "synchronised"
        else [say(f"clock.{clock['state']}", hours=f"{clock['off_s'] / 3600:+.2f}")]
    )
    if clock["waiting"]:
        lines.append(say("clock.waiting", count=clock["waiting"]))
    for spell in clock["untimed"]:
        ends = {"start": short(spell["after"]), "end": short(spell["before"])}
        lines.append(say("clock.untimed", count=spell["readings"], **ends))
    return lines


def _number(value: float | None, unit: str) -> tuple[str, str]:
    """Number and unit as people read them."""
    if value is None:
        return "--", unit
    read = as_read(value, unit)
    return (read, "") if read else (f"{value:,.2f}".replace(",", " "), unit)


def _age(tag: dict[str, Any]) -> str:
    """Seconds to two minutes, then minutes, hours and days; a filed amount shows its end."""
    if tag["age_s"] is None:
        return (tag["at"] or "--")[:10]
    for unit, size, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if tag["age_s"] < most:
            return f"{tag['age_s'] / size:.0f} {unit}"
    return f"{tag['age_s'] / 86400:.0f} d"
