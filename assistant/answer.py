"""One question, one answer: from the plant's data, from quoted clauses, or the fixed refusal.

The way is chosen by rules. What a document or a question tells the program to do changes nothing:
their text is only ever compared and quoted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.ask_facts import Facts, asks_for_gap, asks_for_our_number, energy_facts, energy_question, gap_facts
from assistant.ask_question import Question
from assistant.quote import Quote, quotes
from edge_agent.reason import Reason, reason
from edge_agent.session import Session
from kb.index import FILE

REFUSAL = "answer.refusal"  # the one sentence for what is not in the corpus, by its key in the catalogue
ENGINE = "rules"
QUOTE_CHARS = 600  # of one citation


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a question, and what it rests on."""

    question: str
    text: str
    refused: bool = False
    citations: tuple[dict[str, Any], ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()
    elapsed_ms: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The body of `ask --json`."""
        return {
            "question": self.question,
            "answer": self.text,
            "refused": self.refused,
            "citations": list(self.citations),
            "facts": list(self.facts),
            "warnings": list(self.warnings),
            "engine": ENGINE,
            "elapsed_ms": self.elapsed_ms,
        }


def answer(session: Session, text: str) -> Answer:
    """The answer to one question in the language of the session."""
    began = time.perf_counter()
    found = _answer(session, Question(text))
    elapsed = round((time.perf_counter() - began) * 1000, 3)
    return replace(found, elapsed_ms=elapsed)


def _answer(session: Session, question: Question) -> Answer:
    if asks_for_gap(question):
        return _from_facts(session, question, gap_facts(session))
    if asked := energy_question(question):
        return _from_facts(session, question, energy_facts(session, *asked))
    if asks_for_our_number(question):
        why = reason("not_metered_here").as_json(session.texts)
        return Answer(question.text, session.texts(REFUSAL), True, (), (), (why,))
    return _from_clauses(session, question, session.site.data / FILE)


def _from_facts(session: Session, question: Question, facts: Facts) -> Answer:
    warnings = tuple(r.as_json(session.texts) for r in facts.reasons)
    return Answer(question.text, "\n".join(facts.lines), facts.refused, (), facts.figures, warnings)


def _from_clauses(session: Session, question: Question, corpus: Path) -> Answer:
    found = quotes(corpus, question)
    if not found:
        reasons = list(_why_not(question, corpus))
        warnings = tuple(r.as_json(session.texts) for r in reasons)
        return Answer(question.text, session.texts(REFUSAL), True, (), (), warnings)
    lines = [_sentence(session, n, quote) for n, quote in enumerate(found, 1)]
    citations = tuple(_citation(n, quote) for n, quote in enumerate(found, 1))
    warnings = tuple(r.as_json(session.texts) for r in _cautions(session, question, found))
    return Answer(question.text, "\n".join(lines), False, citations, (), warnings)


def _why_not(question: Question, corpus: Path) -> Sequence[Reason]:
    if not corpus.exists():
        return [reason("corpus_empty")]
    return [] if question.is_han else [reason("corpus_other_language")]


def _cautions(session: Session, question: Question, found: Sequence[Quote]) -> Sequence[Reason]:
    """What a reader of the quotes has to know: superseded rules, and figures that differ."""
    today = datetime.fromtimestamp(session.now() / 1_000_000, session.site.zone).date()
    ended = {q.first.document: q.first.valid_to for q in found if q.first.valid_to and q.first.valid_to < today}
    said = [reason("clause_expired", document=document, until=until) for document, until in ended.items()]
    stated = [quote.numbers for quote in found if quote.numbers]
    if question.asks_a_number and len(stated) > 1 and not frozenset.intersection(*stated):
        said.append(reason("quotes_differ"))
    return said


def _sentence(session: Session, n: int, quote: Quote) -> str:
    first = quote.first
    place = session.texts("kb.at", document=first.document, file=first.file, line=first.line)
    return session.texts("answer.quote", place=place, quote=_shortened(quote.text), n=n)


def _citation(n: int, quote: Quote) -> dict[str, Any]:
    first = quote.first
    return {
        "n": n,
        "document": first.document,
        "file": first.file,
        "locator": first.locator,
        "quote": _shortened(quote.text),
        "heading": first.heading,
        "clauses": [clause.id for clause in quote.clauses],
    }


def _shortened(text: str) -> str:
    return text if len(text) <= QUOTE_CHARS else text[:QUOTE_CHARS] + "…"
