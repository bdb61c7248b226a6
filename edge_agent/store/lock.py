"""One writer at a time: whoever holds data/agent.lock writes plant.db.

The lock file is the holder's card as well; it keeps its size, so that it can be written on a full disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Literal

from edge_agent.store.trouble import READ_ONLY, is_read_only

LOCK_FILE = "agent.lock"
WATCH_LOCK = "watch.lock"  # held by `leafgate watch`, which does not write plant.db
CARD_BYTES = 512
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
    """Who holds the lock, since when, as which command, and its last sign of life; microseconds UTC.

    trouble: why it cannot store, a word of trouble.py; empty when it can.
    """

    pid: int
    since: int
    command: str
    alive: int = 0
    trouble: str = ""

    def state(self, now: int) -> Literal["running", "stuck", "silent"]:
        """Stuck: it cannot store; silent: it hangs. On a read-only disk it cannot even give a sign of life."""
        if now - self.alive > SILENT_S * 1_000_000 and self.trouble != READ_ONLY:
            return "silent"
        return "stuck" if self.trouble else "running"


def make_data_folder(data: Path) -> None:
    """Create the data folder so that viewers of the site's group cannot lock the agent out."""
    os.umask(0o007)
    if not data.exists():
        made = [folder for folder in (data, *data.parents) if not folder.exists()]
        data.mkdir(parents=True, exist_ok=True)  # somebody else may be just as far
        data.chmod(DIRECTORY_MODE)
        for folder in made:
            sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
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
    with open(os.open(data / lock, os.O_RDWR | os.O_CREAT, FILE_MODE), "r+b", 0) as file:
        deadline = time.monotonic() + patience_s
        while not _lock(file.fileno(), fcntl.LOCK_EX):
            holder = _holder(data, lock)
            if time.monotonic() > deadline:
                raise BusyError(holder.pid if holder else 0)
            time.sleep(0.02)
        _write(file, {"pid": os.getpid(), "since": time.time_ns() // 1000, "command": command})
        yield
        with suppress(OSError):  # the disk is read-only by now; nobody takes the card of one who is gone for true
            _write(file, {})


def beat(data: Path, lock: str = LOCK_FILE) -> None:
    """A sign of life of the holder: the time of the lock file, at most every BEAT_S."""
    path = data / lock
    if time.time() - path.stat().st_mtime >= BEAT_S:
        os.utime(path)


def tell(data: Path, trouble: str, lock: str = LOCK_FILE) -> None:
    """Note on the holder's card why it cannot store; empty when it can."""
    with (data / lock).open("r+b", 0) as file:
        _write(file, {**json.loads(file.read() or "{}"), "trouble": trouble})


def running(data: Path, lock: str = LOCK_FILE) -> Holder | None:
    """Who holds a lock now, or None."""
    try:
        with (data / lock).open() as file:
            if _lock(file.fileno(), fcntl.LOCK_SH):
                return None
    except OSError:
        return None
    return _holder(data, lock) or Holder(0, 0, "")


def _write(file: RawIOBase, card: dict[str, object]) -> None:
    file.seek(0)
    file.write(json.dumps(card).ljust(CARD_BYTES).encode())


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
        trouble = READ_ONLY if is_read_only(data) else str(said.get("trouble", ""))
        return Holder(int(said["pid"]), int(said["since"]), str(said["command"]), alive, trouble)
    except (OSError, ValueError, KeyError, TypeError):
        return None
