"""kb.db: documents, clauses and passages in SQLite, the words of the passages in FTS5.

Only `add` writes. A file that has not changed is left alone, a changed one replaces its clauses in
one transaction, and every reader opens read-only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path

from configs.text import both
from kb.clause import Clause
from kb.document import Document
from kb.grams import JOINERS, grams
from kb.passage import passage_text, passages
from kb.split import parts

FILE = "kb.db"
VERSION = 1  # of the tables; an index of another version has to be built again from the files
SHARED_MODE = 0o660  # as every file below data/: the site's group may use it
BUSY_MS = 5000  # how long to wait for another writer

_TABLES = f"""
CREATE TABLE document (
    path TEXT PRIMARY KEY, file TEXT NOT NULL, title TEXT NOT NULL, hash TEXT NOT NULL,
    issuer TEXT NOT NULL, number TEXT NOT NULL, date TEXT, valid_from TEXT, valid_to TEXT,
    confidence TEXT, source TEXT NOT NULL, supersedes TEXT NOT NULL);
CREATE TABLE passage (id INTEGER PRIMARY KEY, path TEXT NOT NULL REFERENCES document(path));
CREATE INDEX passage_path ON passage(path);
CREATE TABLE clause (
    id TEXT NOT NULL, passage INTEGER NOT NULL REFERENCES passage(id), nth INTEGER NOT NULL,
    heading TEXT NOT NULL, text TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY (passage, nth));
CREATE INDEX clause_id ON clause(id);
CREATE VIRTUAL TABLE words USING fts5(
    head, body, detail=column, tokenize="unicode61 remove_diacritics 0 tokenchars '{JOINERS}'");
PRAGMA user_version = {VERSION};
"""


class Added(Enum):
    """What adding a file did."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class VersionError(Exception):
    """The index was written by another version; `found` is its number."""

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(f"index version {found}, this program writes {VERSION}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the index, as a list shows it."""

    path: str
    file: str
    title: str
    issuer: str
    number: str
    date: str | None
    valid_from: str | None
    valid_to: str | None
    confidence: str | None
    clauses: int


@contextmanager
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """The index for writing, made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(SHARED_MODE)
        path.chmod(SHARED_MODE)
    with closing(sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)) as db:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, VERSION):
            raise VersionError(found)
        if found == 0:
            db.executescript(f"BEGIN IMMEDIATE;{_TABLES}COMMIT;")
        yield db


@contextmanager
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    """The index read-only; nothing is written beside it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_MS / 1000, isolation_level=None)) as db:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found != VERSION:
            raise VersionError(found)
        yield db


def add(db: sqlite3.Connection, path: str, document: Document) -> Added:
    """Put one document into the index; `path` tells it from another of the same name."""
    kept = db.execute("SELECT hash, file FROM document WHERE path = ?", (path,)).fetchone()
    if kept == (document.hash, document.file):
        return Added.UNCHANGED
    db.execute("BEGIN IMMEDIATE")
    try:
        if kept:
            _remove(db, path)
        _insert(db, path, document)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return Added.CHANGED if kept else Added.NEW


def entries(path: Path) -> list[Entry]:
    """Every document of the index by file name; none where there is no index."""
    if not path.exists():
        return []
    with reader(path) as db:
        rows = db.execute(
            "SELECT d.path, file, title, issuer, number, date, valid_from, valid_to, confidence, count(c.id)"
            " FROM document d LEFT JOIN passage p ON p.path = d.path LEFT JOIN clause c ON c.passage = p.id"
            " GROUP BY d.path ORDER BY file"
        ).fetchall()
    return [Entry(*row) for row in rows]


def issuers(path: Path) -> list[str]:
    """Everybody who issued a document of the index; none where there is no index."""
    if not path.exists():
        return []
    with reader(path) as db:
        rows = db.execute("SELECT DISTINCT issuer FROM document WHERE issuer <> ''").fetchall()
    return [row[0] for row in rows]


def clauses_of(db: sqlite3.Connection, passage: int) -> tuple[Clause, ...]:
    """The clauses of a passage in order."""
    rows = db.execute(
        "SELECT c.id, d.title, d.file, c.heading, c.text, c.line, d.valid_from, d.valid_to, d.hash, d.issuer"
        " FROM clause c JOIN passage p ON p.id = c.passage JOIN document d ON d.path = p.path"
        " WHERE c.passage = ? ORDER BY c.nth",
        (passage,),
    ).fetchall()
    return tuple(
        Clause(id, title, file, heading, text, f"line {line}", line, _day(start), _day(end), hash, issuer)
        for id, title, file, heading, text, line, start, end, hash, issuer in rows
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _remove(db: sqlite3.Connection, path: str) -> None:
    passages_of_path = "(SELECT id FROM passage WHERE path = ?)"
    db.execute(f"DELETE FROM words WHERE rowid IN {passages_of_path}", (path,))
    db.execute(f"DELETE FROM clause WHERE passage IN {passages_of_path}", (path,))
    db.execute("DELETE FROM passage WHERE path = ?", (path,))
    db.execute("DELETE FROM document WHERE path = ?", (path,))


def _insert(db: sqlite3.Connection, path: str, document: Document) -> None:
    about = document.about
    days = [None if d is None else d.isoformat() for d in (about.date, about.valid_from, about.valid_to)]
    values = (path, document.file, document.title, document.hash, document.issuers, about.number, *days)
    db.execute(
        "INSERT INTO document VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (*values, about.confidence, about.source, about.supersedes),
    )
    for group in passages(parts(document)):
        number = db.execute("INSERT INTO passage (path) VALUES (?)", (path,)).lastrowid
        rows = [(c.id, number, nth, c.heading, c.text, c.line) for nth, c in enumerate(group)]
        db.executemany("INSERT INTO clause VALUES (?,?,?,?,?,?)", rows)
        words = (_words(_header(document, group)), _words(passage_text(group)))
        db.execute("INSERT INTO words (rowid, head, body) VALUES (?,?,?)", (number, *words))


def _header(document: Document, group: Sequence[Clause]) -> str:
    """What a passage is about beyond its own words: its document and the headings it stands under."""
    headings = dict.fromkeys(clause.heading for clause in group)
    about = document.about
    return "\n".join((document.title, both(about.title).en, about.number, document.issuers, *headings))


def _words(text: str) -> str:
    return " ".join(grams(text))
