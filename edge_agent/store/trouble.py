"""Why a disk does not take what is to be stored, as one word for screens; its texts are `trouble.WORD`."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

WORDS = ("full", "read_only", "locked", "failing", "reserve", "budget")
FULL, READ_ONLY, LOCKED, FAILING, RESERVE, BUDGET = WORDS
_ERRNO = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}
_CODES = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
}


def trouble_of(error: Exception, folder: Path) -> str:
    """The word for what stands in the way of writing into a folder."""
    if is_read_only(folder):
        return READ_ONLY
    if isinstance(error, OSError):
        why = getattr(error, "why", "")  # a room.NoRoomError: a limit of plant.yaml, not the disk itself
        return why if why in (RESERVE, BUDGET) else _ERRNO.get(error.errno or 0, FAILING)
    code = getattr(error, "sqlite_errorcode", 0)
    # SQLite's shared memory has no code of its own for a full disk.
    return FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else _CODES.get(code & 0xFF, FAILING)


def is_read_only(folder: Path) -> bool:
    """Whether the file system of a folder is mounted read-only; False where there is no folder."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False
