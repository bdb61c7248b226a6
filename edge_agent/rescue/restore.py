"""`leafgate restore`: the files of a backup into a site folder; nothing that is there is lost by it."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

from edge_agent.exit import Exit, Stop
from edge_agent.requests import wall_clock
from edge_agent.store.lock import FILE_MODE, BusyError, writing
from edge_agent.store.rescue.backup import DATABASES, Backup, extract, read_manifest
from edge_agent.store.rescue.check import DamagedError
from edge_agent.store.rescue.quarantine import mark, put_away, quarantined

_PLACES = {f"data/{name}": name for name in DATABASES}  # a site may have files of these names elsewhere


@dataclass(frozen=True, slots=True)
class Restored:
    """What was laid down, what was there and stayed, and which databases went to the quarantine for it."""

    backup: Backup
    written: list[str]
    kept: list[str]
    put_away: list[str]


def restore(folder: Path, path: Path, force: bool) -> Restored:
    """Lay a backup down. A database that is there refuses it; by force it goes to the quarantine, for `salvage`.

    Site files that are there stay. Raises Stop.
    """
    try:
        backup = read_manifest(path)
    except DamagedError as error:
        raise Stop(Exit.USAGE, "restore.no_backup", file=path, why=error) from None
    except OSError as error:
        raise Stop(Exit.USAGE, "restore.no_backup", file=path, why=error.strerror) from None
    data = folder / "data"
    there = [name for place, name in _PLACES.items() if place in backup.files and (data / name).exists()]
    if there and not force:
        raise Stop(Exit.USAGE, "restore.there", file=data / there[0], backup=path)
    try:
        with writing(data, "restore"):
            return _laid_down(folder, data, backup, there)
    except BusyError as busy:
        raise Stop(Exit.BUSY, "error.agent_runs", pid=busy.pid) from None
    except (DamagedError, KeyError, tarfile.TarError) as error:  # KeyError: a file that is not in it
        raise Stop(Exit.UNHEALTHY, "restore.damaged", file=path, why=error) from None


def _laid_down(folder: Path, data: Path, backup: Backup, there: list[str]) -> Restored:
    """Everything is checked beside its place before anything that is there moves."""
    for name in backup.files:
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise DamagedError(name)
    fresh = {place: data / f".restored-{name}" for place, name in _PLACES.items() if place in backup.files}
    others = [name for name in backup.files if name not in fresh]
    kept = [name for name in others if (folder / name).exists()]
    written = [name for name in others if name not in kept]
    try:
        for name, place in fresh.items():
            extract(backup, name, place)
        for name in written:
            extract(backup, name, folder / name)
    except BaseException:
        for place in fresh.values():
            place.unlink(missing_ok=True)
        raise
    for name in there:
        put_away(data, name, "restore", wall_clock())
    for found in quarantined(data):
        if found.why == "restore" and not found.carried:
            mark(found, carried=True)  # the backup stands in its place, not an empty file
    for name, place in fresh.items():
        place.rename(folder / name)
        (folder / name).chmod(FILE_MODE)
        written.append(name)
    return Restored(backup, written, kept, there)
