"""leafgate evidence: the register of documents."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from configs.scalars import ScalarError, day
from edge_agent.command import TextGroup
from edge_agent.exit import Exit, Stop
from edge_agent.ledger import me
from edge_agent.period import Calendar
from edge_agent.session import Session, pass_session
from edge_agent.table import table
from edge_agent.when import iso

if TYPE_CHECKING:
    from assistant.evidence import Entry, Register


def _as_day(_ctx: click.Context, _param: click.Parameter, text: str | None) -> date | None:
    """A calendar day, 2026-01-31."""
    try:
        return None if text is None else day(text)
    except ScalarError as error:
        raise Stop(Exit.USAGE, "evidence.no_date", value=text, allowed=error.allowed) from None


def _as_span(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[date, date] | None:
    """2026, 2026-11, 2026-11-01 or A..B with B excluded, as first day and first day after."""
    if text is None:
        return None
    first, dots, after = text.partition("..")
    try:
        span = (_named(first)[0], _named(after)[0]) if dots else _named(first)
    except (ScalarError, ValueError):
        raise Stop(Exit.USAGE, "evidence.no_span", value=text) from None
    if span[1] <= span[0]:
        raise Stop(Exit.USAGE, "evidence.no_span", value=text)
    return span


@click.group("evidence", cls=TextGroup, help="evidence.help")
def evidence() -> None:
    pass


@evidence.command("add", help="evidence.add.help")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", required=True, help="option.evidence.kind")
@click.option("--criterion", "criteria", multiple=True, metavar="ID", help="option.evidence.criterion")
@click.option("--issuer", default="", help="option.evidence.issuer")
@click.option("--issued", metavar="DATE", callback=_as_day, help="option.evidence.issued")
@click.option("--valid-from", metavar="DATE", callback=_as_day, help="option.evidence.valid_from")
@click.option("--valid-to", metavar="DATE", callback=_as_day, help="option.evidence.valid_to")
@click.option("--covers", metavar="A..B", callback=_as_span, help="option.evidence.covers")
@click.option("--functions", default="", metavar="F,F", help="option.evidence.functions")
@click.option("--note", default="", help="option.evidence.note")
@click.option("--owner", default="", help="option.evidence.owner")
@click.option("--by", default="", help="option.by")
@click.option("--proposed", is_flag=True, help="option.evidence.proposed")
@pass_session
def add(session: Session, /, file: Path, kind: str, functions: str, **fields: Any) -> int:
    from assistant.evidence import Register

    register = Register(session.site)
    named = [name.strip() for name in functions.split(",") if name.strip()]
    filed = register.add(file, kind, functions=named, now=session.now(), **fields)
    entry = filed.entry
    if not filed.new:
        session.say("evidence.known", id=entry.id, name=entry.said.name, state=_state(session, register, entry))
        return Exit.DONE
    key = "evidence.renewed" if entry.version.supersedes else "evidence.filed"
    session.say(key, id=entry.id, kind=_title(session, register, entry), state=_state(session, register, entry))
    if entry.said.criteria:
        session.say("evidence.for", criteria=", ".join(entry.said.criteria))
    else:
        session.say("evidence.for_none")
    if entry.said.covers_from and entry.said.covers_to:
        session.say("evidence.covers", first=entry.said.covers_from, last=entry.said.covers_to - timedelta(days=1))
    _warn_unasked(session, register, entry)
    if entry.said.state == "proposed":
        session.say("evidence.to_confirm", id=entry.id)
    return Exit.DONE


@evidence.command("list", help="evidence.list.help")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def list_(session: Session, as_json: bool) -> int:
    from assistant.evidence import Register

    register = Register(session.site)
    entries = register.entries()
    if as_json:
        session.document("evidence", {"evidence": [_json(session, register, e) for e in entries]})
    elif not entries:
        session.say("evidence.none")
    else:
        keys = ("id", "kind", "state", "until", "criteria", "file")
        rows = [_row(session, register, entry) for entry in entries]
        click.echo(table([session.texts(f"evidence.head.{key}") for key in keys], rows))
    return Exit.DONE


@evidence.command("confirm", help="evidence.confirm.help")
@click.argument("evidence_id", metavar="ID")
@click.option("--by", default="", help="option.by")
@pass_session
def confirm(session: Session, evidence_id: str, by: str) -> int:
    from assistant.evidence import Register

    register = Register(session.site)
    entry = register.decide(register.find(evidence_id), "confirmed", me(by), session.now())
    session.say("evidence.confirmed", id=entry.id, by=entry.version.by.name, state=_state(session, register, entry))
    return Exit.DONE


@evidence.command("reject", help="evidence.reject.help")
@click.argument("evidence_id", metavar="ID")
@click.option("--why", required=True, help="option.why")
@click.option("--by", default="", help="option.by")
@pass_session
def reject(session: Session, evidence_id: str, why: str, by: str) -> int:
    from assistant.evidence import Register

    if not why.strip():
        raise Stop(Exit.USAGE, "error.no_why")
    register = Register(session.site)
    entry = register.decide(register.find(evidence_id), "rejected", me(by), session.now(), why)
    session.say("evidence.was_rejected", id=entry.id, by=entry.version.by.name, why=why)
    return Exit.DONE


def _named(text: str) -> tuple[date, date]:
    """The first day of a year, month or day, and the first day after it."""
    if len(text) == 10:
        start = day(text)
        return start, start + timedelta(days=1)
    if len(text) == 7:
        start = day(f"{text}-01")
        return start, (start + timedelta(days=31)).replace(day=1)
    if len(text) == 4:
        start = day(f"{text}-01-01")
        return start, start.replace(year=start.year + 1)
    raise ValueError(text)


def _today(session: Session) -> date:
    return Calendar(session.site.zone).local(session.now()).date()


def _state(session: Session, register: Register, entry: Entry) -> str:
    return session.texts(f"standing.{register.standing(entry, _today(session)).value}")


def _title(session: Session, register: Register, entry: Entry) -> str:
    kind = register.rulebook.kinds.get(entry.said.kind)
    return session.texts.title(kind.title) if kind else entry.said.kind


def _warn_unasked(session: Session, register: Register, entry: Entry) -> None:
    """A document counts only where its kind is asked for; one that does not is said so."""
    for name in entry.said.criteria:
        criterion = register.rulebook.criterion(name)
        if criterion and entry.said.kind not in (*criterion.evidence, *criterion.against):
            asked = ", ".join(criterion.evidence) or "--"
            session.say("evidence.unasked", criterion=name, kind=entry.said.kind, asked=asked)


def _row(session: Session, register: Register, entry: Entry) -> list[str]:
    until = register.until(entry)
    criteria = ", ".join(c.partition(".")[2] for c in entry.said.criteria) or "--"
    state = _state(session, register, entry)
    return [entry.id, entry.said.kind, state, str(until or "--"), criteria, entry.said.name]


def _json(session: Session, register: Register, entry: Entry) -> dict[str, Any]:
    said, until = entry.said, register.until(entry)
    return {
        "id": entry.id,
        "kind": said.kind,
        "title": _title(session, register, entry),
        "state": register.standing(entry, _today(session)).value,
        "until": until,
        "criteria": said.criteria,
        "file": said.file,
        "name": said.name,
        "issuer": said.issuer,
        "issued": said.issued,
        "valid_from": said.valid_from,
        "valid_to": said.valid_to,
        "covers": {"from": said.covers_from, "to": said.covers_to} if said.covers_from else None,
        "functions": said.functions,
        "note": said.note,
        "owner": said.owner or None,
        "why": said.why,
        "by": entry.version.by.name,
        "login": entry.version.by.login,
        "recorded_at": iso(entry.version.recorded_at, session.site.zone),
    }
