"""leafgate export: stored readings and amounts in the form that import takes, or values of periods."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import click

from configs.problem import nearest
from edge_agent.command import TextCommand
from edge_agent.commands.period_option import period_of
from edge_agent.exit import Exit, Stop
from edge_agent.period import Period, Step
from edge_agent.session import Session, pass_session

DEFAULT = "today"
BOM = "\ufeff"  # by which a spreadsheet program on a Chinese desktop knows UTF-8


@click.command("export", cls=TextCommand, help="export.help")
@click.option("--period", "text", default=None, help="option.export.period")
@click.option("--every", type=click.Choice(get_args(Step)), help="option.every")
@click.option("--tag", "tags", multiple=True, help="option.tag")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", help="option.format")
@click.option("--seen", is_flag=True, help="option.seen")
@click.option("--untimed", is_flag=True, help="option.untimed")
@click.option("--excel", is_flag=True, help="option.excel")
@pass_session
def export(
    session: Session,
    text: str | None,
    every: Step | None,
    tags: tuple[str, ...],
    form: str,
    seen: bool,
    untimed: bool,
    excel: bool,
) -> int:
    from edge_agent.intake_line import COLUMNS
    from edge_agent.output import PERIOD, SEEN, UNTIMED, Output

    if excel and form == "jsonl":
        raise Stop(Exit.USAGE, "export.excel_csv")
    period, output = period_of(session, text or DEFAULT), Output(session.site, session.now())
    known = output.tags()
    for tag in tags:
        if tag not in known:
            raise Stop(Exit.USAGE, "error.no_tag", tag=tag, nearest=nearest(tag, known) or "-")
    if every == "shift" and not session.site.calendar.shifts:
        raise Stop(Exit.USAGE, "error.no_shifts")
    if untimed:
        _write(output.untimed(tags), UNTIMED, form, excel)
        return Exit.DONE
    if text is None:
        session.say("export.period", **_ends(session, period))
    wanted = list(dict.fromkeys(tags)) or list(session.site.tags())
    if every is None:
        _write(output.readings(period, wanted), SEEN if seen else COLUMNS, form, excel)
        return Exit.DONE
    columns = [*PERIOD, "shift"] if every == "shift" else PERIOD
    _write(output.values(period, wanted, every, session.texts.language), columns, form, excel)
    return Exit.DONE


def _ends(session: Session, period: Period) -> dict[str, str]:
    """Begin and end of a period as people read them."""
    from edge_agent.when import iso, short

    zone = session.site.zone
    return {"start": short(iso(period.start, zone)), "end": short(iso(period.end, zone))}


def _write(rows: Iterable[dict[str, Any]], columns: Sequence[str], form: str, excel: bool) -> None:
    from edge_agent.output import cells

    if excel:
        sys.stdout.write(BOM)
    if form == "jsonl":
        for row in rows:
            named = {name: row[name] for name in columns if name in row}
            sys.stdout.write(json.dumps(named, ensure_ascii=False) + "\n")
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(cells(row, columns) for row in rows)
