"""Files that are there as a whole or not at all, whatever is switched off and whoever writes beside us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"
_ours = threading.Lock()  # some file systems hold a process to be alone with itself


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Put a file with these permissions into the place of any other; raises OSError and leaves the old one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(content)
            file.flush()
            os.fsync(handle)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else who asks for it works in this folder, in no thread and no process; raises OSError."""
    with _ours:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)  # gives the lock back


def _sync(folder: Path) -> None:
    """Have the folder remember the new name through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
