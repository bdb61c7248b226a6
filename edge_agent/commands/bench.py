"""leafgate bench: speed as ratios to limits of the same run."""

from __future__ import annotations

import click

from edge_agent.command import TextGroup
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session


@click.group("bench", cls=TextGroup, help="bench.help")
def bench() -> None:
    pass


@bench.command("drivers", help="bench.drivers.help")
@click.option("--quick", is_flag=True, help="option.bench.quick")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def drivers(session: Session, quick: bool, as_json: bool) -> int:
    from edge_agent.bench.drivers import rows
    from edge_agent.bench.report import lines

    taken = []
    for row in rows(quick):
        session.say("bench.taken", name=f"{row.group} {row.name}")
        taken.append(row)
    if as_json:
        session.document("bench.drivers", {"quick": quick, "rows": [row.as_json() for row in taken]})
    else:
        for line in lines(taken, session.texts):
            click.echo(line)
    missed = sum(row.is_met is False for row in taken)
    session.say("bench.count", met=sum(row.is_met is True for row in taken), missed=missed, count=len(taken))
    return Exit.DONE
