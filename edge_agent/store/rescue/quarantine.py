"""Where damaged files wait for `leafgate salvage`: data/quarantine, a folder for each, moved there by name.

A folder that was salvaged goes once three newer ones are there, or something else needs the room. One that was
not goes only where the disk has less free than its reserve and nothing else can go, and never before the new file
has taken over what it needs at once.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.store.lock import DIRECTORY_MODE, FILE_MODE, sync_folder

log = logging.getLogger("leafgate.quarantine")
QUARANTINE = "quarantine"
WHY_FILE = "quarantine.json"
KEEP = 3  # salvaged folders that stay, for whoever wants to look at the file itself
RESERVE_BYTES = 64 * 1024 * 1024  # free space below which an old quarantine is worth less than new readings
LOG_PARTS = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One damaged file in its folder, since when and why; microseconds UTC."""

    folder: Path
    file: str
    why: str
    at: int
    carried: bool  # whether the new file has taken over what it needs at once
    salvaged: int | None

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


def put_away(data: Path, name: str, why: str, now: int) -> Path:
    """Move a database with its log into a folder of its own; it is safely there when this returns. Raises OSError."""
    folder = _new_folder(data, now)
    _write(folder, {"file": name, "why": why, "at": now, "carried": False, "salvaged": None})
    for part in ("", *LOG_PARTS):
        _move(data / f"{name}{part}", folder)
    sync_folder(folder)
    sync_folder(data)
    log.error("%s is put away (%s): %s", name, why, folder)
    return folder


def finish(data: Path, name: str) -> None:
    """The power failed while a database was put away: its log follows it. Else a new file would take it for its own."""
    if (data / name).exists() or not any((data / f"{name}{part}").exists() for part in LOG_PARTS):
        return
    for found in reversed(quarantined(data)):
        if found.file == name and found.path.exists():
            for part in LOG_PARTS:
                if not (found.folder / f"{name}{part}").exists():
                    _move(data / f"{name}{part}", found.folder)
            sync_folder(found.folder)
            sync_folder(data)
            return


def quarantined(data: Path) -> list[Quarantined]:
    """What lies there, oldest first."""
    return sorted(_found(data / QUARANTINE), key=lambda q: (q.at, q.folder.name))


def mark(found: Quarantined, carried: bool | None = None, salvaged: int | None = None) -> None:
    """Note how far one is taken over: into the new file, or by `leafgate salvage` at a time."""
    carried = found.carried if carried is None else carried
    salvaged = found.salvaged if salvaged is None else salvaged
    said = {"file": found.file, "why": found.why, "at": found.at, "carried": carried, "salvaged": salvaged}
    _write(found.folder, said)


def bound(data: Path, reserve: int = RESERVE_BYTES) -> list[Quarantined]:
    """Let go of what may go; answers what of it nobody had salvaged."""
    salvaged = [q for q in quarantined(data) if q.salvaged is not None]
    for _ in salvaged[KEEP:]:
        drop(data)
    lost = list[Quarantined]()
    while (
        quarantined(data)
        and shutil.disk_usage(data).free < reserve
        and (gone := drop(data) or drop(data, unsalvaged=True))
    ):
        lost += [gone] if gone.salvaged is None else []
    return lost


def drop(data: Path, unsalvaged: bool = False) -> Quarantined | None:
    """Delete the oldest folder that was salvaged, or else that was not; answers what is gone, None where none may."""
    for old in quarantined(data):
        if (old.salvaged is None) == unsalvaged and (old.carried or not unsalvaged):
            shutil.rmtree(old.folder, ignore_errors=True)
            if old.folder.exists():
                continue
            level = logging.ERROR if unsalvaged else logging.WARNING
            log.log(level, "%s is deleted%s to make room", old.path, ", which nobody had salvaged," * unsalvaged)
            return old
    return None


def _new_folder(data: Path, now: int) -> Path:
    above = data / QUARANTINE
    if not above.exists():
        above.mkdir()
        above.chmod(DIRECTORY_MODE)
        sync_folder(data)
    stamp = datetime.fromtimestamp(now / 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1, 1000):
        folder = above / (stamp if number == 1 else f"{stamp}-{number}")
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(DIRECTORY_MODE)
            sync_folder(above)
            return folder
    raise OSError(f"{above / stamp}: no free name")


def _move(path: Path, folder: Path) -> None:
    with suppress(FileNotFoundError):
        os.rename(path, folder / path.name)


def _write(folder: Path, said: dict[str, object]) -> None:
    fresh = folder / f"{WHY_FILE}.part"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(FILE_MODE)
    os.rename(fresh, folder / WHY_FILE)
    sync_folder(folder)


def _found(above: Path) -> Iterator[Quarantined]:
    if not above.is_dir():
        return
    for folder in above.iterdir():
        try:
            said = json.loads((folder / WHY_FILE).read_text(encoding="utf-8"))
            yield Quarantined(
                folder, str(said["file"]), str(said["why"]), int(said["at"]), bool(said["carried"]), said["salvaged"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
