"""How the writer gets a sound plant.db: a damaged one is put away, and a new one takes over what it can."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from drivers.driver import Clock
from edge_agent.alarm.event import AlarmEvent, Event
from edge_agent.exit import Stop
from edge_agent.store.alarm_log import AlarmLog
from edge_agent.store.codec.columns import Columns
from edge_agent.store.database import open_writer
from edge_agent.store.keep.budget import PLANT_DB
from edge_agent.store.keep.gaps import DESTROYED, EVER, Gap, Gaps
from edge_agent.store.keep.grain import ROWS
from edge_agent.store.rescue.check import DamagedError, check_head, check_plant, is_damage
from edge_agent.store.rescue.quarantine import QUARANTINE, Quarantined, bound, finish, put_away, quarantined

log = logging.getLogger("leafgate.store")
ALARM_KIND, ALARM_PRIORITY = "store", "high"
HOLES = "blocks"  # stands for a file in the alarm about blocks that do not decode
QUARANTINED = "quarantined"  # the reason of the alarm
GONE = "unsalvaged_deleted"  # and of the one that a file is gone which nobody had salvaged
# SQLite calls it damage when the disk fails to read (sqlite3VdbeExec on SQLITE_IOERR_CORRUPTFS); what is
# damaged stays so.
LOOKS, LOOK_AGAIN_S = 4, 0.1


def sound_writer(path: Path, cut: int, clock: Clock) -> sqlite3.Connection:
    """A connection to plant.db as `open_writer` makes it; a damaged file goes to the quarantine first.

    Raises Stop or OSError where the disk or a newer Leafgate is in the way.
    """
    finish(path.parent, path.name)
    for look in range(1, LOOKS + 1):
        if not path.exists():
            break
        try:
            return _checked_writer(path, cut)
        except (DamagedError, sqlite3.DatabaseError, UnicodeDecodeError, Stop) as error:
            if not says_damage(error):
                raise
            if look == LOOKS:
                put_away(path.parent, path.name, str(error.__cause__ or error), clock())
        time.sleep(LOOK_AGAIN_S)
    gone = bound(path.parent)
    db = open_writer(path, cut)
    for one in gone:
        say_gone(db, path.parent, one, clock())
    return db


def _checked_writer(path: Path, cut: int) -> sqlite3.Connection:
    check_head(path)
    _probe(path)
    return open_writer(path, cut)


def says_damage(error: BaseException) -> bool:
    """Whether an error is about a damaged file, also one that was put into words."""
    said = error.__cause__ if isinstance(error, Stop) else error
    return isinstance(said, DamagedError) or (said is not None and is_damage(said))


def not_carried(data: Path, name: str) -> list[Quarantined]:
    """What was put away and not taken over yet, oldest first."""
    return [found for found in quarantined(data) if found.file == name and not found.carried]


def take_over(db: sqlite3.Connection, path: Path, at: int) -> dict[str, Columns]:
    """Put names, ledger and the like into the new file, inside a transaction; answers the newest readings.

    at: when it was put away; where it has no reading any more, an unknown number is lost.
    A fault on the way costs what it is about and never the start.
    """
    from edge_agent.store.rescue.carry import carry_tables
    from edge_agent.store.rescue.rescue import Rescue

    try:
        rescue = Rescue.of(path)
        add = "INSERT OR IGNORE INTO tag (id, name) VALUES (?, ?)"
        db.executemany(add, [(number, name) for number, name in rescue.tags.items() if number > 0])
        ids: dict[str, int] = dict(db.execute("SELECT name, id FROM tag"))
        count, newest = carry_tables(db, rescue, ids), rescue.newest()
        rescue.wreck.close()
        if not newest:
            Gaps(db).add(Gap(DESTROYED, EVER, at + 1, ROWS, None, None, None, at))
        log.warning("taken over from the damaged file: %d entries, the newest readings of %d tags", count, len(newest))
        return newest
    except Exception:  # whatever a destroyed page makes of the reading of it
        log.exception("fault while the damaged file was taken over")
        return {}


def raise_alarm(alarms: AlarmLog, file: str, reason: str, now: int) -> None:
    """Say that a file is damaged, until it was salvaged; inside a transaction."""
    from edge_agent.alarm.journal import enter

    enter(alarms, alarm_of(file, reason, now), now)


def say_gone(db: sqlite3.Connection, data: Path, gone: Quarantined, now: int) -> None:
    """Enter that a file was deleted unsalvaged, and say so until somebody acknowledges it: nothing is left to do."""
    from edge_agent.alarm.journal import enter

    alarms = AlarmLog(db)
    if gone.file == PLANT_DB:
        Gaps(db).add(Gap(DESTROYED, EVER, gone.at + 1, ROWS, None, None, None, now))
    said = replace(alarm_of(QUARANTINE, GONE, now), tag=gone.file)
    enter(alarms, said, now)
    enter(alarms, replace(said, event=Event.CLEAR), now)
    if not any(q.file == gone.file and q.salvaged is None for q in quarantined(data)):
        enter(alarms, replace(alarm_of(gone.file, QUARANTINED, now), event=Event.CLEAR), now)


def alarm_of(file: str, reason: str, now: int) -> AlarmEvent:
    """That it is raised."""
    return AlarmEvent(alarm_id(file), ALARM_KIND, file, now, Event.RAISE, ALARM_PRIORITY, reason=reason)


def alarm_id(file: str) -> str:
    """The alarm of a file."""
    return f"{ALARM_KIND}.{file.removesuffix('.db')}"


def _probe(path: Path) -> None:
    """The look at the content, before anything is written to it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        try:
            check_plant(db)
        except sqlite3.OperationalError as error:
            # The second: what the schema promises is not there.
            if is_damage(error) or error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise DamagedError(str(error)) from error
            # A disk or a lock in the way: the writer's own opening says so.
