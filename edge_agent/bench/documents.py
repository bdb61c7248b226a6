"""What the documents cost against bare SQLite with JSON in it, both in the same folder and turn about."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from tinydb import where

from edge_agent.store.documents.documents import documents
from edge_agent.store.documents.storage import transaction
from edge_agent.store.documents.table import DocumentTable

SMALL, MIDDLE, LARGE = 1_000, 10_000, 100_000  # documents in a collection
CHUNK = 250  # inserts in one turn, each a commit of its own
TURNS, EACH = 15, 50  # the same where few and many documents are compared
FINDS = 200
INSERT_GOAL = 0.8  # of bare SQLite's rate at MIDDLE
GROWTH_GOAL = 0.5  # of the rate at SMALL, at LARGE

_RAW = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE INDEX doc_by_device ON doc (json_extract(body, '$.device'));"""

_ADD = "INSERT INTO doc (body) VALUES (?)"
_FIND = "SELECT body FROM doc WHERE json_extract(body, '$.device') = ? LIMIT 1"


@dataclass(frozen=True, slots=True)
class DocumentFigures:
    """Rates in durable inserts a second, times in microseconds; ratios above 1 mean that documents are quicker."""

    insert_ratio: float  # our rate / bare SQLite's, over the first MIDDLE documents
    insert_rate: float
    growth_ratio: float  # our rate at LARGE documents / at SMALL
    find_us: float  # one document by an indexed field, at LARGE
    find_ratio: float  # bare SQLite's time for the same / ours


def measure(small: int = SMALL, middle: int = MIDDLE, large: int = LARGE) -> DocumentFigures:
    """Insert and find in fresh files on the disk of the temporary folder; takes about 15 seconds."""
    with TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)) as raw:
        raw.executescript(_RAW)
        with documents(Path(folder) / "ours.db", indexed=("device",)) as db:
            table = db.collection("device")
            ratio, rate = _insert_turn_about(table, raw, middle)
            growth = _growth(db.collection("few"), db.collection("many"), small, large)
            _fill(table, middle, large)
            with transaction(raw):
                raw.executemany(_ADD, ((_json(n),) for n in range(middle, large)))
            ours, bare = _find_turn_about(table, raw, large)
    return DocumentFigures(ratio, rate, growth, ours * 1e6, bare / ours)


def _insert_turn_about(table: DocumentTable, raw: sqlite3.Connection, count: int) -> tuple[float, float]:
    """The ratio and our rate, as medians over the turns."""
    ours, bare = [], []
    for begin in range(0, count, CHUNK):
        numbers = range(begin, begin + CHUNK)
        ours.append(_seconds(table.insert, map(_record, numbers)))
        bare.append(_seconds(partial(raw.execute, _ADD), ((_json(n),) for n in numbers)))
    return median(b / o for o, b in zip(ours, bare, strict=True)), CHUNK / median(ours)


def _growth(few: DocumentTable, many: DocumentTable, small: int, large: int) -> float:
    """Time of an insert among few documents / among many, turn about, so that both meet the same load."""
    _fill(few, 0, small)
    _fill(many, 0, large)
    ratios = []
    for turn in range(TURNS):
        begin = large + turn * EACH
        work = [_record(number) for number in range(begin, begin + EACH)]
        ratios.append(_seconds(few.insert, work) / _seconds(many.insert, work))
    return median(ratios)


def _find_turn_about(table: DocumentTable, raw: sqlite3.Connection, count: int) -> tuple[float, float]:
    ours, bare = [], []
    for number in range(0, count, max(count // FINDS, 1)):
        device = _record(number)["device"]
        ours.append(_seconds(table.get, [where("device") == device]))
        bare.append(_seconds(partial(_find_raw, raw), [device]))
    return median(ours), median(bare)


def _fill(table: DocumentTable, begin: int, end: int) -> None:
    """In small transactions, so that the write-ahead log stays as short as in daily use."""
    for first in range(begin, end, CHUNK):
        table.insert_multiple(_record(number) for number in range(first, min(first + CHUNK, end)))


def _find_raw(raw: sqlite3.Connection, device: str) -> Any:
    return json.loads(raw.execute(_FIND, (device,)).fetchone()[0])


def _json(number: int) -> str:
    return json.dumps(_record(number), ensure_ascii=False)


def _record(number: int) -> dict[str, Any]:
    """A device as a site files it, some 400 bytes as JSON."""
    return {
        "device": f"m{number:06}",
        "kind": "meter",
        "protocol": "dlt645",
        "address": f"{number:012}",
        "line": "rs485-1",
        "name": "1 号变压器低压侧总表",
        "model": "DTZ341",
        "ratio": {"ct": [600, 5], "pt": [10_000, 100]},
        "installed": "2025-11-02",
        "tags": {"energy": f"m{number:06}.energy_import", "power": f"m{number:06}.power"},
        "room": "配电室 A",
        "note": "2025 年 11 月检定合格，有效期六年；下一次检定前需提前一个月联系计量部门。",
    }


def _seconds(work: Callable[[Any], object], on: Iterable[Any]) -> float:
    begin = perf_counter()
    for each in on:
        work(each)
    return perf_counter() - begin
