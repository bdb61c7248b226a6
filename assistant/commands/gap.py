"""leafgate gap: what is still lacking for certification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from edge_agent.command import TextCommand
from edge_agent.commands.period_option import moment_of
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from assistant.gap import Assessment

EXITS = {"ready": Exit.DONE, "not_ready": Exit.NOT_READY, "cannot_tell": Exit.CANNOT_TELL}


@dataclass(frozen=True, slots=True)
class Gap:
    """An assessment and the body of its JSON document."""

    assessment: Assessment
    body: dict[str, Any]

    @property
    def exit_code(self) -> Exit:
        return EXITS[self.assessment.verdict.value]


@click.command("gap", cls=TextCommand, help="gap.help")
@click.option("--framework", metavar="ID", default=None, help="option.framework")
@click.option("--at", "at_text", metavar="T", default=None, help="option.at")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def gap(session: Session, framework: str | None, at_text: str | None, as_json: bool) -> int:
    found = body_of(session, framework, moment_of(session, at_text))
    if as_json:
        session.document("gap", found.body)
    else:
        show(session, found)
    return found.exit_code


def body_of(session: Session, framework: str | None = None, at: int | None = None) -> Gap:
    """The assessment and the body of `gap --json`."""
    from assistant.gap import assess

    found = assess(session.site, session.now(), at, framework)
    return Gap(found, found.as_json(session.texts))


def show(session: Session, found: Gap) -> None:
    """The same for a person."""
    for line in found.assessment.in_words(session.texts):
        click.echo(line)
