"""Single blocks and commits whose sum is wrong: what stands in their place, and where their bytes are kept.

The file around them is sound, so it stays; the readings in them are a hole that says so.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
import zlib
from pathlib import Path
from typing import Any

from drivers.reading import Quality
from edge_agent.store.codec.columns import Columns
from edge_agent.store.codec.commit import Commit
from edge_agent.store.keep.gaps import EVER, UNDATED, Gap, Gaps
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.lock import DIRECTORY_MODE, FILE_MODE, sync_folder
from edge_agent.store.rescue.quarantine import QUARANTINE

log = logging.getLogger("leafgate.store")
DAMAGED = "block_damaged"  # the reason of a row that only says that others were here
PIECES = "pieces"  # the folder in the quarantine
MOST = 1000  # files; a disk that spoils more than this has spoilt the archive
_HEADER = """
SELECT first_at, last_at, seen, n, COALESCE((SELECT name FROM tag WHERE tag.id = block.tag), block.tag)
FROM block WHERE id = ?"""
_BODY = "SELECT bytes FROM body WHERE id >= ? AND id < ? ORDER BY id"
_PIECES_EACH = 1 << 14  # ids of pieces that a block has


def stamped(block: int, body: bytes) -> bytes:
    """The bytes of a body and whose it is: the ids of pieces have no sum of their own."""
    return body + zlib.crc32(block.to_bytes(8)).to_bytes(4)


def unstamped(block: int, body: bytes) -> bytes:
    """Without the stamp; raises zlib.error where it is not that of the block."""
    if stamped(block, b"") != body[-4:]:
        raise zlib.error("the body of another block")
    return body[:-4]


def hole(db: sqlite3.Connection, block: int) -> Columns:
    """What a block that does not decode says: from its first moment to its last nothing is known."""
    found = db.execute("SELECT first_at, last_at, seen FROM block WHERE id = ?", (block,)).fetchone()
    if found is None:
        return Columns()
    first, last, seen = found
    log.debug("block %d does not decode", block)
    ends = [first] if first == last else [first, last]
    count = len(ends)
    return Columns(ends, [seen] * count, [None] * count, [int(Quality.BAD)] * count, [DAMAGED] * count)


def set_aside(db: sqlite3.Connection, rows: Columns, blocks: list[int]) -> None:
    """Keep the bytes of those blocks that do not decode, and count the loss, before a merge takes them out.

    rows: what the blocks gave; inside the transaction of the merge.
    """
    for block in blocks if DAMAGED in rows.reasons else ():
        if not is_whole(db, block):
            first, last, seen, count = keep_block(db, block)
            count -= _back(db, block, first, last, seen)
            if count > 0:
                _count(db, Gap("damage", first, last + 1, ROWS, None, 1, count, seen))


def keep_block(db: sqlite3.Connection, block: int) -> tuple[int, int, int, int]:
    """Keep the bytes of a block; answers its first and last moment, when it was got, its readings. Raises OSError."""
    first, last, seen, count, tag = db.execute(_HEADER, (block,)).fetchone()
    said = {"tag": tag, "first_at": first, "last_at": last, "readings": count}
    _keep(db, f"block-{tag}-{first}", _bytes_of(db, block), said)
    return first, last, seen, count


def is_whole(db: sqlite3.Connection, block: int) -> bool:
    """Whether the bytes of a block are as they were written."""
    inflate = zlib.decompressobj()
    try:
        inflate.decompress(unstamped(block, _bytes_of(db, block)))
    except zlib.error:
        return False
    return inflate.eof


def commit_of(db: sqlite3.Connection, number: int, body: bytes) -> Commit | None:
    """The commit in these bytes; one that does not decode is kept aside and counted, and is None."""
    try:
        return Commit(body)
    except zlib.error:
        seen, count = db.execute("SELECT seen, rows FROM hot WHERE id = ?", (number,)).fetchone()
        _keep(db, f"commit-{number}-{seen}", body, {"seen": seen, "readings": count})
        _count(db, Gap(UNDATED, EVER, seen + 1, ROWS, None, None, count, seen))
        return None


def readable(commits: list[tuple[int, bytes]]) -> list[tuple[int, Commit]]:
    """Those of numbered commits that decode."""
    found = []
    for number, body in commits:
        try:
            found.append((number, Commit(body)))
        except zlib.error:
            log.debug("commit %d does not decode", number)
    return found


def aside(data: Path) -> list[Path]:
    """What is kept there."""
    return sorted((data / QUARANTINE / PIECES).glob("*.json"))


def _count(db: sqlite3.Connection, gap: Gap) -> None:
    """Enter the loss and raise the alarm about it, inside the transaction of the writer."""
    from edge_agent.store.alarm_log import AlarmLog
    from edge_agent.store.rescue.opening import HOLES, raise_alarm

    Gaps(db).add(gap)
    raise_alarm(AlarmLog(db), HOLES, DAMAGED, time.time_ns() // 1000)


def _back(db: sqlite3.Connection, block: int, first: int, last: int, seen: int) -> int:
    """How many moments of a block came back: they were got before its last row and were written after it."""
    from edge_agent.store.sealed.hot import Hot
    from edge_agent.store.sealed.index import Index

    (tag,) = db.execute("SELECT tag FROM block WHERE id = ?", (block,)).fetchone()
    hot = Hot()
    hot.refresh(db)
    pieces = Index(db).pieces(tag, first, last)
    own = [n for n, piece in enumerate(pieces) if (piece.first_at, piece.last_at, piece.seen) == (first, last, seen)]
    later = [piece.read(first, last) for piece in pieces[own[0] + 1 if own else len(pieces) :]]
    moments = set[int]()
    for rows in [*later, hot.rows(tag).between(first, last)]:
        said = zip(rows.at, rows.seen, rows.reasons, strict=True)
        moments.update(at for at, got, why in said if got <= seen and why != DAMAGED)
    return len(moments)


def _bytes_of(db: sqlite3.Connection, block: int) -> bytes:
    found = db.execute(_BODY, (block * _PIECES_EACH, (block + 1) * _PIECES_EACH))
    return b"".join(piece for (piece,) in found)


def _keep(db: sqlite3.Connection, name: str, body: bytes, said: dict[str, Any]) -> None:
    """Under one name for the same piece, so that a step that is done again keeps it once. Raises OSError."""
    folder = Path(db.execute("PRAGMA database_list").fetchone()[2]).parent / QUARANTINE / PIECES
    log.error("%s does not decode and is set aside: %s", name, said)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(DIRECTORY_MODE)
    path = folder / f"{name.replace('/', '_')}.json"
    if path.exists() or len(list(folder.iterdir())) >= MOST:
        return
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump({**said, "found": time.time_ns() // 1000, "body": body.hex()}, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(FILE_MODE)
    os.rename(part, path)
    sync_folder(folder)
    sync_folder(folder.parent)
