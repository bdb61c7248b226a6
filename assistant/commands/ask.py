"""leafgate ask: a question in the asker's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from assistant.commands.kb import guarded
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

FILE = click.Path(exists=False, path_type=Path)


@click.command("ask", cls=TextCommand, help="ask.help")
@click.argument("question", required=False)
@click.option("--batch", type=FILE, default=None, metavar="FILE.jsonl", help="option.ask.batch")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def ask(session: Session, question: str | None, batch: Path | None, as_json: bool) -> int:
    from assistant.ask_batch import read_batch

    if (question is None) == (batch is None):
        raise Stop(Exit.USAGE, "error.ask_question_or_batch")
    session.must_be_a_site()
    with guarded(session):
        if batch is not None:
            for line in read_batch(batch, "question"):
                found = {"error": session.texts(line.error)} if line.error else body(session, line.text)
                session.document("ask", {**line.carried, **found})
            return Exit.DONE
        found = body(session, question or "")
    if as_json:
        session.document("ask", found)
    else:
        show(session, found)
    return Exit.DONE


def body(session: Session, question: str) -> dict[str, Any]:
    """The body of `ask --json`."""
    from assistant.answer import answer

    return answer(session, question).as_json()


def show(session: Session, found: dict[str, Any]) -> None:
    """The same for a person."""
    click.echo(found["answer"])
    said = found["answer"]
    for warning in found["warnings"]:
        if warning["text"] not in said:
            click.echo(session.texts("warning.line", text=warning["text"]))
