"""Raw lines to paragraphs: page furniture dropped, wrapped lines joined, every line number kept.

Text taken out of a PDF has a line end where the page had one, often a blank line after each, page
numbers and the same header on every page. Nothing else of the text is changed or left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kb.grams import HAN
from kb.numbering import BOX, mark_of

HEADER_MIN_CHARS, HEADER_MAX_CHARS = 8, 40  # shorter lines may be cells of a table
HEADER_TIMES = 4  # a line that comes this often is printed on every page
PAGE_GAP_LINES = 10  # page numbers lie further apart than the numbers of a list
PAGES_MIN = 3  # so many numbers in a row make them page numbers
WRAP_MIN_CELLS = 16  # a column is at least eight Chinese characters wide
WRAP_SHARE = 0.75  # a wrapped line reaches this share of its column
FULL_SHARE = 0.9  # and this share where the lines stand apart in another way
LINE_MAX_CELLS = 90  # a longer line is a whole paragraph and says nothing about the column
INDENT = 2  # blanks that begin a paragraph

_PAGE = re.compile(r"\s*(?:[-—–]\s*\d{1,4}\s*[-—–]|第\s*\d+\s*页.*|[Pp]age\s+\d+(?:\s+of\s+\d+)?|\d+\s*/\s*\d+)\s*")
_LONE_NUMBER = re.compile(r"\s*(\d{1,4})\s*")
_NUMBERED_HEADER = re.compile(r"\s*\d{1,3}\s{2,}(?=[一二三四五六七八九十]{1,3}、)")
_LEADER = re.compile(r"(?:\.{4,}|…{2,}|·{4,}|．{3,}|-{4,})\s*\d*\s*$|\t+\d{1,4}\s*$")
_CONTENTS = re.compile(r"\s*(?:#+\s*)?(?:目\s*[录次]|[Cc]ontents|CONTENTS)\s*")
_NUMBER_AT_END = re.compile(r"\s*\d{1,4}\s*$")
_ENDED = re.compile(r"[。！？；：!?;:|][”’」』）)》\"']*\s*$|[^\d]\.\s*$")
_DATE = re.compile(r"\s*[二\d〇○零一三四五六七八九]{4}\s*年(?:\s*\S{1,3}\s*月(?:\s*\S{1,3}\s*日)?)?\s*")
_CELL_AT_END = re.compile(r"\s[\d.—%-]+\s*$")  # the last cell of a row of figures
UNITS = ("年", "月", "日", "万", "亿", "%", "％", "个", "家", "项", "吨", "分", "元")
_ALONE = re.compile(r"\s*(?:\||>|```)")
_COMPILED = re.compile(r"第\s*\S{1,4}\s*[编章节条]")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph on one line; `starts` are the offsets in it where raw lines begin."""

    text: str
    line: int
    starts: tuple[tuple[int, int], ...]  # (offset, raw line)

    def line_at(self, offset: int) -> int:
        """The raw line that the character at `offset` stands on."""
        return max((start, line) for start, line in self.starts if start <= offset)[1]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str

    @property
    def key(self) -> str:
        return "".join(self.text.split())


def paragraphs(text: str, first_line: int = 1) -> list[Paragraph]:
    """The paragraphs of a text whose first line is line `first_line` of its file."""
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [_Line(number, _clean(line)) for number, line in enumerate(raw, first_line)]
    kept = _without_contents(_without_furniture([line for line in lines if line.text.strip()]))
    found: list[Paragraph] = []
    block: list[_Line] = []
    for before, line, after, then in zip([None, *kept], kept, [*kept[1:], None], [*kept[2:], None, None], strict=False):
        block.append(line)
        if after is None or not _goes_on(block, after, then, before):
            found.append(_joined(block))
            block = []
    return found


def _clean(line: str) -> str:
    """Control characters as blanks, and no page number before a header."""
    line = "".join(" " if ord(c) < 32 and c != "\t" else c for c in line).rstrip()
    return _NUMBERED_HEADER.sub("", line)


def _without_furniture(lines: Sequence[_Line]) -> list[_Line]:
    times = Counter(line.key for line in lines)
    numbers = _page_numbers(lines)
    seen: set[str] = set()
    kept = []
    for line in lines:
        key = line.key
        header = times[key] >= HEADER_TIMES and HEADER_MIN_CHARS <= len(key) <= HEADER_MAX_CHARS
        repeated = header and key in seen and not _COMPILED.match(key) and not _ENDED.search(key) and "|" not in key
        seen.add(key)
        if not (repeated or line.number in numbers or _PAGE.fullmatch(line.text)):
            kept.append(line)
    return kept


