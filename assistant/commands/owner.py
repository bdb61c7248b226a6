"""leafgate owner: who answers for a criterion."""

from __future__ import annotations

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.ledger import me
from edge_agent.session import Session, pass_session


@click.command("owner", cls=TextCommand, help="owner.help")
@click.argument("criterion")
@click.argument("name")
@click.option("--by", default="", help="option.by")
@pass_session
def owner(session: Session, criterion: str, name: str, by: str) -> int:
    from assistant.evidence import Register, criterion_id
    from assistant.people import set_owner

    if not name.strip():
        raise Stop(Exit.USAGE, "owner.no_name")
    register = Register(session.site)
    found = criterion_id(register.rulebook, criterion)
    set_owner(register.records, found, name.strip(), me(by), session.now())
    session.say("owner.done", criterion=found, owner=name.strip())
    return Exit.DONE
