"""leafgate check: every problem of the site's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from configs.load import load
from configs.problem import ConfigError
from edge_agent.cli import problem_line
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.reason import Reason, reason
from edge_agent.session import Session, pass_session
from edge_agent.site import MANUAL, PLANT_FILE, Plant


@click.command("check", cls=TextCommand, help="check.help")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def check(session: Session, as_json: bool) -> int:
    from assistant.check import problems_of_folder

    if not (session.folder / PLANT_FILE).exists():
        raise Stop(Exit.SITE, "error.no_site", folder=session.folder)
    problems, texts = problems_of_folder(session.folder), session.texts
    notes = warnings_of(session.folder)
    lines = [problem_line(texts, problem) for problem in problems]
    if as_json:
        listed = [
            {"file": p.file, "line": p.line, "code": p.code, "text": line}
            for p, line in zip(problems, lines, strict=True)
        ]
        body = {"ok": not problems, "problems": listed, "warnings": [n.as_json(texts) for n in notes]}
        session.document("check", body)
    else:
        for line in lines:
            click.echo(line)
        for note in notes:
            session.say("warning.line", text=note.say(texts))
        session.say("check.bad" if problems else "check.good", count=len(problems))
    return Exit.SITE if problems else Exit.DONE


def warnings_of(folder: Path) -> list[Reason]:
    """What is right but will surprise."""
    try:
        plant = load(folder / PLANT_FILE, Plant, PLANT_FILE).value
    except ConfigError:
        return []
    notes = [reason("alarm_not_live", tag=tag) for tag in plant.alarms if tag.partition(".")[0] == MANUAL]
    disk = shutil.disk_usage(folder).total
    if plant.store.reserve >= disk:
        said = {"reserve": f"{plant.store.reserve / 1e6:.0f}", "disk": f"{disk / 1e6:.0f}"}
        notes.append(reason("reserve_beyond_disk", **said))
    return notes
