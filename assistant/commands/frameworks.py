"""leafgate frameworks: the rule sets."""

from __future__ import annotations

from typing import Any

import click

from edge_agent.command import TextGroup
from edge_agent.exit import Exit
from edge_agent.period import Calendar
from edge_agent.session import Session, pass_session
from edge_agent.table import table


@click.group("frameworks", cls=TextGroup, help="frameworks.help")
def frameworks() -> None:
    pass


@frameworks.command("list", help="frameworks.list.help")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def list_(session: Session, as_json: bool) -> int:
    body = body_of(session)
    if as_json:
        session.document("frameworks", {"frameworks": body})
        return Exit.DONE
    yes_no = {True: session.texts("frameworks.applies"), False: "--"}
    rows = [[f["id"], f["title"], f["jurisdiction"], f["valid_from"], yes_no[f["applies"]]] for f in body]
    keys = ("id", "title", "jurisdiction", "valid_from", "applies")
    click.echo(table([session.texts(f"frameworks.head.{key}") for key in keys], rows))
    return Exit.DONE


def body_of(session: Session) -> list[dict[str, Any]]:
    """Every framework, and whether it applies to this site today."""
    from assistant.choice import frameworks_of
    from assistant.indicators import TABLE
    from kb.framework import load_rulebook

    site = session.site
    rulebook = load_rulebook(site.folder, TABLE)
    day = Calendar(site.zone).local(session.now()).date()
    applying = {f.id for f in frameworks_of(rulebook, site, day)}
    return [
        {
            "id": f.id,
            "edition": f.edition,
            "title": session.texts.title(f.title),
            "jurisdiction": f.jurisdiction,
            "valid_from": f.valid_from.isoformat(),
            "supersedes": f.supersedes,
            "text_status": f.text_status,
            "pass_mark": f.pass_mark,
            "criteria": len(f.criteria),
            "points": sum(c.points or 0.0 for c in f.criteria),
            "applies": f.id in applying,
            "source": f.source,
            "confidence": f.confidence,
        }
        for f in rulebook.frameworks.values()
    ]
