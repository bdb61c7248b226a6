"""leafgate export: stored readings and amounts, in the form that import takes."""

from __future__ import annotations

import csv
import json
import sys

import click

from configs.problem import nearest
from edge_agent.command import TextCommand
from edge_agent.commands.period_option import period_of
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session


@click.command("export", cls=TextCommand, help="export.help")
@click.option("--period", "text", default="today", show_default=True, help="option.period")
@click.option("--tag", "tags", multiple=True, help="option.tag")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", help="option.format")
@pass_session
def export(session: Session, text: str, tags: tuple[str, ...], form: str) -> int:
    from edge_agent.output import COLUMNS, rows

    period = period_of(session, text)
    known = session.site.tags()
    for tag in tags:
        if tag not in known:
            raise Stop(Exit.USAGE, "error.no_tag", tag=tag, nearest=nearest(tag, known) or "-")
    found = rows(session.site, period, tags or tuple(known))
    if form == "jsonl":
        for row in found:
            sys.stdout.write(json.dumps(row.as_json(), ensure_ascii=False) + "\n")
        return Exit.DONE
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.as_csv() for row in found)
    return Exit.DONE
