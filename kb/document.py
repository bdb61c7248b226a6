"""A file of the corpus as a document: its text in whatever encoding, its front matter, its paragraphs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date as Day
from pathlib import Path
from typing import Literal

import msgspec

from configs.load import parse
from configs.problem import ConfigError, Problem
from configs.text import Text, both
from kb.grams import HAN
from kb.numbering import mark_of
from kb.paragraph import Paragraph, paragraphs

SUFFIXES = (".txt", ".md")
MAX_BYTES = 20_000_000  # no rule is longer; a larger file is something else under the name of a text
TITLE_CHARS = 60
FENCE = "---"
LETTERHEAD_CHARS = 300  # who issues a document says so within so many characters of its beginning
SIGNATURE_PARAGRAPHS = 3  # or in its last paragraphs
_BODY = re.compile(
    rf"[{HAN}]{{2,24}}(?:有限公司|集团|委员会|人民政府|办公厅|办公室|厅|(?<![布格结])局|中心|研究院|协会)"
)

Confidence = Literal["seen_primary", "seen_secondary", "derived", "recalled", "unknown"]


class FrontMatter(msgspec.Struct, frozen=True):
    """What the head of a `.md` file says about the document; everything may be left out."""

    title: Text | str = ""
    issuer: str = ""
    number: str = ""
    date: Day | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None
    jurisdiction: list[str] | str = ""
    supersedes: str = ""
    confidence: Confidence | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One readable document. `file` is the name that citations carry."""

    file: str
    title: str
    about: FrontMatter
    hash: str  # SHA-256 of the file
    paragraphs: tuple[Paragraph, ...]

    @property
    def issuers(self) -> str:
        """Who issued it: as the front matter says, or the bodies named in its letterhead and signature."""
        if self.about.issuer:
            return self.about.issuer
        texts = [p.text for p in self.paragraphs]
        ends = [
            "\n".join(texts)[:LETTERHEAD_CHARS],
            *(t for t in texts[-SIGNATURE_PARAGRAPHS:] if len(t) <= TITLE_CHARS),
        ]
        return " ".join(dict.fromkeys(name for end in ends for name in _BODY.findall(end)))


def read_document(path: Path, file: str | None = None) -> Document:
    """Read one file; raises ConfigError with what is wrong with it."""
    file = file or path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _problem(file, "kb_too_large", allowed=f"<= {MAX_BYTES}")
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _problem(file, "no_file") from None
    except OSError as error:
        raise _problem(file, "unreadable", why=error.strerror or "") from None
    text = _decoded(raw, file)
    head, body, skipped = _parted(text) if path.suffix.lower() == ".md" else ("", text, 0)
    about = parse("\n" + head, FrontMatter, file).value if head.strip() else FrontMatter()
    found = tuple(paragraphs(body, skipped + 1))
    if not found:
        raise _problem(file, "kb_no_text")
    title = both(about.title).zh or _first_line(found) or path.stem
    return Document(file, title, about, hashlib.sha256(raw).hexdigest(), found)


def _decoded(raw: bytes, file: str) -> str:
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if marked else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _problem(file, "kb_no_encoding")


def _parted(text: str) -> tuple[str, str, int]:
    """Front matter, body, and how many lines stand before the body."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != FENCE:
        return "", text, 0
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 1
    return "", text, 0


def _first_line(found: tuple[Paragraph, ...]) -> str:
    """The title a document gives itself, if it begins with one."""
    text = found[0].text
    mark = mark_of(text)
    if mark and mark.number == "#":
        return mark.rest
    return text if mark is None and len(text) <= TITLE_CHARS and not text.endswith(("。", "；", "，")) else ""


def _problem(file: str, code: str, **fields: str) -> ConfigError:
    return ConfigError([Problem(code, file, 0, fields)])
