"""leafgate energy: the account of a period."""

from __future__ import annotations

from typing import Any

import click

from edge_agent.command import TextCommand
from edge_agent.commands.period_option import moment_of, period_of
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session
from edge_agent.table import table
from edge_agent.when import short


@click.command("energy", cls=TextCommand, help="energy.help")
@click.option("--period", "text", default="year", show_default=True, help="option.period")
@click.option("--at", "at_text", default=None, help="option.at")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def energy(session: Session, text: str, at_text: str | None, as_json: bool) -> int:
    body = body_of(session, text, moment_of(session, at_text))
    if as_json:
        session.document("energy", body)
    else:
        show(session, body)
    return Exit.DONE


def body_of(session: Session, text: str, at: int | None = None) -> dict[str, Any]:
    """The body of `energy --json`."""
    from edge_agent.energy.account import account, intensities
    from edge_agent.energy.books import Books
    from edge_agent.energy.report import account_json

    books = Books.open(session.site, session.now(), at)
    period = period_of(session, text, books.at)
    result = account(books, period)
    return account_json(books, result, intensities(books, period, result), session.texts)


def show(session: Session, body: dict[str, Any]) -> None:
    """The same for a person."""
    say = session.texts
    click.echo(
        say(
            "energy.title",
            **{**body["period"], "from": short(body["period"]["from"]), "to": short(body["period"]["to"])},
        )
    )
    rows = [
        [
            say(f"carrier.{line['carrier']}"),
            say(f"flow.{line['flow']}"),
            shown(line["value"], 1),
            line["unit"],
            shown(line["tce"], 2),
            shown(line["tco2"], 2),
            "--" if line["coverage"] is None else f"{line['coverage'] * 100:.1f} %",
        ]
        for line in body["carriers"]
    ]
    keys = ("carrier", "flow", "value", "unit", "tce", "tco2", "coverage")
    click.echo(table([say(f"energy.head.{key}") for key in keys], rows, right={2, 4, 5, 6}))
    totals = body["totals"]
    click.echo(
        say(
            "energy.totals",
            tce=shown(totals["tce"], 2),
            tco2=shown(totals["tco2"], 2),
            share=shown(body["renewable_share"], 2),
        )
    )
    for item in body["intensities"]:
        click.echo(say(f"intensity.{item['name']}", value=shown(item["value"], 4), unit=item["unit"]))
    for warning in body["warnings"]:
        click.echo(say("warning.line", text=warning["text"]))


def shown(value: float | list[float] | None, digits: int) -> str:
    """A number by GB/T 8170 (half to even), an interval by its two ends, `--` for unknown."""
    if value is None:
        return "--"
    if isinstance(value, list):
        return "..".join(shown(end, digits) for end in value)
    return f"{round(value, digits):,.{digits}f}".replace(",", " ")
