"""leafgate import: amounts and past readings from a CSV or JSON lines file."""

from __future__ import annotations

from pathlib import Path

import click

from edge_agent.cli import problem_line
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

SHOWN = 20  # faults printed; the count of all is said
_UNREADABLE: dict[type[OSError], str] = {
    FileNotFoundError: "import.missing",
    IsADirectoryError: "import.folder",
    PermissionError: "import.denied",
}


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
    _must_be_a_file(file)
    try:
        for part in read_file(file, session.site, session.now()):
            for problem in [*part.warnings, *part.problems][: SHOWN - shown]:
                click.echo(problem_line(session.texts, problem), err=True)
                shown += 1
            faults += len(part.problems)
            new += submit(session.site, part.requests(me(by), session.now()), "import") if len(part) else 0
            rows += len(part)
    except KeyboardInterrupt:
        session.say("import.stopped", rows=rows, file=file)
        raise
    if as_json:
        session.document("import", {"rows": rows, "new": new, "known": rows - new, "faults": faults})
    else:
        session.say("import.done", rows=rows, new=new, known=rows - new)
    if faults:
        session.say("import.faults" if rows else "import.nothing", count=faults, file=file)
    return Exit.USAGE if faults else Exit.DONE


def _must_be_a_file(path: Path) -> None:
    """Raises Stop for what cannot be opened."""
    try:
        path.open("rb").close()
    except OSError as error:
        key = _UNREADABLE.get(type(error), "import.no_file")
        raise Stop(Exit.USAGE, key, file=path, why=error.strerror) from None
