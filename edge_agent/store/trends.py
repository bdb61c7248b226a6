"""The read-only questions of screens about the past: minute means, the last usable reading, how far back it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from edge_agent.store.codec.columns import Columns
from edge_agent.store.sealed.archive import asking
from edge_agent.store.sealed.span import MINUTE_US, by
from edge_agent.store.store import PLANT_DB

__all__ = ["MINUTE_US", "Minute", "TrendReader"]


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
        with asking(self._path) as archive:
            if archive is None:
                return []
            ids = archive.ids()
            named = sorted((ids[name], name) for name in set(tags) & ids.keys())
            return [minute for tag, name in named for minute in _minutes(name, archive.rows(tag, start, end - 1))]

    def last_usable(self, tags: Iterable[str], before: int) -> dict[str, int]:
        """When each of these tags last had a value, at or before a time."""
        with asking(self._path) as archive:
            if archive is None:
                return {}
            ids = archive.ids()
            found = {name: archive.before(ids[name], before, "usable") for name in set(tags) & ids.keys()}
            return {name: sample.at for name, sample in found.items() if sample}

    def oldest(self) -> int | None:
        """The time of the oldest reading."""
        with asking(self._path) as archive:
            return archive.oldest() if archive else None

    def size(self) -> int | None:
        """Bytes of the database and its write-ahead log; None where there is none."""
        try:
            log = self._path.with_name(self._path.name + "-wal")
            return self._path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        except OSError:
            return None


def _minutes(name: str, rows: Columns) -> Iterator[Minute]:
    for start, part in by(rows, MINUTE_US):
        known = [number for number in map(_number, part.values, part.reasons) if number is not None]
        mean = sum(known) / len(known) if known else None
        yield Minute(name, start // MINUTE_US, mean, part.at[-1], _number(part.values[-1], part.reasons[-1]))


def _number(value: float | None, reason: str | None) -> float | None:
    """An inverter that says it sleeps delivers nothing, which is not the same as being unknown."""
    return 0.0 if value is None and reason == "asleep" else value
