"""The data items of DL/T 645 as configs/dlt645.yaml lists them: what an identifier means, and its block."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Literal

import msgspec

from configs import FOLDER
from configs.load import load
from configs.text import Text

FILE = FOLDER / "dlt645.yaml"
Format = Literal[
    "number",
    "demand",
    "date",
    "time",
    "datetime",
    "monthly",
    "moment",
    "dayhour",
    "address",
    "digits",
    "text",
    "bits",
    "hex",
    "periods",
    "zones",
    "record",
    "secret",
    "unread",
]
MOMENT_SIZE = 5  # bytes of the moment behind a demand: mm hh DD MM YY
READ_TOGETHER = {"t", "p", "a"}  # axes whose blocks are read: tariffs and phases
ONE_ONLY = ("record", "secret", "periods", "zones")  # formats of which there are no blocks
DI_DIGITS = {"dlt645-2007": 8, "dlt645-1997": 4}  # of an identifier; its length tells the edition
Indexes = dict[str, int | None]  # by axis; None is the block


class Axis(msgspec.Struct, frozen=True):
    """An index in an identifier: tariff, settlement, phase, harmonic."""

    first: int
    last: int
    each: Text  # what the value of index {n} is called
    all: Text  # what the block is called
    named: dict[int, Text] = {}
    open: bool = False  # a block may hold fewer values

    def word(self, index: int | None) -> Text:
        """The name of an index; of the block for None."""
        if index is None:
            return self.all
        return self.named.get(index) or Text(self.each.zh.format(n=index), self.each.en.format(n=index))


class Datum(msgspec.Struct, frozen=True, kw_only=True):
    """How one value is written; `bytes` is 0 where nobody says how many."""

    title: Text
    bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    format: Format = "number"
    decimals: int = 0
    unit: str = ""
    signed: bool = False
    bits: dict[int, str] = {}

    @property
    def size(self) -> int:
        """Bytes of one value on the wire."""
        return self.bytes + (MOMENT_SIZE if self.format == "demand" else 0)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a record: as the item `di` is written, or as said here. `times` stand one behind the other."""

    di: str = ""
    title: Text | None = None
    times: int = 1
    bytes: int = 0
    format: Format = "number"
    decimals: int = 0
    unit: str = ""


class Entry(Datum, frozen=True, kw_only=True):
    """One line of the table. `along` names the axis that the places in `di` are indexes of.

    Its data are all values of the axis `whole`, or a record: its `parts`, once for each index of `each`.
    """

    di: list[str]
    source: str
    along: str = ""
    whole: str = ""
    each: str = ""
    parts: list[Part] = []

    def data(self) -> list[Datum]:
        """The values of a record in their order on the wire."""
        axis = table().axes[self.each] if self.each else None
        words = [axis.word(n) for n in range(axis.first, axis.last + 1)] if axis else [None]
        return [_datum(part, word, n) for word in words for part in self.parts for n in range(part.times)]


class Table(msgspec.Struct, frozen=True):
    """The file."""

    sources: dict[str, str]
    families: dict[str, Text]
    axes: dict[str, Axis]
    items_2007: list[Entry]
    items_1997: list[Entry]

    def entries(self, digits: int) -> list[Entry]:
        """Those whose identifiers have so many digits."""
        return {8: self.items_2007, 4: self.items_1997}.get(digits, [])


class Known(msgspec.Struct, frozen=True):
    """What an identifier stands for: a value, or a block of values along one axis."""

    entry: Entry
    title: Text
    axis: Axis | None = None  # of the block

    def fits(self, length: int) -> bool:
        """Whether a payload of so many bytes can be this block."""
        if self.axis is None:
            return length == self.entry.size
        count, odd = divmod(length, self.entry.size)
        full = self.axis.last - self.axis.first + 1
        return not odd and (0 < count <= full if self.axis.open else count == full)


class Block(msgspec.Struct, frozen=True):
    """The block that a value is also part of, and its place there, from 0."""

    di: str
    place: int


