"""Opening SQLite files: the writer with its schema, readers that keep nothing open."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import randbits

from edge_agent.exit import Exit, Stop
from edge_agent.store.lock import FILE_MODE
from edge_agent.store.old import LAST
from edge_agent.store.upgrade import carry_over

SCHEMA = Path(__file__).parent / "schema"
BUSY_MS = 5000
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# What SQLite answers where it may not make its shared memory file, and where there is no room for it.
READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
NO_ROOM = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP)
NEWEST = max(int(path.stem) for path in SCHEMA.glob("*.sql"))


def open_writer(path: Path, cut: int = 0) -> sqlite3.Connection:
    """plant.db for its one writer: WAL, full synchronisation, the newest schema; `cut` as in Days, for a new file.

    Raises Stop for a database of a newer Leafgate or a damaged one.
    """
    fresh = not path.exists()
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        if fresh:
            os.chmod(path, FILE_MODE)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        # Before anything else, or SQLite passes it over; it lets retention give disk back (+6 % bytes written).
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        write_ahead(connection)
        # FULL: in a simulated power cut NORMAL lost rows that were already acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        _upgrade(connection, path, cut)
        # What a reader remembers of another file, or of this one as it was, must not pass for its content.
        connection.execute("UPDATE mark SET value = ? WHERE name = 'opening'", (randbits(62),))
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _explained(path, error) from error
    except Stop:
        connection.close()
        raise
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection for one question; also on a read-only disk.

    Raises Stop when the file is damaged, locked away or newer than this program.
    """
    try:
        connection = _read_only(path)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _explained(path, error) from error
    try:
        if path.name == "plant.db":
            _refuse_newer(connection, path)
        yield connection
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _explained(path, error) from error
    finally:
        connection.close()


def _read_only(path: Path) -> sqlite3.Connection:
    plain = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(plain, uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        if not _is_alone(path, error.sqlite_errorcode):
            raise
    log = path.with_name(path.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(plain + "&immutable=1", uri=True, isolation_level=None)
    connection = sqlite3.connect(plain + "&vfs=unix-none", uri=True, isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # keeps what would be shared in its own memory
    return connection


def _is_alone(path: Path, code: int) -> bool:
    """Whether the shared memory file is neither there nor to be had; then nobody can write below a reader either."""
    return code in NO_ROOM or (code & 0xFF in READ_ONLY and not path.with_name(path.name + "-shm").exists())


def version(connection: sqlite3.Connection) -> int:
    """The schema's version; 0 before there is one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def write_ahead(connection: sqlite3.Connection) -> None:
    """SQLite does not wait its turn when two processes change the mode of a new file at once."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    found = version(connection)
    if found > NEWEST:
        raise Stop(Exit.SITE, "error.newer_database", file=path, found=found, known=NEWEST)


def _upgrade(connection: sqlite3.Connection, path: Path, cut: int) -> None:
    """Everything in one transaction: an upgrade that is interrupted begins again."""
    _refuse_newer(connection, path)
    found = version(connection)
    if found == NEWEST:
        return
    scripts = [(SCHEMA / f"{number:03}.sql").read_text(encoding="utf-8") for number in range(found + 1, NEWEST + 1)]
    connection.executescript("\n".join(("BEGIN IMMEDIATE;", *scripts, f"PRAGMA user_version = {NEWEST};")))
    if found <= LAST:
        connection.execute("UPDATE mark SET value = ? WHERE name = 'cut'", (cut,))
        carry_over(connection)
    connection.execute("COMMIT")
    if found:  # most pages of an old file are free now; only one that was made anew can give any back
        with suppress(sqlite3.OperationalError):
            connection.execute("VACUUM")


def _explained(path: Path, error: sqlite3.DatabaseError | UnicodeDecodeError) -> Stop:
    """In words. A damaged page can make SQLite say something that is no UTF-8."""
    if not isinstance(error, sqlite3.OperationalError):
        return Stop(Exit.SITE, "error.damaged_database", file=path, why=error)
    full = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL
    return Stop(Exit.SITE, "error.full_disk" if full else "error.unreadable_database", file=path, why=error)
