"""How Chinese documents number their parts: the mark at the start of a line and its rank.

A smaller rank is further out. A number that begins a sentence, such as a cross-reference
(`11.5.14.2的试验适用于`) or a measured value (`0.65 吨`), is no mark.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HAN = "一二三四五六七八九十百零〇两"
_NOT_AFTER = "的和及或与至到中所规给、，。；,;：:）)~～—%％"  # the number is then a word of a sentence
_UNITS = "万亿千百吨元个倍公米家项年月日条款章节℃°度分"  # the number is then a value
TITLE_CHARS = 40  # longer than this nobody writes a heading

DOCUMENT, ARTICLE, ORDINAL, ORDINAL_PAREN, BOX, NUMBER, POINT, POINT_PAREN, LETTER, BULLET = (
    6, 9, 10, 11, 12, 14, 18, 19, 20, 21,
)  # fmt: skip


class Mark(NamedTuple):
    """The number of a heading or item, how deep it is, and the text after it."""

    rank: int
    number: str
    rest: str

    @property
    def is_title(self) -> bool:
        """Whether it only names what follows, and is not a sentence of its own."""
        return self.rank < LETTER and len(self.rest) <= TITLE_CHARS and not re.search(r"[。；，：？！;:]", self.rest)


_PATTERNS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (DOCUMENT, re.compile(r"((?:附件|附录|附表)\s*[\dA-Z一二三四五六七八九十]{0,3})[：:\s]*([^。，；]{0,60})")),
    (DOCUMENT, re.compile(rf"(第[{_HAN}\d]+(?:部分|编|篇))(?![{_NOT_AFTER}])(.*)")),
    (7, re.compile(rf"(第\s*[{_HAN}\d]+\s*章)(?![{_NOT_AFTER}])(.*)")),
    (8, re.compile(rf"(第\s*[{_HAN}\d]+\s*节)(?![{_NOT_AFTER}])(.*)")),
    (ARTICLE, re.compile(rf"(第\s*[{_HAN}\d]+\s*条)(?![{_NOT_AFTER}第款项])(.*)")),
    (ORDINAL, re.compile(rf"([{_HAN}]{{1,3}}\s*[、．.])(?![{_HAN}]+[级类线等])(.*)")),
    (ORDINAL_PAREN, re.compile(rf"([（(]\s*[{_HAN}]{{1,3}}\s*[）)])(.*)")),
    (BOX, re.compile(rf"(专栏\s*[\d{_HAN}]+)(?![{_NOT_AFTER}])(.*)")),
    (NUMBER, re.compile(r"(\d{1,2}[.．])(?![\d.])\s*(?=\S)(.*)")),
    (NUMBER, re.compile(r"(\d{1,2})\s+(?=[一-鿿]{2,20}$)(.*)")),
    (POINT, re.compile(r"(\d{1,2}、)(.*)")),
    (POINT_PAREN, re.compile(r"([（(]\s*\d{1,2}\s*[）)])(.*)")),
    (POINT_PAREN, re.compile(r"(\d{1,2}\s*[）)])(.*)")),
    (LETTER, re.compile(r"([a-zA-Z]\s*[）)])(.*)")),
    (BULLET, re.compile(r"([•●○■□◆◇▪‣·➢✓\ue000-\uf8ff]|[-*+—–](?=\s)|[①-⑳⑴-⒇])(.*)")),
)
_MARKDOWN = re.compile(r"(#{1,6})\s+(.*)")
_DECIMAL = re.compile(
    rf"((?:[1-9]\d?|[A-Z])(?:\.\d{{1,2}}){{1,4}})(?![\d.{_NOT_AFTER}])(?!\s*[{_UNITS}a-zA-Z/])\s*(\S.*)"
)


def mark_of(text: str) -> Mark | None:
    """The mark that a line begins with, or None where it is plain text."""
    text = text.strip()
    if found := _MARKDOWN.fullmatch(text):
        return Mark(len(found[1]) - 1, found[1], found[2])
    if found := _DECIMAL.fullmatch(text):
        return Mark(NUMBER + found[1].count("."), found[1], found[2])
    for rank, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return Mark(rank, found[1], found[2].strip())
    return None


def label(mark: Mark) -> str:
    """What a heading path shows of a heading or item: its number and its first words."""
    number = "" if mark.number.startswith("#") else mark.number
    first = re.split(r"[。；：！？;]|(?<=.{8})，", mark.rest, maxsplit=1)[0].strip()
    return number + (first if len(first) <= TITLE_CHARS else first[:20])
