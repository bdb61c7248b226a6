"""leafgate doctor: the machine and the site's folders, each fault with the command that repairs it."""

from __future__ import annotations

import click

from edge_agent.command import TextCommand
from edge_agent.exit import Exit
from edge_agent.session import Session, pass_session

WELL, HINT, FAULT = "[ok]", "[i] ", "[!!]"  # a hint is no fault, but there is something to do


@click.command("doctor", cls=TextCommand, help="doctor.help")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def doctor(session: Session, as_json: bool) -> int:
    from edge_agent.health import examine

    findings = examine(session.site)
    body = [
        {"check": f.check, "ok": f.ok, "text": session.texts(f.key, **f.fields), "repair": f.repair} for f in findings
    ]
    if as_json:
        session.document("doctor", {"findings": body})
    else:
        for row in body:
            mark = FAULT if not row["ok"] else HINT if row["repair"] else WELL
            click.echo(f"{mark} {row['text']}")
            if row["repair"]:
                click.echo(f"     {row['repair']}")
    return Exit.DONE if all(f.ok for f in findings) else Exit.UNHEALTHY
