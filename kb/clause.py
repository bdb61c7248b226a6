"""The clause: the smallest piece of a document that an answer may cite."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

SEPARATOR = " > "  # between the parts of a heading path


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause with its heading path; `id` is the same in every rebuild while text and path are."""

    id: str
    document: str  # title
    file: str
    heading: str  # path as text, outermost first
    text: str
    locator: str
    line: int  # raw line of the file, counted from 1
    valid_from: date | None
    valid_to: date | None
    source_hash: str  # SHA-256 of the whole file
    issuer: str = ""

    @property
    def context(self) -> str:
        """What the clause is about beyond its own words: document, issuer, headings."""
        return "\n".join((self.document, self.issuer, self.heading))


def clause_id(file: str, heading: str, text: str, nth: int) -> str:
    """An id from what the clause says and where; `nth` tells equal clauses of one document apart."""
    words = "".join(text.split())
    content = "\0".join((file, heading, words, str(nth)))
    return "c-" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
