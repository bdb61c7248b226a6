"""leafgate bench: speed as ratios to limits of the same run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from edge_agent.command import TextGroup
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from edge_agent.bench.report import Row


@click.group("bench", cls=TextGroup, help="bench.help")
def bench() -> None:
    pass


@bench.command("drivers", help="bench.drivers.help")
@click.option("--quick", is_flag=True, help="option.bench.quick")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def drivers(session: Session, quick: bool, as_json: bool) -> int:
    from edge_agent.bench.drivers import rows

    return _told(session, "drivers", rows(quick), quick, as_json)


@bench.command("store", help="bench.store.help")
@click.option("--quick", is_flag=True, help="option.bench.quick")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def store(session: Session, quick: bool, as_json: bool) -> int:
    from edge_agent.bench.store import rows

    return _told(session, "store", rows(quick), quick, as_json)


@bench.command("agent", help="bench.agent.help")
@click.option("--quick", is_flag=True, help="option.bench.quick")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def agent(session: Session, quick: bool, as_json: bool) -> int:
    from edge_agent.bench.agent import rows

    return _told(session, "agent", rows(quick), quick, as_json)


def _told(session: Session, name: str, rows: Iterable[Row], quick: bool, as_json: bool) -> int:
    """Each figure is named on stderr once it is taken; what they are comes at the end."""
    from edge_agent.bench.report import lines

    taken = []
    for row in rows:
        session.say("bench.taken", name=f"{row.group} {row.name}")
        taken.append(row)
    if as_json:
        session.document(f"bench.{name}", {"quick": quick, "rows": [row.as_json() for row in taken]})
    else:
        for line in lines(taken, session.texts):
            click.echo(line)
    missed = sum(row.is_met is False for row in taken)
    session.say("bench.count", met=sum(row.is_met is True for row in taken), missed=missed, count=len(taken))
    return Exit.DONE
