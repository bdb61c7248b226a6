"""leafgate backup and leafgate restore: a site in one file, and back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from configs.problem import ConfigError
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session

if TYPE_CHECKING:
    from edge_agent.store.rescue.backup import Backup

MEGA = 1_000_000


@click.command("backup", cls=TextCommand, help="backup.help")
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE|DIR")
@click.option("--with-secrets", is_flag=True, help="option.backup.secrets")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def backup(session: Session, target: Path, with_secrets: bool, as_json: bool) -> int:
    from edge_agent.store.rescue.backup import DATABASES, NoRoomError, back_up
    from edge_agent.store.rescue.check import DamagedError
    from edge_agent.when import iso

    site, now = session.site, session.now()
    if not any((site.data / name).exists() for name in DATABASES):
        raise Stop(Exit.SITE, "backup.no_data", folder=site.data)
    if target.is_dir():
        stamp = datetime.fromtimestamp(now / MEGA, UTC).strftime("%Y%m%dT%H%M%SZ")
        target /= f"leafgate-{site.plant.site.id}-{stamp}.tar"
    if target.exists():
        raise Stop(Exit.USAGE, "backup.there", file=target)
    try:
        made = back_up(site.folder, site.data, target.absolute(), site.plant.site.id, now, with_secrets)
    except NoRoomError as error:
        said = {"needed": f"{error.needed / MEGA:.0f}", "free": f"{error.free / MEGA:.0f}"}
        raise Stop(Exit.SITE, "backup.no_room", folder=target.parent, **said) from None
    except DamagedError as error:
        raise Stop(Exit.UNHEALTHY, "backup.damaged", why=error) from None
    _noted(session, made)
    if as_json:
        sizes = {name: int(one["bytes"]) for name, one in made.files.items()}
        session.document("backup", {"file": str(target), "at": iso(made.at, site.zone), "files": sizes})
    else:
        click.echo(session.texts("backup.done", file=target, count=len(made.files), size=f"{made.size / MEGA:.1f}"))
        if not with_secrets:
            session.say("backup.no_secrets")
    return Exit.DONE


def _noted(session: Session, made: Backup) -> None:
    """Remember the backup; somebody who may only read has made a good one all the same."""
    from edge_agent.store.rescue.backup import NOTE, note

    try:
        note(session.site.data, made)
    except OSError as error:
        with suppress(OSError):
            (session.site.data / f"{NOTE}.part").unlink()
        session.say("backup.not_noted", folder=session.site.data, why=error.strerror)


def _when(session: Session, made: Backup) -> str:
    """When a backup was made, by the clock of its site where plant.yaml can be read."""
    from edge_agent.when import iso, short

    try:
        return short(iso(made.at, session.site.zone))
    except (ConfigError, Stop):
        return datetime.fromtimestamp(made.at / MEGA, UTC).strftime("%Y-%m-%d %H:%M UTC")


@click.command("restore", cls=TextCommand, help="restore.help")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--force", is_flag=True, help="option.restore.force")
@click.option("--json", "as_json", is_flag=True, help="option.json")
@pass_session
def restore(session: Session, file: Path, force: bool, as_json: bool) -> int:
    from edge_agent.rescue.restore import restore as lay_down

    done = lay_down(session.folder, file, force)
    if as_json:
        said = {"written": done.written, "kept": done.kept, "put_away": done.put_away}
        session.document("restore", {"file": str(file), "site": done.backup.site, **said})
        return Exit.DONE
    made = _when(session, done.backup)
    click.echo(session.texts("restore.done", count=len(done.written), made=made, folder=session.folder))
    for name in done.kept:
        session.say("restore.kept", file=name)
    if done.put_away:
        session.say("restore.put_away")
    return Exit.DONE
