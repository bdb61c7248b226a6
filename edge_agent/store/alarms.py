"""The read-only questions about alarms; a database from before there were any, or none, answers nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from edge_agent.alarm.event import AlarmEvent
from edge_agent.store.alarm_log import COLUMNS, event_of
from edge_agent.store.database import reading, version
from edge_agent.store.sealed.archive import asking
from edge_agent.store.store import PLANT_DB

ALL = -1  # what SQLite takes for no limit
SINCE = 2  # the schema version that brought alarm events
_STANDING = f"""
SELECT {COLUMNS} FROM (SELECT alarm AS name, MAX(id) AS begun FROM alarm_event WHERE event = 'raise' GROUP BY alarm)
JOIN alarm_event ON alarm = name AND id >= begun ORDER BY alarm, id"""
_BETWEEN = f"SELECT {COLUMNS} FROM alarm_event WHERE at >= ? AND at < ? ORDER BY at DESC, id DESC LIMIT ?"


class AlarmReader:
    """The alarm events of one site's data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / PLANT_DB

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        if not self._path.exists():
            return []
        with reading(self._path) as db:
            return db.execute(statement, values).fetchall() if version(db) >= SINCE else []

    def standing(self) -> dict[str, list[AlarmEvent]]:
        """Of every alarm that was ever raised: what happened since its last raise, oldest first."""
        events = [event_of(row) for row in self._ask(_STANDING)]
        return {alarm: list(group) for alarm, group in groupby(events, lambda e: e.alarm)}

    def between(self, start: int, end: int, most: int | None = None) -> list[AlarmEvent]:
        """The events from start to end, end excluded, newest first; the newest `most` of them, or all."""
        return [event_of(row) for row in self._ask(_BETWEEN, start, end, ALL if most is None else most)]

    def last_good(self, tags: Iterable[str], before: int) -> dict[str, tuple[int, float, str | None]]:
        """Time, value and reason of the last good reading, at or before a time, of each of these tags that has one."""
        with asking(self._path) as archive:
            if archive is None:
                return {}
            ids = archive.ids()
            found = {name: archive.before(ids[name], before, "good") for name in set(tags) & ids.keys()}
            return {name: (s.at, s.value, s.reason) for name, s in found.items() if s and s.value is not None}
