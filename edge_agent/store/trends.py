"""The read-only questions of screens about the past: minute means, the last usable reading, how far back it goes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from drivers.reading import Quality
from edge_agent.store.database import reading, version
from edge_agent.store.store import PLANT_DB

MINUTE_US = 60_000_000
# An inverter that says it sleeps delivers nothing, which is not the same as being unknown.
_NUMBER = "COALESCE(value, CASE WHEN reason = 'asleep' THEN 0.0 END)"
_MINUTES = f"""
SELECT tag.name, at / {MINUTE_US}, AVG({_NUMBER}), MAX(at), {_NUMBER} FROM tag JOIN sample ON sample.tag = tag.id
WHERE tag.name IN (SELECT value FROM json_each(?1)) AND at >= ?2 AND at < ?3
GROUP BY tag.id, at / {MINUTE_US} ORDER BY tag.id, at / {MINUTE_US}"""
_USABLE = f"""
SELECT tag.name, (SELECT at FROM sample WHERE tag = tag.id AND at <= ?2 AND value IS NOT NULL
  AND quality <= {int(Quality.UNCERTAIN)} ORDER BY at DESC LIMIT 1)
FROM tag WHERE tag.name IN (SELECT value FROM json_each(?1))"""
_OLDEST = "SELECT MIN((SELECT MIN(at) FROM sample WHERE tag = tag.id)) FROM tag"


class Minute(NamedTuple):
    """One minute of one tag: its mean over usable readings, and the last reading in it; None is unknown."""

    tag: str
    minute: int  # minutes since 1970 UTC
    mean: float | None
    last_at: int
    last: float | None


class TrendReader:
    """The readings of one site's data folder, condensed; without a database every answer is empty."""

    def __init__(self, data: Path) -> None:
        self._path = data / PLANT_DB

    def minutes(self, tags: Iterable[str], start: int, end: int) -> list[Minute]:
        """The minutes from start to end, end excluded, in which one of the tags has a reading; secondary side."""
        return [Minute(*row) for row in self._ask(_MINUTES, json.dumps(sorted(tags)), start, end)]

    def last_usable(self, tags: Iterable[str], before: int) -> dict[str, int]:
        """When each of these tags last had a value, at or before a time."""
        rows = self._ask(_USABLE, json.dumps(sorted(tags)), before)
        return {name: at for name, at in rows if at is not None}

    def oldest(self) -> int | None:
        """The time of the oldest reading."""
        rows = self._ask(_OLDEST)
        return rows[0][0] if rows else None

    def size(self) -> int | None:
        """Bytes of the database and its write-ahead log; None where there is none."""
        try:
            log = self._path.with_name(self._path.name + "-wal")
            return self._path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        except OSError:
            return None

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        if not self._path.exists():
            return []
        with reading(self._path) as db:
            return db.execute(statement, values).fetchall() if version(db) else []
