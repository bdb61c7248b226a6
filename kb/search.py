"""Passages for a question by BM25, best first, each with the clauses it is made of."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kb.clause import Clause
from kb.grams import grams
from kb.index import clauses_of, reader
from kb.passage import passage_text

HEAD_WEIGHT, BODY_WEIGHT = 0.7, 1.0  # measured; the header finds the document, the words the clause
MAX_WORDS = 400  # of one question; a longer one is cut


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a question, how rare it is, and whether the passage has it."""

    word: str
    weight: float
    found: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage that answers to a question; a larger score is a better one."""

    rank: int
    score: float
    clauses: tuple[Clause, ...]

    @property
    def text(self) -> str:
        return passage_text(self.clauses)

    @property
    def first(self) -> Clause:
        return self.clauses[0]


def search(path: Path, query: str, k: int = 10) -> list[Hit]:
    """The best `k` passages of the index for a question; none where there is no index."""
    words = query_words(query)
    if not path.exists() or not words or k < 1:
        return []
    with reader(path) as db:
        rows = db.execute(
            f"SELECT rowid, -bm25(words, {HEAD_WEIGHT}, {BODY_WEIGHT}) AS score FROM words"
            " WHERE words MATCH ? ORDER BY score DESC, rowid LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), k),
        ).fetchall()
        return [Hit(rank, score, clauses_of(db, rowid)) for rank, (rowid, score) in enumerate(rows, 1)]


def query_words(query: str) -> list[str]:
    """The different words of a question in their order."""
    return list(dict.fromkeys(grams(query)))[:MAX_WORDS]


def weights(path: Path, words: Iterable[str]) -> dict[str, float]:
    """How rare each word is in the index (inverse document frequency); 0 for all where there is none."""
    if not path.exists():
        return dict.fromkeys(words, 0.0)
    with reader(path) as db:
        return _weights(db, words)


def explain(path: Path, query: str, hit: Hit) -> list[Term]:
    """Why a passage was found: the question's words by weight."""
    present = set(grams("\n".join((hit.text, *{c.heading for c in hit.clauses}, hit.first.document))))
    rare = weights(path, query_words(query))
    terms = [Term(word, weight, word in present) for word, weight in rare.items()]
    return sorted(terms, key=lambda term: -term.weight)


def _weights(db: sqlite3.Connection, words: Iterable[str]) -> dict[str, float]:
    total = db.execute("SELECT count(*) FROM passage").fetchone()[0]
    db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, row)")
    found: dict[str, float] = {}
    for word in words:
        row = db.execute("SELECT doc FROM temp.vocabulary WHERE term = ?", (word,)).fetchone()
        found[word] = math.log(1 + (total + 0.5) / ((row[0] if row else 0) + 0.5))
    return found
