"""Captured bytes as people paste them: hexadecimal digits with whatever a serial logger puts around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from configs.problem import nearest
from drivers.explain import EXPLAINERS
from drivers.explained import Hints

SENT, HEARD = "sent", "heard"
COMMENT = "#"
MOST_STAMPS = 3  # a time, a direction and a count of bytes may stand before the digits

_CLOCK = r"\d{1,2}:\d{2}:\d{2}"
# A time of day without a date, a fraction or brackets counts only where no other colon follows: 12:00:00 are digits.
_STAMP = re.compile(
    rf"\s*(?:\[[^\]\n]*{_CLOCK}[^\]\n]*\]"
    rf"|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}[T ]+{_CLOCK}(?:[.,]\d{{1,6}})?(?:Z|[+-]\d\d:?\d\d)?(?![0-9A-Fa-f:])"
    rf"|{_CLOCK}[.,]\d{{3,6}}(?![0-9A-Fa-f]|:\S)"
    rf"|{_CLOCK}(?=\s[^:\n]*$))\s*[-:>,]*\s*",
)
_SENT = r"TX|SEND|SENT|REQUEST|发送|发出|发|请求|>>|->|=>"
_HEARD = r"RX|RECV|RECEIVED|REPLY|RESPONSE|接收|收到|收|应答|<<|<-|<="
_MARK = re.compile(
    rf"\s*[\[(]?(?:(?P<sent>{_SENT})|(?P<heard>{_HEARD}))[\])]?(?![A-Za-z0-9])(?:数据|报文)?"
    r"(?:\s*\(\s*\d+(?:\s*bytes?)?\s*\))?[\s:：=>→←◆◇-]*",
    re.IGNORECASE,
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_TOKEN = re.compile(
    r"(?P<prefix>0[xX]|\\[xX])?(?P<digits>(?:(?!0[xX])[0-9A-Fa-f])+)(?:[hH](?![0-9A-Za-z]))?"
    r"|(?P<between>[\s,;:|.\[\]{}()<>'\"-]+|[□◆◇])"
    r"|(?P<other>.)",
    re.DOTALL,
)


# Bytes as printf("%x ") writes them, without a zero in front: only where nothing but blanks stands between them.
_SHORT = re.compile(r"\s*[0-9A-Fa-f]{1,2}(?:\s+[0-9A-Fa-f]{1,2})+\s*")


class HexError(ValueError):
    """The text holds no bytes; `code` is not_hex, odd_digits or no_digits, `place` counts characters from 1."""

    def __init__(self, code: str, place: int = 0, piece: str = "") -> None:
        self.code, self.place, self.piece = code, place, piece
        super().__init__(f"{code} at {place}: {piece}")


class LineError(ValueError):
    """A line of a file that is no capture; `code` is not_object, no_hex, bad_field, no_protocol or a HexError's."""

    def __init__(self, code: str, **fields: object) -> None:
        self.code, self.fields = code, fields
        super().__init__(f"{code} {fields}")


@dataclass(frozen=True, slots=True)
class Capture:
    """One captured piece of a line, and what is known about it."""

    raw: bytes
    protocol: str
    hints: Hints = field(default_factory=Hints)
    direction: str | None = None


def bytes_of(text: str) -> bytes:
    """The bytes of one or more lines of a log, without its times and directions; raises HexError."""
    found, place = b"", 0
    for line in text.split("\n"):
        found += _digits(line, place)
        place += len(line) + 1
    if not found:
        raise HexError("no_digits")
    return found


def direction_of(line: str) -> str | None:
    """Whether a logger marked the line as sent or as heard."""
    return _bare(line)[1]


def captures(lines: Iterable[str], protocol: str, hints: Hints) -> Iterator[tuple[int, Capture | LineError]]:
    """Each capture of a file with its line number, or what is wrong there; blank lines and # comments are left out.

    What a JSON line says goes before `protocol` and `hints`. A line marked as heard is the answer to
    the line marked as sent that stands before it.
    """
    asked: bytes | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(COMMENT):
            continue
        try:
            capture = _object(text, protocol, hints) if text.startswith("{") else _plain(text, protocol, hints, asked)
        except LineError as error:
            asked = None
            yield number, error
            continue
        asked = capture.raw if capture.direction == SENT else None
        yield number, capture


def unknown_protocol(name: str) -> dict[str, str]:
    """What a sentence about a protocol that nobody explains needs."""
    return {"value": name, "nearest": nearest(name.lower(), EXPLAINERS) or "-", "known": ", ".join(EXPLAINERS)}


def _plain(text: str, protocol: str, hints: Hints, asked: bytes | None) -> Capture:
    direction = direction_of(text)
    request = hints.request or (asked if direction == HEARD else None)
    return Capture(_line_bytes(text), protocol, Hints(request, hints.base, hints.model), direction)


def _object(text: str, protocol: str, hints: Hints) -> Capture:
    try:
        said = json.loads(text)
    except ValueError:
        raise LineError("not_object") from None
    if not isinstance(said, dict) or not isinstance(said.get("hex"), str):
        raise LineError("no_hex")
    request = _field(said, "request", str)
    told = Hints(
        hints.request if request is None else _line_bytes(request),
        _field(said, "base", int, hints.base),
        _field(said, "model", int, hints.model),
    )
    named = _field(said, "protocol", str, protocol)
    if named not in EXPLAINERS:
        raise LineError("no_protocol", **unknown_protocol(named))
    return Capture(_line_bytes(said["hex"]), named, told)


def _field(said: dict[str, Any], key: str, kind: type, default: Any = None) -> Any:
    value = said.get(key)
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise LineError("bad_field", key=key)
    return value


def _line_bytes(text: str) -> bytes:
    try:
        return bytes_of(text)
    except HexError as error:
        raise LineError(error.code, place=error.place, piece=error.piece) from None


def _bare(line: str) -> tuple[int, str | None]:
    """Where the digits of a line begin, and its direction."""
    start, direction = 0, None
    for _ in range(MOST_STAMPS):
        stamp = _STAMP.match(line, start)
        if stamp:
            start = stamp.end()
        mark = _MARK.match(line, start)
        if mark:
            start, direction = mark.end(), SENT if mark["sent"] else HEARD
        if not stamp and not mark:
            break
    return start, direction


def _digits(line: str, offset: int) -> bytes:
    line = line.translate(_FULL_WIDTH)
    found = bytearray()
    start = _bare(line)[0]
    if _SHORT.fullmatch(line, start):
        return bytes(int(digits, 16) for digits in line[start:].split())
    for token in _TOKEN.finditer(line, start):
        place = offset + token.start() + 1
        if token["other"]:
            raise HexError("not_hex", place, token["other"])
        digits = token["digits"] or ""
        if token["prefix"] and len(digits) == 1:
            digits = "0" + digits
        if len(digits) % 2:
            after = line[token.end() : token.end() + 1]
            raise (
                HexError("not_hex", place + len(token[0]), after)
                if after.isalnum()
                else HexError("odd_digits", place, token[0])
            )
        found += bytes.fromhex(digits)
    return bytes(found)
