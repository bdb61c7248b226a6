"""leafgate grade: a person's judgement of a criterion."""

from __future__ import annotations

import click

from configs.scalars import ScalarError, number
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.ledger import me
from edge_agent.session import Session, pass_session

NOT_APPLICABLE, TAKEN_BACK = "na", "none"


@click.command("grade", cls=TextCommand, help="grade.help")
@click.argument("criterion")
@click.argument("value", metavar="0..1|na|none")
@click.option("--why", required=True, help="option.why")
@click.option("--by", default="", help="option.by")
@pass_session
def grade(session: Session, criterion: str, value: str, why: str, by: str) -> int:
    from assistant.evidence import Register, criterion_id
    from assistant.people import set_grade

    register = Register(session.site)
    name = criterion_id(register.rulebook, criterion)
    given = None if value in (NOT_APPLICABLE, TAKEN_BACK) else _share(value)
    found = register.rulebook.criterion(name)
    if given is not None and found and found.is_measured:
        raise Stop(Exit.USAGE, "grade.computed", criterion=name)
    if not why.strip():
        raise Stop(Exit.USAGE, "error.no_why")
    set_grade(register.records, name, given, value == NOT_APPLICABLE, why.strip(), me(by), session.now())
    key = {NOT_APPLICABLE: "grade.not_applicable", TAKEN_BACK: "grade.taken_back"}.get(value, "grade.done")
    session.say(key, criterion=name, value=value, by=me(by).name)
    if given == 1.0 and found and found.kind == "must":
        session.say("grade.needs_evidence", criterion=name)
    return Exit.DONE


def _share(text: str) -> float:
    try:
        value = number(text)
    except ScalarError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise Stop(Exit.USAGE, "grade.no_value", value=text)
    return value
