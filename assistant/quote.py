"""Which clauses may be quoted for a question, best first.

A score alone never decides: a clause is quoted when it holds most of what the question is about,
weighed by how rare each word is, and leaves no slot of the question open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from assistant.ask_question import Question
from kb.clause import SEPARATOR, Clause
from kb.grams import HAN, fold, grams
from kb.index import issuers
from kb.numbering import ORDINAL, mark_of
from kb.passage import passage_text
from kb.search import Hit, search, weights

CANDIDATES = 12  # passages that are read for a question
MIN_COVERAGE = 0.4  # measured: below it hardly a question is answered, above it good ones are refused
NEAR = 0.12  # a quote this close to the best one is shown beside it
SCORE_SHARE = 0.15  # what the rank of the search adds to the coverage
DEFINITION = 0.3  # what a clause that says "X is" adds for "what is X"
TOPIC = 0.2  # what headings and title that name the matter add
LISTED = 0.25  # what a list of three items or more adds where a list is asked for
COMPANY_CHARS = 4  # so much of a company's name in a question names it
COMMON_NAMES = ("有限公司", "集团公司", "股份有限公司", "集团有限公司", "有限责任公司")
STRANGE = 0.1  # what each term of the question that is missing altogether takes away
MAX_QUOTES = 3
HEADING_CHARS = 16  # a longer text that ends like a sentence is one
LIST_ITEM_CHARS = 80  # a passage of shorter clauses is one list and is quoted whole

_ROW = re.compile(r"(?:\s[\d.—-]+){2,}\s*$")  # figures in the columns of a table
_YEAR_HEAD = re.compile(r"\d{4}\s*年")


@dataclass(frozen=True, slots=True)
class Quote:
    """One or several clauses of one place; `coverage` is the share of the question found in them."""

    clauses: tuple[Clause, ...]
    coverage: float
    worth: float

    @property
    def first(self) -> Clause:
        return self.clauses[0]

    @property
    def text(self) -> str:
        return passage_text(self.clauses)

    @property
    def numbers(self) -> frozenset[str]:
        """The figures with their units that the quote states."""
        found = re.findall(r"\d[\d.]*\s*(?:%|[万亿]?[吨元家个分年项级])", fold(self.text))
        return frozenset("".join(number.split()) for number in found)


def quotes(path: Path, question: Question) -> list[Quote]:
    """At most MAX_QUOTES quotes that answer the question; none when the corpus does not."""
    hits = search(path, question.text, CANDIDATES)
    rare = weights(path, question.words)
    if not hits or not sum(rare.values()):
        return []
    companies = _companies(path, question)
    found: list[Quote] = []
    for hit in hits:
        about = fold(f"{hit.text}\n{hit.first.context}")
        if all(name in about for name in companies):
            bonus = SCORE_SHARE * hit.score / hits[0].score
            found += [q for q in _of_passage(hit, question, rare, bonus) if q.coverage >= MIN_COVERAGE]
    found.sort(key=lambda quote: -quote.worth)
    return _different([quote for quote in found if quote.worth >= found[0].worth - NEAR])


def _companies(path: Path, question: Question) -> list[str]:
    """The companies of the corpus that the question names, as far as it names them."""
    text, found = question.folded, []
    for issuer in issuers(path):
        for name in re.findall(rf"[{HAN}]+(?:公司|集团)", fold(issuer)):
            match = SequenceMatcher(None, text, name, autojunk=False).find_longest_match()
            if match.size >= COMPANY_CHARS and text[match.a : match.a + match.size] not in COMMON_NAMES:
                found.append(text[match.a : match.a + match.size])
    return found


def _of_passage(hit: Hit, question: Question, rare: dict[str, float], bonus: float) -> Iterator[Quote]:
    for group in _groups(hit.clauses, question):
        text = passage_text(group)
        context = "\n".join(dict.fromkeys(clause.context for clause in group))
        if question.missing(text, context, hit.text):
            continue
        have = set(grams("\n".join((text, context, *question.places))))  # the places were found above
        joints = question.joints(have)
        total = sum(weight for word, weight in rare.items() if word not in joints)
        coverage = sum(weight for word, weight in rare.items() if word in have) / total
        coverage -= STRANGE * question.strange_terms(have)
        own = set(grams(text))
        inside = sum(weight for word, weight in rare.items() if word in own) / total
        defined = DEFINITION if _defines(question, text) else 0.0
        headed = set(grams("\n".join((group[0].document, *(_above(clause) for clause in group)))))
        topic = sum(weight for word, weight in rare.items() if word in headed) / total
        listed = LISTED if question.asks_a_list and _items(group) > 2 else 0.0
        yield Quote(group, coverage, (coverage + inside) / 2 + TOPIC * topic + bonus + defined + listed)


def _groups(clauses: Sequence[Clause], question: Question) -> list[tuple[Clause, ...]]:
    """What may be quoted of a passage: each clause that is no heading, and a list with its heading."""
    body = [n for n, clause in enumerate(clauses) if not _is_heading(clause)]
    found = [(*_head_of(clauses, n), clauses[n]) for n in body]
    if question.asks_a_list and _is_list(clauses):
        found.append(tuple(clauses[max(min(body, default=0) - 1, 0) :]))
    return found


def _is_list(clauses: Sequence[Clause]) -> bool:
    return len(clauses) > 2 and sum(len(c.text) for c in clauses) <= LIST_ITEM_CHARS * len(clauses)


def _items(group: Sequence[Clause]) -> int:
    return sum(1 for clause in group if (mark := mark_of(clause.text)) and mark.rank > ORDINAL)


def _head_of(clauses: Sequence[Clause], n: int) -> tuple[Clause, ...]:
    """The head of the table that a row of figures belongs to: the last line above it that names years."""
    if not _ROW.search(clauses[n].text):
        return ()
    heads = [clause for clause in clauses[:n] if len(_YEAR_HEAD.findall(clause.text)) > 1 and len(clause.text) < 40]
    return tuple(heads[-1:])


def _is_heading(clause: Clause) -> bool:
    """Whether the clause only repeats the last part of its path; a whole sentence does not."""
    own = clause.heading.rpartition(SEPARATOR)[2]
    if len(clause.text) > HEADING_CHARS and clause.text.endswith(("。", "；")):
        return False
    return len(clause.text) < LIST_ITEM_CHARS and _bare(clause.text) in (_bare(own), _bare(clause.document))


def _above(clause: Clause) -> str:
    """The headings over a clause, without the first words of the clause itself."""
    rest, _, own = clause.heading.rpartition(SEPARATOR)
    return rest if _bare(clause.text).startswith(_bare(own)) else clause.heading


def _bare(text: str) -> str:
    return "".join(text.split()).lstrip("#").rstrip("。：:")


def _defines(question: Question, text: str) -> bool:
    """Whether the text says what the asked term means."""
    term = re.escape(question.defines)
    return (
        bool(term) and re.search(rf"{term}\S{{0,4}}(?:又称|是指|指的?是|是一[种个项]|定义为)", fold(text)) is not None
    )


def _different(found: Sequence[Quote]) -> list[Quote]:
    """Each clause and each wording once."""
    kept: list[Quote] = []
    seen: set[str] = set()
    for quote in found:
        names = {clause.id for clause in quote.clauses} | {_bare(quote.text)}
        if len(kept) < MAX_QUOTES and not names & seen:
            kept.append(quote)
        seen |= names
    return kept
