"""What doctor says of the data folder: its databases, what waits to be salvaged, the backup, the room."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from edge_agent.exit import Stop
from edge_agent.finding import Check, quoted
from edge_agent.inbox import INBOX_DB
from edge_agent.site import Site
from edge_agent.store.database import reading
from edge_agent.store.rescue.check import DamagedError, check_any, is_damage
from edge_agent.store.rescue.document_merge import RECORDS_DB
from edge_agent.store.store import PLANT_DB
from edge_agent.store.trouble import FAILING, FULL, LOCKED, READ_ONLY, trouble_of
from edge_agent.when import short

LOOK_S = 30.0  # for each database; one that takes longer to look at is not called damaged
DAMAGED, DENIED, NEWER = "damaged", "denied", "newer"


def stored(site: Site) -> Iterator[Check]:
    """Every check of the data folder; where it is closed to us, only that."""
    if site.data.exists() and not os.access(site.data, os.R_OK | os.X_OK):
        yield _denied(site.data, site.data)
        return
    for name in (PLANT_DB, RECORDS_DB, INBOX_DB):
        yield from _database(site, site.data / name)
    yield from _rescue(site)
    yield from _room(site)


def _database(site: Site, path: Path) -> Iterator[Check]:
    if not path.exists():
        if path.name == PLANT_DB:
            yield Check("database", True, "doctor.database.none", {"file": path})
        return
    try:
        with reading(path) as db:
            check_any(db, LOOK_S)
    except DamagedError as error:
        yield _faulty(site, path, DAMAGED, error)
    except Stop as stop:
        cause = stop.__cause__
        word = _word(path, cause) if isinstance(cause, sqlite3.Error) else NEWER
        if word == NEWER:
            yield Check("database", False, stop.key, stop.fields)
        else:
            yield _faulty(site, path, word, cause)
    else:
        yield Check("database", True, "doctor.database.ok", {"file": path})


def _word(path: Path, error: sqlite3.Error) -> str:
    """What stands in the way of reading a database."""
    if is_damage(error):
        return DAMAGED
    return DENIED if _closed(path) else trouble_of(error, path.parent)


def _faulty(site: Site, path: Path, word: str, why: object) -> Check:
    if word == DENIED:
        return _denied(_closed(path) or path, site.data)
    repairs = {
        DAMAGED: f"leafgate -C {quoted(site.folder)} salvage",
        FULL: f"df -h {quoted(site.data)}",
        READ_ONLY: f"findmnt -T {quoted(site.data)}",
        LOCKED: f"fuser -v {quoted(path)}",
        FAILING: "sudo dmesg --level=err,warn",
    }
    return Check("database", False, f"doctor.database.{word}", {"file": path, "why": why}, repairs[word])


def _closed(path: Path) -> Path | None:
    """The file of a database that keeps us from reading it: SQLite has to write into the two beside it."""
    parts = [(path, os.R_OK), *((path.with_name(path.name + end), os.R_OK | os.W_OK) for end in ("-wal", "-shm"))]
    return next((part for part, mode in parts if part.exists() and not os.access(part, mode)), None)


def _denied(path: Path, data: Path) -> Check:
    """The group of the data folder opens all of it: either the file is not given to it, or we are not in it."""
    from grp import getgrgid

    group = data.stat().st_gid
    try:
        name = getgrgid(group).gr_name
    except KeyError:
        name = str(group)
    said, mode = path.stat(), 0o770 if path.is_dir() else 0o660
    if said.st_gid == group and said.st_mode & mode == mode:
        repair = f"sudo usermod -aG {name} $USER"
        return Check("database", False, "doctor.database.group", {"file": path, "group": name}, repair)
    wanted = "2770" if path.is_dir() else "660"
    repair = f"sudo chgrp {name} {quoted(path)} && sudo chmod {wanted} {quoted(path)}"
    return Check("database", False, "doctor.database.denied", {"file": path, "group": name}, repair)


def _rescue(site: Site) -> Iterator[Check]:
    """What lies in quarantine, and the newest backup."""
    from edge_agent.rescue.told import backup_age_days, damaged

    told, folder = damaged(site), site.data / "quarantine"
    command = f"leafgate -C {quoted(site.folder)}"
    if told["files"]:
        said = {"count": len(told["files"]), "folder": folder}
        yield Check("quarantine", False, "doctor.quarantine.bad", said, f"{command} salvage")
    if told["set_aside"]:
        yield Check("blocks", True, "doctor.aside.bad", {"count": told["set_aside"], "folder": folder})
    age = backup_age_days(site, time.time_ns() // 1000)
    if age is not None:
        newest = told["backup"]
        said = {"days": f"{age:.0f}", "at": short(newest["at"]), "file": newest["file"]}
        yield Check("backup", True, "doctor.backup.ok", said)
    elif (site.data / PLANT_DB).exists():
        yield Check("backup", True, "doctor.backup.none", {}, f"{command} backup DIR")


def _room(site: Site) -> Iterator[Check]:
    """How long the budget lasts, and what happens then."""
    from edge_agent.kept import kept

    try:
        found = kept(site)
    except Stop:
        return  # a database that cannot be read has been told of
    if found is None:
        return
    said = {name: f"{found[name] / 1e6:.0f}" for name in ("used", "budget", "free", "reserve")}
    if found["reached"]:
        repair = f"df -h {quoted(site.data)}" if found["reached"] == "reserve" else f"du -a {quoted(site.data)}"
        yield Check("room", False, f"doctor.room.{found['reached']}", said, repair)
    else:
        yield Check("room", True, "doctor.room.ok", said)
    ahead = found["forecast"]
    if ahead is None:
        yield Check("forecast", True, "doctor.forecast.none")
        return
    lasts = {name: _days(ahead[f"{name}_days"]) for name in ("full_in", "raw", "quarter", "hour")}
    yield Check("forecast", True, "doctor.forecast.ok", {**lasts, "daily": f"{ahead['bytes_a_day'] / 1e6:.2f}"})


def _days(count: float) -> str:
    """Days, to two digits where there are few."""
    return f"{count:.0f}" if count >= 10 else f"{count:.1f}"
