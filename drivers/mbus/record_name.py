"""The name of a record, as a profile writes it: quantity/function/storage/tariff/unit/what else makes it another value.

"energy", "energy/tariff 1", "power/max", "volume/storage 1/unit 2", "voltage/L1", "text:%RH". A name is
made of what the meter says about a record and of nothing else, so that it means the same on every meter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

FUNCTIONS = ("now", "max", "min", "error")  # of a DIF, bits 4 and 5; "now" is not written
NUMBERS = ("storage", "tariff", "unit", "no")
TEXT = "text:"  # before the plain text that a meter gives in the place of a quantity
WORD = re.compile(r"[a-z][a-z0-9_]*")

# What an extension of a VIF says besides the unit; EN 13757-3, orthogonal VIFEs, as pymbusparser names them.
QUALIFIERS = {
    "12": "average",
    "3A": "uncorrected",
    "3B": "positive",
    "3C": "negative",
    "3E": "base_conditions",
    "7E": "future",
    "FC01": "L1",
    "FC02": "L2",
    "FC03": "L3",
    "FC04": "N",
    "FC05": "L1-L2",
    "FC06": "L2-L3",
    "FC07": "L3-L1",
}
COMBINED, MAKERS_OWN = 0x7C, 0x7F  # an extension of two bytes; the rest is the maker's
# Extensions that report on the record; EN 13757-3:2018, table 18, as open decoders quote it (00 is none).
RECORD_ERRORS = {
    0x00: None,
    **dict.fromkeys((*range(0x01, 0x08), *range(0x0B, 0x10), 0x16, 0x17, 0x18, 0x1C), "error_code"),
    0x15: "no_value",
}
VIFE = re.compile(r"vife( [0-9A-F]{2})+")  # extensions without a word, as they are sent


@dataclass(frozen=True, slots=True)
class RecordName:
    """Which value of a meter; `number` tells records apart that are alike in all else, in their order."""

    quantity: str
    function: str = "now"
    storage: int = 0
    tariff: int = 0
    unit: int = 0
    qualifiers: tuple[str, ...] = ()
    number: int = 1

    def __str__(self) -> str:
        parts = [self.quantity]
        if self.function != "now":
            parts.append(self.function)
        numbers = zip(NUMBERS, (self.storage, self.tariff, self.unit), (0, 0, 0), strict=False)
        parts += [f"{word} {value}" for word, value, plain in numbers if value != plain]
        parts += self.qualifiers
        if self.number != 1:
            parts.append(f"no {self.number}")
        return "/".join(parts)


def record_of(text: str) -> RecordName:
    """The name that a profile writes; raises ValueError for what no record can be called."""
    quantity, *parts = _parts(text)
    name = RecordName(_quantity(quantity))
    seen: set[str] = set()
    for part in parts:
        word, _, number = part.partition(" ")
        kind = "function" if part in FUNCTIONS else word if word in NUMBERS else part
        if kind in seen:
            raise ValueError(f"{text}: {part}")
        seen.add(kind)
        name = _with(name, part, word, number)
    return name


def _parts(text: str) -> list[str]:
    """A plain text may hold a slash, so it ends at the last one that a part of a name follows."""
    if not text.startswith(TEXT):
        return text.split("/")
    head, *parts = text.split("/")
    while parts and not _is_part(parts[0]):
        head += "/" + parts.pop(0)
    return [head, *parts]


def _is_part(part: str) -> bool:
    try:
        _with(RecordName(""), part, *part.partition(" ")[::2])
    except ValueError:
        return False
    return True


def _quantity(text: str) -> str:
    from drivers.mbus.records import known_quantities

    if text.startswith(TEXT) and len(text) > len(TEXT):
        return text
    if not WORD.fullmatch(text) or text not in known_quantities():
        raise ValueError(text)
    return text


def _with(name: RecordName, part: str, word: str, number: str) -> RecordName:
    if part in FUNCTIONS[1:]:
        return replace(name, function=part)
    if word in NUMBERS and re.fullmatch(r"[1-9][0-9]*", number) and (word != "no" or number != "1"):
        value = int(number)
        match word:
            case "storage":
                return replace(name, storage=value)
            case "tariff":
                return replace(name, tariff=value)
            case "unit":
                return replace(name, unit=value)
        return replace(name, number=value)
    if part in QUALIFIERS.values() or VIFE.fullmatch(part):
        return replace(name, qualifiers=(*name.qualifiers, part))
    raise ValueError(part)


def qualifiers_of(extensions: bytes) -> tuple[str, ...]:
    """What the extensions of a VIF say besides the quantity; corrections and errors of the value say nothing.

    From FF on they are the maker's own and stay as they are.
    """
    found: list[str] = []
    for at, size in steps(extensions):
        part = extensions[at : at + size]
        if part[0] & 0x7F == MAKERS_OWN:
            found.append("vife " + part.hex(" ").upper())
        elif not _is_correction(part[0] & 0x7F) and part[0] & 0x7F not in RECORD_ERRORS:
            key = ("FC" if size > 1 else "") + f"{part[-1] & 0x7F:02X}"
            found.append(QUALIFIERS.get(key, f"vife {key[-2:]}" if size == 1 else f"vife FC {key[-2:]}"))
    return tuple(found)


def steps(extensions: bytes) -> Iterator[tuple[int, int]]:
    """Where each extension begins and its bytes: FC has a second one, and FF takes all the rest."""
    at = 0
    while at < len(extensions):
        code = extensions[at] & 0x7F
        size = len(extensions) - at if code == MAKERS_OWN else 2 if code == COMBINED and at + 1 < len(extensions) else 1
        yield at, size
        at += size


def error_of(extensions: bytes) -> str | None:
    """The reason code, when an extension says that the record is in error."""
    codes = [extensions[at] & 0x7F for at, size in steps(extensions) if size == 1]
    return next((RECORD_ERRORS[code] for code in codes if RECORD_ERRORS.get(code)), None)


def _is_correction(code: int) -> bool:
    """A factor of ten, an addend, or a factor of a thousand, which are in the value already."""
    return 0x70 <= code <= 0x7B or code == 0x7D
