"""Whether a database is damaged: a look of bounded time at each start. The long one is full_check.

SQLite has no sums for its pages, so what is looked at is what a page must be to be right: the tree it
belongs to, an index beside its table, a commit beside its sum.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from pathlib import Path

from edge_agent.store.codec.commit import Commit
from edge_agent.store.database import NEWEST, version
from edge_agent.store.old import LAST
from edge_agent.store.rescue.pages import MAGIC
from edge_agent.store.rescue.shape import consists_of, expected, plant_shapes

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LIMIT_S = 2.0  # for the whole look; a database that is longer to look at is not called damaged
_OPCODES = 20_000  # of SQLite's machine between two looks at the clock: some milliseconds
_NO_TEXT = "Could not decode to UTF-8"  # Python's own word, without a code, on a text that is none
_HEAD = 100  # bytes of a file
_LARGE = ("hot", "body", "block", "apart")  # looked at in other ways
OPEN = "SELECT id, rows, seen, body FROM hot WHERE id > (SELECT value FROM mark WHERE name = 'sealed') ORDER BY id"


class DamagedError(Exception):
    """The file is not what this program wrote; the message says in what, for the log."""


def is_damage(error: BaseException) -> bool:
    """Whether an error of SQLite says that a file is damaged; neither a full disk nor a lock is."""
    if not isinstance(error, sqlite3.DatabaseError):
        return isinstance(error, UnicodeDecodeError)  # a damaged page makes SQLite say what is no text
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF in DAMAGE if code is not None else str(error).startswith(_NO_TEXT)


def check_head(path: Path) -> None:
    """Raises DamagedError for a file that is no database, or of a version that is not its own."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return  # the first start has not come that far
    if len(head) < _HEAD or not head.startswith(MAGIC):
        raise DamagedError("the file is no database")
    if head[18] not in (1, 2) or head[19] not in (1, 2) or head[21:24] != bytes((64, 32, 32)):
        raise DamagedError("the head of the file")
    size = 1 << 16 if head[16:18] == b"\0\1" else int.from_bytes(head[16:18])
    log = path.with_name(path.name + "-wal")
    alone = not log.exists() or not log.stat().st_size
    if alone and head[24:28] == head[92:96] and path.stat().st_size < size * int.from_bytes(head[28:32]):
        raise DamagedError("the file is cut short")


def check_plant(db: sqlite3.Connection, limit_s: float = LIMIT_S) -> None:
    """Raises DamagedError, or what SQLite raises, for a plant.db whose content contradicts itself."""
    with _within(db, limit_s):
        _schema(db)
        if LAST < version(db) <= NEWEST:
            for look in (_marks, _small, _commits, _tree):
                look(db)


def check_any(db: sqlite3.Connection, limit_s: float = LIMIT_S) -> None:
    """The same for another database, of which only SQLite's own rules are known."""
    with _within(db, limit_s):
        _say(db, "PRAGMA integrity_check(1)")


class _within:
    """What takes longer ends, and is no damage."""

    def __init__(self, db: sqlite3.Connection, limit_s: float) -> None:
        self._db, self._until = db, time.monotonic() + limit_s

    def __enter__(self) -> None:
        self._db.set_progress_handler(lambda: time.monotonic() > self._until, _OPCODES)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> bool:
        self._db.set_progress_handler(None, 0)
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _schema(db: sqlite3.Connection) -> None:
    found, there = version(db), consists_of(db)
    if found > NEWEST:
        return  # of a newer Leafgate: it is refused elsewhere, with a sentence
    if there != expected(found):
        raise DamagedError("the schema")


def _marks(db: sqlite3.Connection) -> None:
    marks: dict[str, int] = dict(db.execute("SELECT name, value FROM mark"))
    last = db.execute("SELECT MAX(id) FROM hot").fetchone()[0]
    if not {"opening", "sealed", "seals", "days", "filed"} <= marks.keys() or min(marks["sealed"], marks["seals"]) < 0:
        raise DamagedError("the marks")
    if last is not None and last < marks["sealed"]:
        raise DamagedError("the mark of what is sealed")


def _small(db: sqlite3.Connection) -> None:
    for table in sorted(plant_shapes().keys() - {*_LARGE, "sample"}):
        _say(db, f"PRAGMA integrity_check({table})")


def _commits(db: sqlite3.Connection) -> None:
    """The numbers of the open commits leave nothing out. A commit that does not decode is not a matter of the file."""
    sealed: int = db.execute("SELECT value FROM mark WHERE name = 'sealed'").fetchone()[0]
    for place, (number, rows, seen, body) in enumerate(db.execute(OPEN), sealed + 1):
        if number != place:
            raise DamagedError("the numbers of the commits")
        told = size_of(body)
        if told is not None and told != (rows, seen):
            raise DamagedError(f"commit {number}")


def _tree(db: sqlite3.Connection) -> None:
    """Blocks beside their index; the bodies by their tree alone."""
    _say(db, "PRAGMA integrity_check(block)")
    for table in ("hot", "apart", "body"):
        _say(db, f"PRAGMA quick_check({table})")


def size_of(body: bytes) -> tuple[int, int] | None:
    """The rows of a commit and the newest time at which one was got; None where its sum is wrong."""
    try:
        commit = Commit(body)
    except zlib.error:
        return None
    parts = [commit.rows(tag) for tag in commit.tags()]
    return sum(map(len, parts)), max(max(part.seen) for part in parts)


def _say(db: sqlite3.Connection, pragma: str) -> None:
    said = db.execute(pragma).fetchone()[0]
    if said != "ok":
        raise DamagedError(str(said).replace("\n", " "))
