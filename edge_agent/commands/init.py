"""leafgate init: a commented site that is right from the first moment."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import available_timezones

import click

from configs import FOLDER
from configs.problem import nearest
from edge_agent.command import TextCommand
from edge_agent.exit import Exit, Stop
from edge_agent.session import Session, pass_session
from edge_agent.site import PLANT_FILE

DEFAULT_ZONE = "Asia/Shanghai"
PRIVATE = ("pki", "secrets")
FOLDERS = ("frameworks", "factors", "devices", "evidence")


@click.command("init", cls=TextCommand, help="init.help")
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--timezone", default=None, help="option.timezone")
@pass_session
def init(session: Session, directory: Path | None, timezone: str | None) -> int:
    folder = directory or session.folder
    if (folder / PLANT_FILE).exists():
        raise Stop(Exit.USAGE, "init.exists", folder=folder)
    zone = timezone or _zone_of_this_machine()
    if zone not in available_timezones():
        raise Stop(Exit.USAGE, "init.no_zone", zone=zone, nearest=nearest(zone, available_timezones()) or DEFAULT_ZONE)
    template = (FOLDER / "site" / PLANT_FILE).read_text(encoding="utf-8")
    language = session.texts.language
    text = template.replace("{timezone}", zone).replace("{language}", language).replace("{id}", _id(folder))
    try:
        _write(folder, text)
    except OSError as error:
        raise Stop(Exit.SITE, "init.cannot", folder=folder, why=error.strerror) from None
    session.folder = folder
    session.say("init.done", folder=folder)
    for line in ("check", "doctor", "run"):
        click.echo(f"leafgate -C {folder} {line}")
    return Exit.DONE


def _write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    for name in PRIVATE:
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o700)
    (folder / PLANT_FILE).write_text(text, encoding="utf-8")


def _id(folder: Path) -> str:
    """The folder's name as an id: letters, digits, - and _."""
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in folder.resolve().name).strip("-")
    return name or "plant"


def _zone_of_this_machine() -> str:
    """What the system says, else the zone of most plants that this is made for."""
    candidates = [os.environ.get("TZ", "")]
    try:
        candidates.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
        candidates.append(str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2])
    except OSError:
        candidates.append("")
    known = available_timezones() - {"Etc/UTC", "UTC", "Etc/UCT"}
    return next((zone for zone in candidates if zone in known), DEFAULT_ZONE)
