"""Which TinyDB queries SQLite can answer: a field, also a nested one, that equals a text or a number.

What a query compares stands in its private `_hash`; TinyDB is pinned for it. SQLite may find too much,
for the query itself decides in the end, but never too little: where it could, nothing is pushed down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tinydb.queries import QueryInstance

_EXACT = 2**53  # every whole number up to here is the same as text, as integer and as double
_NUMBERS = (bool, int, float)  # and none of their kinds, which may compare in a way of their own
_PLAIN_FIELD = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]+')  # what stands in JSON as it is
_PLAIN_TEXT = re.compile(r"[^\x00-\x1f\ud800-\udfff]*")


def equality(query: object) -> tuple[tuple[str, ...], str | int] | None:
    """The path of a field and the value it must have; None where only Python can tell."""
    compared: Any = query._hash if type(query) is QueryInstance else None
    match compared:
        case ("==", tuple(path), wanted) if path and all(map(_is_plain, path)):
            value = _comparable(wanted)
            return None if value is None else (path, value)
    return None


def field(path: Sequence[str]) -> str:
    """The SQL expression of a field in the column `body`; an index must be made of the very same text."""
    steps = "".join(f'."{part}"' for part in path).replace("'", "''")
    return f"json_extract(body, '${steps}')"


def _is_plain(part: object) -> bool:
    return isinstance(part, str) and _PLAIN_FIELD.fullmatch(part) is not None


def _comparable(wanted: object) -> str | int | None:
    """The value as SQLite compares it just like Python; its own kind of null equals nothing."""
    if type(wanted) is str:
        return wanted if _PLAIN_TEXT.fullmatch(wanted) else None
    if isinstance(wanted, int | float) and type(wanted) in _NUMBERS and abs(wanted) < _EXACT and wanted == int(wanted):
        return int(wanted)
    return None
