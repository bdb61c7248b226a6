"""Paragraphs to clauses: one for every heading, item and paragraph, long ones parted at sentence ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kb.clause import SEPARATOR, Clause, clause_id
from kb.document import Document
from kb.numbering import LETTER, Mark, label, mark_of
from kb.paragraph import Paragraph, sentences

LONG_CHARS = 360  # a longer paragraph is parted, so that a quote fits on a screen
PIECE_CHARS = 240  # a piece closes at the first sentence end after so many


@dataclass(frozen=True, slots=True)
class Part:
    """A clause on its way into the index: with the mark it begins with, if any."""

    clause: Clause
    mark: Mark | None

    @property
    def is_title(self) -> bool:
        return self.mark is not None and self.mark.is_title


def split(document: Document) -> list[Clause]:
    """The clauses of a document in order; every character of its paragraphs is in exactly one."""
    return [part.clause for part in parts(document)]


def parts(document: Document) -> Iterator[Part]:
    """The same with their marks."""
    path: list[tuple[int, str]] = []
    issuer = document.issuers
    seen: Counter[tuple[str, str]] = Counter()
    for paragraph in document.paragraphs:
        mark = mark_of(paragraph.text)
        if mark is not None and mark.rank < LETTER:
            path = [*((rank, name) for rank, name in path if rank < mark.rank), (mark.rank, label(mark))]
        heading = SEPARATOR.join(name for _, name in path)
        for offset, text in _pieces(paragraph):
            seen[(heading, text)] += 1
            clause = _clause(document, heading, text, paragraph.line_at(offset), seen[(heading, text)])
            yield Part(replace(clause, issuer=issuer), mark)


def _clause(document: Document, heading: str, text: str, line: int, nth: int) -> Clause:
    return Clause(
        id=clause_id(document.file, heading, text, nth),
        document=document.title,
        file=document.file,
        heading=heading,
        text=text,
        locator=f"line {line}",
        line=line,
        valid_from=document.about.valid_from,
        valid_to=document.about.valid_to,
        source_hash=document.hash,
    )


def _pieces(paragraph: Paragraph) -> Iterator[tuple[int, str]]:
    """The paragraph whole, or parted at sentence ends, with the offset of each piece."""
    if len(paragraph.text) <= LONG_CHARS:
        yield 0, paragraph.text
        return
    start, piece = 0, ""
    for offset, sentence in sentences(paragraph.text):
        if not piece:
            start = offset
        piece += sentence
        if len(piece) >= PIECE_CHARS:
            yield from _stripped(start, piece)
            piece = ""
    yield from _stripped(start, piece)


def _stripped(start: int, piece: str) -> Iterator[tuple[int, str]]:
    if text := piece.strip():
        yield start + len(piece) - len(piece.lstrip()), text
