"""leafgate salvage: what a damaged file, a copy or a backup still holds goes into the archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from edge_agent.rescue.salvage import Brought

# Of an inbox nothing is no loss.
DESTROYED = {"plant.db": "salvage.destroyed.plant.db", "records.db": "salvage.destroyed.records.db"}
SHOWN = 20  # tags with lost readings


@click.command("salvage", cls=TextCommand, help="salvage.help")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option("--by", default="", help="option.by")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def salvage(session: Session, file: Path | None, by: str, as_json: bool) -> int:
    from edge_agent.ledger import me
    from edge_agent.rescue.salvage import body_of, seen_aside, sources
    from edge_agent.rescue.salvage import salvage as bring

    site = session.site
    found = sources(site, file)
    try:
        brought = [bring(site, source, me(by)) for source in found]
    except OSError as error:
        raise Stop(Exit.USAGE, "salvage.unreadable", file=error.filename or "-", why=error.strerror or error) from None
    if brought and all(one.is_nothing and one.source.entry is None for one in brought):
        raise Stop(Exit.USAGE, "salvage.holds_nothing", file=file or "-")
    aside = seen_aside(site, me(by))
    verdict = Exit.UNHEALTHY if any(_is_destroyed(one) for one in brought) else Exit.DONE
    if as_json:
        body = [_in_iso(session, body_of(one)) for one in brought]
        session.document("salvage", {"sources": body, "set_aside": aside})
        return verdict
    if not brought:
        session.say("salvage.nothing")
    for one in brought:
        _show(session, one)
    if aside:
        session.say("salvage.aside", count=aside, folder=site.data / "quarantine" / "pieces")
    return verdict


def _is_destroyed(one: Brought) -> bool:
    """Whether a file that was put away holds nothing any more that it must have held."""
    return one.is_nothing and one.source.entry is not None and one.source.file in DESTROYED


def _show(session: Session, one: Brought) -> None:
    """Kind by kind what came back, and what is gone."""
    from edge_agent.store.keep.gaps import EVER
    from edge_agent.when import iso

    say, zone = session.texts, session.site.zone
    click.echo(say("salvage.source", file=one.source.path))
    if one.source.cut_short:
        click.echo(say("salvage.cut_short"))
    if _is_destroyed(one):
        click.echo(say(DESTROYED[one.source.file]))
    found = one.found
    if found.first_at is not None and found.last_at is not None:
        span = {"first": iso(found.first_at, zone), "last": iso(found.last_at, zone)}
        new = one.new.get("readings", 0)
        click.echo(say("salvage.readings", found=found.readings, new=new, tags=len(found.tags), **span))
    for table, count in found.rows.items():
        click.echo(say("salvage.rows", kind=say(f"salvage.kind.{table}"), found=count, new=one.new.get(table, 0)))
    lost: dict[str, list[Any]] = {}
    undated: tuple[int, int] | None = None
    for tag, first, last, readings in one.lost:
        if first == EVER:
            undated = readings + (undated[0] if undated else 0), max(last, undated[1] if undated else last)
            continue
        known = lost.setdefault(tag, [first, last, 0])
        lost[tag] = [min(known[0], first), max(known[1], last), known[2] + readings]
    key = "salvage.lost" if one.source.entry else "salvage.lost_copy"
    for tag, (first, last, readings) in list(lost.items())[:SHOWN]:
        click.echo(say(key, tag=tag, first=iso(first, zone), last=iso(last, zone), count=readings))
    if undated:
        click.echo(say("salvage.undated", count=undated[0], last=iso(undated[1], zone)))
    if len(lost) > SHOWN:
        click.echo(say("salvage.lost_more", count=len(lost) - SHOWN))
    if one.unnamed:
        click.echo(say("salvage.unnamed", count=one.unnamed))
    if one.missed_pages:
        click.echo(say("salvage.pages", count=one.missed_pages))


def _in_iso(session: Session, body: dict[str, Any]) -> dict[str, Any]:
    from edge_agent.store.keep.gaps import EVER
    from edge_agent.when import iso

    for row in [body["readings"], *body["lost"]]:
        for end in ("first_at", "last_at"):
            row[end] = None if row[end] in (None, EVER) else iso(row[end], session.site.zone)
    return body
