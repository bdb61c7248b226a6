"""One writer at a time: whoever holds data/agent.lock writes plant.db."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = "agent.lock"
WATCH_LOCK = "watch.lock"  # held by `leafgate watch`, which does not write plant.db
BEAT_S = 15.0  # an idle agent touches its card no more often than this
SILENT_S = 60.0  # a holder without a sign of life for longer hangs
PATIENCE_S = 1.0  # a reader that looks whether an agent runs holds the lock for an instant
DIRECTORY_MODE = 0o2770  # set-gid: sidecar files that a viewer leaves belong to the site's group
FILE_MODE = 0o660


class BusyError(Exception):
    """Somebody else writes; `pid` is who, 0 when unknown."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(f"process {pid} holds the lock")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, since when, as which command, and its last sign of life; microseconds UTC."""

    pid: int
    since: int
    command: str
    alive: int = 0


def make_data_folder(data: Path) -> None:
    """Create the data folder so that viewers of the site's group cannot lock the agent out."""
    os.umask(0o007)
    if not data.exists():
        made = [folder for folder in (data, *data.parents) if not folder.exists()]
        data.mkdir(parents=True)
        data.chmod(DIRECTORY_MODE)
        for folder in made:
            _sync(folder.parent)


def _sync(folder: Path) -> None:
    """A name is safe once the folder that holds it is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(data: Path, command: str, patience_s: float = PATIENCE_S, lock: str = LOCK_FILE) -> Iterator[None]:
    """Hold the lock; raises BusyError when another process still does after `patience_s`."""
    make_data_folder(data)
    with (data / lock).open("a+") as file:
        deadline = time.monotonic() + patience_s
        while not _lock(file.fileno(), fcntl.LOCK_EX):
            holder = _holder(data, lock)
            if time.monotonic() > deadline:
                raise BusyError(holder.pid if holder else 0)
            time.sleep(0.02)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": time.time_ns() // 1000, "command": command}))
        file.flush()
        yield
        file.truncate(0)


def beat(data: Path, lock: str = LOCK_FILE) -> None:
    """A sign of life of the holder: the time of the lock file, at most every BEAT_S."""
    path = data / lock
    if time.time() - path.stat().st_mtime >= BEAT_S:
        os.utime(path)


def running(data: Path, lock: str = LOCK_FILE) -> Holder | None:
    """Who holds a lock now, or None."""
    try:
        with (data / lock).open() as file:
            if _lock(file.fileno(), fcntl.LOCK_SH):
                return None
    except OSError:
        return None
    return _holder(data, lock) or Holder(0, 0, "")


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(data: Path, lock: str = LOCK_FILE) -> Holder | None:
    try:
        said = json.loads((data / lock).read_text())
        alive = (data / lock).stat().st_mtime_ns // 1000
        return Holder(int(said["pid"]), int(said["since"]), str(said["command"]), alive)
    except (OSError, ValueError, KeyError, TypeError):
        return None
