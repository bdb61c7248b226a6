"""leafgate alarms: what is not normal, what happened, and saying that one has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from configs.problem import nearest
from edge_agent.command import TextGroup, session_of
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from edge_agent.alarm.alarm import Alarm
    from edge_agent.alarm.event import AlarmEvent

END = 2**62  # microseconds; later than any event
MOST = 1000  # events; a plant that alarms often has a million of them after years
INDENT = " " * 6  # below the state


@click.group("alarms", cls=TextGroup, help="alarms.help", invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="option.alarms.all")
@click.option("--most", type=click.IntRange(min=1), default=MOST, metavar="N", help="option.alarms.most")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@click.pass_context
def alarms(ctx: click.Context, everything: bool, most: int, as_json: bool) -> int:
    if ctx.invoked_subcommand is not None:
        return Exit.DONE
    session = session_of(ctx)
    from edge_agent.store.reader import Reader

    body = body_of(session, most if everything else 0)
    if as_json:
        session.document("alarms", body)
        return Exit.DONE
    if not Reader(session.site.data).exists:
        session.say("error.no_database", folder=session.folder)
    show(session, body)
    return Exit.DONE


def body_of(session: Session, most: int = 0) -> dict[str, Any]:
    """The body of `alarms --json`; `events` is null, or the newest `most` where there is one; says when it has more."""
    from edge_agent.alarm.board import asked, history, open_alarms
    from edge_agent.when import iso

    site, now = session.site, session.now()
    waiting = asked(site)
    found = history(site, 0, END, most + 1) if most else []
    events = [_event(session, e) for e in found[:most]] if most else None
    if len(found) > most:
        session.say("alarms.more", most=most)
    listed = [{**_alarm(session, a), "asked": a.id in waiting} for a in open_alarms(site, now)]
    return {"as_of": iso(now, site.zone), "alarms": listed, "events": events}


def show(session: Session, body: dict[str, Any]) -> None:
    """The same for a person: each open alarm with its cause below, then the events when they were asked for."""
    from edge_agent.alarm.alarm import MARKS
    from edge_agent.table import table
    from edge_agent.when import short

    say = session.texts
    rows = []
    for a in body["alarms"]:
        state = say("alarm.asked") if a["asked"] else say(f"alarm.state.{a['state']}")
        rows.append([MARKS[a["priority"]], state, short(a["raised"]), a["id"], a["shown"]])
    if rows:
        head, *lines = table([say(f"alarm.head.{k}") for k in ("mark", "state", "at", "id", "value")], rows).split("\n")
        click.echo(head)
        for line, a in zip(lines, body["alarms"], strict=True):
            click.echo("\n".join([line, *(INDENT + text for text in (a["text"], a["action"]) if text)]))
    if body["events"]:
        past = [
            [short(e["at"]), say(f"alarm.event.{e['event']}"), e["id"], e["by"] or "", e["note"] or ""]
            for e in body["events"]
        ]
        click.echo(table([say(f"alarm.head.{k}") for k in ("at", "event", "id", "by", "note")], past))
    waiting = sum(a["state"] != "acknowledged" for a in body["alarms"])
    session.say("alarms.count", count=len(rows), waiting=waiting)


@alarms.command("ack", help="alarms.ack.help")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--by", default="", help="option.by")
@click.option("--note", default="", help="option.alarms.note")
@pass_session
def ack(session: Session, ids: tuple[str, ...], by: str, note: str) -> int:
    from edge_agent.alarm.board import open_alarms, wish
    from edge_agent.ledger import me
    from edge_agent.requests import submit
    from edge_agent.store.alarms import AlarmReader

    known = AlarmReader(session.site.data).standing()
    for alarm in ids:
        if alarm not in known:
            raise Stop(Exit.USAGE, "alarms.unknown", id=alarm, nearest=nearest(alarm, known) or "-")
    now = session.now()
    wait = {a.id for a in open_alarms(session.site, now) if a.acknowledged_at is None}
    for alarm in sorted(set(ids) - wait):
        session.say("alarms.nothing_to_do", id=alarm)
    seen = {alarm: known[alarm][0].at for alarm in set(ids) & wait}
    if seen:
        count = submit(session.site, [wish(seen, me(by), note, now)], "alarms")
        session.say("alarms.ack.done", count=count, by=me(by).name)
        if count < len(seen):
            session.say("alarms.ack.left", count=len(seen) - count)
    return Exit.DONE


def _alarm(session: Session, alarm: Alarm) -> dict[str, Any]:
    from configs.quantity import quantities
    from edge_agent.alarm.words import action, sentence, value_words
    from edge_agent.when import iso

    site, texts = session.site, session.texts
    tag = site.tags().get(alarm.tag)
    return {
        "id": alarm.id,
        "kind": alarm.kind,
        "tag": alarm.tag,
        "priority": alarm.priority,
        "state": alarm.state.value,
        "raised": iso(alarm.raised, site.zone),
        "cleared": iso(alarm.cleared, site.zone),
        "value": alarm.value,
        "limit": alarm.limit,
        "unit": quantities()[tag.quantity].unit if tag and alarm.value is not None else None,
        "reason": alarm.reason,
        "text": sentence(alarm, site, texts),
        "action": action(alarm, site, texts) or None,
        "shown": value_words(alarm, site),
        "acknowledged_by": alarm.acknowledged_by,
        "acknowledged_at": iso(alarm.acknowledged_at, site.zone),
    }


def _event(session: Session, event: AlarmEvent) -> dict[str, Any]:
    from edge_agent.when import iso

    zone = session.site.zone
    return {
        "id": event.alarm,
        "kind": event.kind,
        "at": iso(event.at, zone),
        "event": event.event.value,
        "priority": event.priority,
        "value": event.value,
        "limit": event.limit,
        "reason": event.reason,
        "by": event.by.name if event.by else None,
        "login": event.by.login if event.by else None,
        "note": event.note or None,
        "recorded": iso(event.recorded, zone),
    }
