"""leafgate import: amounts and past readings from a CSV file."""

from __future__ import annotations

from pathlib import Path

import click

from edge_agent.cli import problem_line
from edge_agent.command import TextCommand
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session

SHOWN = 20  # faults printed; the count of all is said


@click.command("import", cls=TextCommand, help="import.help")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", default="", help="option.by")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def import_(session: Session, file: Path, by: str, as_json: bool) -> int:
    from edge_agent.intake import read_csv
    from edge_agent.ledger import me
    from edge_agent.requests import submit

    try:
        intake = read_csv(file, session.site, session.now())
    except OSError as error:
        session.say("import.no_file", file=file, why=error.strerror)
        return Exit.USAGE
    for problem in [*intake.warnings, *intake.problems][:SHOWN]:
        click.echo(problem_line(session.texts, problem), err=True)
    if intake.problems:
        session.say("import.refused", count=len(intake.problems), file=file)
        return Exit.USAGE
    new = submit(session.site, intake.requests(me(by), session.now()), "import")
    rows = len(intake.amounts) + len(intake.past)
    if as_json:
        session.document("import", {"rows": rows, "new": new, "known": rows - new})
    else:
        session.say("import.done", rows=rows, new=new, known=rows - new)
    return Exit.DONE
