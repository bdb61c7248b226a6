"""A damaged database while an agent is there: put away, a new one begun, and what it held taken over."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from drivers.driver import Clock
from edge_agent.inbox import INBOX_DB, SCHEMA, Inbox
from edge_agent.store.rescue.check import DamagedError, check_any, check_head, is_damage
from edge_agent.store.rescue.document_merge import RECORDS_DB, document_rows, merge_documents
from edge_agent.store.rescue.full_check import FullCheck
from edge_agent.store.rescue.opening import LOOK_AGAIN_S, LOOKS, QUARANTINED, not_carried, raise_alarm
from edge_agent.store.rescue.quarantine import finish, mark, put_away
from edge_agent.store.rescue.shape import Shape, shapes
from edge_agent.store.rescue.wreck import Wreck
from edge_agent.store.store import PLANT_DB, Store

log = logging.getLogger("leafgate.store")


def mend(data: Path, store: Store, clock: Clock, why: str | None = None, sure: bool = False) -> bool:
    """Put away what is damaged of the two; where neither is, `why` is about plant.db. Whether its file is another now.

    sure: whatever a second look says, which finds nothing where only the disk failed for a moment. A file that a
    disk or a lock keeps from us is left alone.
    """
    away = [name for name in (INBOX_DB, RECORDS_DB) if _put_away_if_damaged(data, name, clock)]
    anew = why is not None and not away and (sure or _is_damaged(data / PLANT_DB))
    if anew:
        store.begin_anew(why or "")
    for name, work in ((INBOX_DB, _take_over_inbox), (RECORDS_DB, _take_over_records)):
        for found in not_carried(data, name):
            try:
                work(data, found.path)
            except Exception:  # whatever a destroyed page makes of the reading of it
                log.exception("fault while %s was taken over", found.path)
            with store.transaction():
                raise_alarm(store.alarms, name, QUARANTINED, found.at)
            mark(found, carried=True)
    return anew


def _is_damaged(path: Path) -> bool:
    look = FullCheck(path)
    next(look.steps(), None)  # the pages; what is in them may be seen later
    return look.why is not None


def _put_away_if_damaged(data: Path, name: str, clock: Clock) -> bool:
    finish(data, name)
    looks = 1
    while (why := _damage(data / name)) is not None:
        if looks == LOOKS:
            put_away(data, name, why, clock())
            return True
        looks += 1
        time.sleep(LOOK_AGAIN_S)
    return False


def _damage(path: Path) -> str | None:
    """What is wrong with a file; None where nothing is, or where a disk or a lock keeps it from us."""
    if not path.exists():
        return None
    try:
        check_head(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            check_any(db)
    except (DamagedError, UnicodeDecodeError, sqlite3.DatabaseError) as error:
        return None if isinstance(error, sqlite3.DatabaseError) and not is_damage(error) else str(error)
    return None


def _take_over_inbox(data: Path, path: Path) -> None:
    """The wishes that nobody has carried out; plant.db knows those that it has."""
    found = Inbox(data).take_over(waiting_in(path))
    log.warning("%d requests taken over from the damaged inbox", found)


def waiting_in(path: Path) -> list[dict[str, Any]]:
    """The requests of a damaged inbox that were not done."""
    return [row for row in _rows(path, shapes([SCHEMA]), "request") if row["done"] is None and row["payload"]]


def _take_over_records(data: Path, path: Path) -> None:
    found, new = merge_documents(data / RECORDS_DB, document_rows(path))
    log.warning("%d of %d documents taken over from the damaged file", new, found)


def _rows(path: Path, of: Mapping[str, Shape], table: str) -> list[dict[str, Any]]:
    wreck = Wreck(path, of)
    try:
        columns = of[table].columns
        return [dict(zip(columns, row, strict=True)) for row in dict.fromkeys(wreck.rows(table))]
    finally:
        wreck.close()
