"""The long look at a plant.db: SQLite's own check of every page, then the sum of every block. Read-only.

The bodies are gone through in pieces of a transaction each, so that the write-ahead log need not grow for long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.store.database import version
from edge_agent.store.old import LAST
from edge_agent.store.rescue.aside import is_whole, keep_block
from edge_agent.store.rescue.check import OPEN, DamagedError, check_plant, size_of
from edge_agent.store.rescue.opening import says_damage

STEP_BLOCKS = 200  # in one transaction: some tens of milliseconds
_LONG_S = 3600.0  # the look that a start bounds


@dataclass
class FullCheck:
    """One look at one file; `why` says what is wrong with the file, `blocks` which do not decode."""

    path: Path
    keep: bool = True  # the bytes of blocks that do not decode, in the quarantine beside the file
    why: str | None = None
    blocks: list[int] = field(default_factory=list)
    commits: int = 0  # open ones that do not decode
    looked_at: int = 0  # blocks

    def steps(self) -> Iterator[None]:
        """Look at it bit by bit; after each the caller may pause. Raises what SQLite raises for a lock or a disk."""
        try:
            self._pages()
            yield
            last = -1
            while (found := self._blocks(last)) is not None:
                last = found
                yield
        except (DamagedError, UnicodeDecodeError, sqlite3.DatabaseError) as error:
            if not isinstance(error, UnicodeDecodeError) and not says_damage(error):
                raise
            self.why = str(error)

    def _pages(self) -> None:
        with closing(_reader(self.path)) as db:
            check_plant(db, _LONG_S)
            said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said != "ok":
                raise DamagedError(str(said).replace("\n", " "))
            if version(db) > LAST:
                self.commits = sum(size_of(body) is None for *_, body in db.execute(OPEN))

    def _blocks(self, after: int) -> int | None:
        """Decode the blocks that follow one; answers the last of them, None where there is none."""
        with closing(_reader(self.path)) as db:
            if version(db) <= LAST:
                return None
            db.execute("BEGIN")
            statement = "SELECT id FROM block WHERE id > ? ORDER BY id LIMIT ?"
            found = db.execute(statement, (after, STEP_BLOCKS)).fetchall()
            for (block,) in found:
                if not is_whole(db, block):
                    self.blocks.append(block)
                    if self.keep:
                        keep_block(db, block)
            self.looked_at += len(found)
            return found[-1][0] if found else None


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