def _page_numbers(lines: Sequence[_Line]) -> set[int]:
    """The lines that hold nothing but a number of one long ascending row: page numbers."""
    chains: dict[int, list[int]] = {}
    best: list[int] = []
    for line in lines:
        found = _LONE_NUMBER.fullmatch(line.text)
        if not found:
            continue
        number, before = int(found[1]), chains.get(int(found[1]) - 1, [])
        follows = before and line.number - before[-1] >= PAGE_GAP_LINES
        chains[number] = [*before, line.number] if follows else [line.number]
        best = max(best, chains[number], key=len)
    return set(best) if len(best) >= PAGES_MIN else set()


def _without_contents(lines: Sequence[_Line]) -> list[_Line]:
    """The lines without a table of contents: its title, and entries with a page or named again later."""
    last = {_entry(line): index for index, line in enumerate(lines)}
    kept, inside = [], False
    for index, line in enumerate(lines):
        if _CONTENTS.fullmatch(line.text):
            inside = True
            continue
        again = last.get(_entry(line), 0) > index
        inside = inside and (again or bool(_LEADER.search(line.text)))
        if not inside and not _is_leader(line):
            kept.append(line)
    return kept


def _is_leader(line: _Line) -> bool:
    found = _LEADER.search(line.text)
    return found is not None and found[0].strip()[-1:].isdigit() and "|" not in line.text


def _entry(line: _Line) -> str:
    return "".join(_NUMBER_AT_END.sub("", _LEADER.sub("", line.text)).split()).lstrip("#")


def _goes_on(block: Sequence[_Line], after: _Line, then: _Line | None, before: _Line | None) -> bool:
    """Whether `after` continues the sentence that the block broke off at the edge of its column."""
    line = block[-1]
    if _ENDED.search(line.text) or any(_ALONE.match(text) for text in (line.text, after.text)):
        return False
    if mark_of(after.text) or any(_DATE.fullmatch(text) for text in (line.text, after.text)):
        return False
    mark = mark_of(line.text)
    if mark and (mark.number.startswith("#") or (mark.rank <= BOX and mark.is_title)):
        return False
    if line.text.endswith("》") and after.text.lstrip().startswith("《"):
        return False
    if _CELL_AT_END.search(line.text) and not after.text.strip().startswith(UNITS):
        return False
    if _begins_a_block(line, after, then, before):
        return False
    if mark is None and _indent(after.text) >= _indent(line.text) + INDENT and len(block) > 1:
        return False
    edge = _cells(line.text)
    return _cells(line.text.strip()) >= WRAP_MIN_CELLS and edge >= WRAP_SHARE * min(_cells(after.text), LINE_MAX_CELLS)


def _begins_a_block(line: _Line, after: _Line, then: _Line | None, before: _Line | None) -> bool:
    """Whether a lone line is followed, after a blank one, by lines without blanks between them."""
    alone = before is None or line.number - before.number > 1
    tight = then is not None and then.number - after.number == 1
    full = _cells(line.text) >= FULL_SHARE * _cells(after.text)
    return alone and after.number - line.number > 1 and tight and not full


def _indent(text: str) -> int:
    return _cells(text) - _cells(text.lstrip())


def _cells(text: str) -> int:
    """Width in columns: everything beyond Latin counts two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _joined(block: Sequence[_Line]) -> Paragraph:
    text, starts = block[0].text.strip(), [(0, block[0].number)]
    for line in block[1:]:
        piece = line.text.strip()
        text += " " if _is_word(text[-1]) and _is_word(piece[0]) else ""
        starts.append((len(text), line.number))
        text += piece
    return Paragraph(text, block[0].number, tuple(starts))


def _is_word(char: str) -> bool:
    return char.isalnum() and not re.match(rf"[{HAN}]", char)


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """The sentences of a paragraph with their offsets; together they are the paragraph."""
    ends = [m.end() for m in re.finditer(r"[。！？；!?;]+[”’」』）)》\"']*", text)]
    for start, end in pairwise([0, *(e for e in ends if e < len(text)), len(text)]):
        yield start, text[start:end]
