"""The words of the index: single characters and pairs for Chinese, whole words and numbers for the rest.

SQLite's own tokenizer takes a Chinese sentence for one word; text and question are split here instead.
"""

from __future__ import annotations

import re
import unicodedata

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
JOINERS = "-/.&+"  # inside a word: GB/T, 36132-2025, 95.1
_RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:[{JOINERS}][^\W_{HAN}]+)*")
_GAP = re.compile(rf"(?<=[{HAN}])\s+(?=[{HAN}])")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))


def fold(text: str) -> str:
    """Full width as half width, lower case, one kind of hyphen, no gaps between Chinese characters."""
    return _GAP.sub("", unicodedata.normalize("NFKC", text).translate(_DASHES).lower())


def runs(text: str) -> list[str]:
    """The folded text as runs of Chinese characters and single other words."""
    return _RUN.findall(fold(text))


def is_han(run: str) -> bool:
    """Whether a run is Chinese."""
    return re.match(rf"[{HAN}]", run) is not None


def grams(text: str) -> list[str]:
    """Every word of the index in the text, as often as it stands there."""
    found: list[str] = []
    for run in runs(text):
        if is_han(run):
            found += run
            found += pairs(run)
        else:
            found.append(run)
            parts = re.split(rf"[{re.escape(JOINERS)}]", run)
            found += parts if len(parts) > 1 and "." not in run else []
    return found


def pairs(run: str) -> list[str]:
    """The neighbouring characters of a Chinese run, two by two."""
    return [run[i : i + 2] for i in range(len(run) - 1)]