@cache
def table() -> Table:
    """The whole table."""
    return load(FILE, Table).value


@cache
def known(di: str) -> Known | None:
    """What an identifier of either edition means; None when the table does not list it."""
    found = _found(di)
    if found is None:
        return None
    entry, indexes, _ = found
    blocks = [axis for axis, index in indexes.items() if index is None] + [entry.whole] * bool(entry.whole)
    if len(blocks) > 1 or (blocks and entry.format in ONE_ONLY):
        return None
    return Known(entry, _title(entry, indexes), table().axes[blocks[0]] if blocks else None)


def family(di: str) -> Text | None:
    """What kind of data the first byte of an identifier of 2007 stands for; None for any other."""
    return table().families.get(di[:2]) if len(di) == DI_DIGITS["dlt645-2007"] else None


@cache
def block_of(di: str) -> Block | None:
    """The block of tariffs or phases that this value is also read with; None when there is none."""
    found = _found(di)
    if found is None or None in found[1].values():
        return None
    _, indexes, match = found
    for axis in READ_TOGETHER & match.groupdict().keys():
        start, end = match.span(axis)
        place = (indexes[axis] or 0) - table().axes[axis].first
        return Block(di[:start] + "F" * (end - start) + di[end:], place)
    return None


def _found(di: str) -> tuple[Entry, Indexes, re.Match[str]] | None:
    for pattern, entry, listed in _patterns(len(di)):
        match = pattern.fullmatch(di)
        if match is None:
            continue
        indexes: Indexes = {**listed, **{axis: _index(digits) for axis, digits in match.groupdict().items()}}
        if all(_within(axis, index) for axis, index in indexes.items()):
            return entry, indexes, match
    return None


@cache
def _patterns(digits: int) -> list[tuple[re.Pattern[str], Entry, Indexes]]:
    """Each identifier as an expression with a group for each axis; those without an axis first."""
    found: list[tuple[re.Pattern[str], Entry, Indexes]] = []
    for entry in table().entries(digits):
        for place, di in enumerate(entry.di):
            pattern = re.sub(r"([a-z])\1*", lambda m: f"(?P<{m[1]}>[0-9A-F]{{{len(m[0])}}})", di)
            listed = {entry.along: place + table().axes[entry.along].first} if entry.along else {}
            found.append((re.compile(pattern), entry, {**listed}))
    return sorted(found, key=lambda f: f[0].groups)


def _index(digits: str) -> int | None:
    return None if set(digits) == {"F"} else int(digits, 16)


def _within(axis: str, index: int | None) -> bool:
    found = table().axes[axis]
    return index is None or found.first <= index <= found.last


def _title(entry: Entry, indexes: Indexes) -> Text:
    whole = [table().axes[entry.whole].all] if entry.whole else []
    return _with_words(entry.title, [table().axes[axis].word(index) for axis, index in indexes.items()] + whole)


def _with_words(title: Text, words: list[Text]) -> Text:
    zh, en = ([word[language] for word in words if word[language]] for language in ("zh", "en"))
    return Text(
        title.zh + (f"（{'，'.join(zh)}）" if zh else ""),
        title.en + (f" ({', '.join(en)})" if en else ""),
    )


def _datum(part: Part, word: Text | None, number: int) -> Datum:
    listed = known(part.di) if part.di else None
    title = part.title or (listed.title if listed else Text("", ""))
    counted = [Text(str(number + 1), str(number + 1))] if part.times > 1 else []
    said = _with_words(title, [*([word] if word else []), *counted])
    if listed:
        it = listed.entry
        return Datum(
            title=said, bytes=it.bytes, format=it.format, decimals=it.decimals, unit=it.unit, signed=it.signed,
            bits=it.bits,
        )  # fmt: skip
    return Datum(title=said, bytes=part.bytes, format=part.format, decimals=part.decimals, unit=part.unit)
