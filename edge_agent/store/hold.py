"""Whether the files of an open plant.db are still the ones at their names: somebody may take one away meanwhile.

What a writer commits into a file without a name is gone when it ends; as long as it is open all of it is there.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from edge_agent.store.lock import FILE_MODE, sync_folder

log = logging.getLogger("leafgate.store")


class Hold:
    """The two files of one writer's connection: the database and its write-ahead log."""

    def __init__(self, path: Path) -> None:
        self._paths = path, path.with_name(path.name + "-wal")
        self._held = self._now()

    @property
    def lost(self) -> bool:
        """Whether one of them was taken away, or another lies at its name."""
        return self._now() != self._held

    def put_back(self, db: sqlite3.Connection) -> None:
        """Bring what the open connection knows back to the name; raises what SQLite or the disk raises.

        The connection is to be closed and opened anew then.
        """
        path = self._paths[0]
        if self._now()[0] == self._held[0]:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            log.error("the write-ahead log of %s was taken away; all of it was still there and is in the file", path)
            return
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # so that our log does not lie beside another file
        if path.exists():
            other = path.with_name(f"{path.name}.other-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
            os.replace(path, other)
            log.error("another database was laid over %s; it is %s now, for leafgate salvage", path, other)
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(part)) as copy:
            copy.execute("PRAGMA synchronous = FULL")
            db.backup(copy)
        part.chmod(FILE_MODE)
        os.replace(part, path)
        sync_folder(path.parent)
        log.error("%s was taken away; all of it was still there and was laid down again", path)

    def _now(self) -> tuple[int | None, ...]:
        return tuple(map(_number, self._paths))


def _number(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
