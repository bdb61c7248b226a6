"""leafgate import: amounts and past readings from a CSV or JSON lines file."""

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
    from edge_agent.intake import read_file
    from edge_agent.ledger import me
    from edge_agent.requests import submit

    rows = new = faults = shown = 0
    try:
        for part in read_file(file, session.site, session.now()):
            for problem in [*part.warnings, *part.problems][: SHOWN - shown]:
                click.echo(problem_line(session.texts, problem), err=True)
                shown += 1
            faults += len(part.problems)
            rows += len(part)
            new += submit(session.site, part.requests(me(by), session.now()), "import") if len(part) else 0
    except OSError as error:
        session.say("import.no_file", file=file, why=error.strerror)
        return Exit.USAGE
    if as_json:
        session.document("import", {"rows": rows, "new": new, "known": rows - new, "faults": faults})
    else:
        session.say("import.done", rows=rows, new=new, known=rows - new)
    if faults:
        session.say("import.faults", count=faults, file=file)
    return Exit.USAGE if faults else Exit.DONE
