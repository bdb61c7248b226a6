"""The chain of models that a SunSpec device shows, found without I/O.

It begins with a marker at one of three addresses; each model says its id and its length, so models
that nobody knows are skipped. Addresses are never fixed: makers order and fill the chain as they like.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from drivers.error import ProfileError
from drivers.sunspec.definition import HEAD_WORDS

BASES = (40000, 0, 50000)  # 0-based, in the order of pysunspec2 1.3.7, sunspec2/modbus/client.py
MARKER = b"SunS"
HEAD = struct.Struct(">HH")  # id, length of what follows
LAST_ID = 0xFFFF
NO_ID = 0  # registers that nobody filled
TOP = 65536  # registers of a Modbus device
MOST_MODELS = 200  # ten times the longest chain seen; a longer one is no chain


@dataclass(frozen=True, slots=True)
class Span:
    """Registers that are read at once."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a chain: `start` is the register of its id, `length` what follows its head."""

    id: int
    start: int
    length: int

    @property
    def head(self) -> bytes:
        """The registers that must stand at its start."""
        return HEAD.pack(self.id, self.length)

    @property
    def end(self) -> int:
        """The first register behind it."""
        return self.start + HEAD_WORDS + self.length


Walk = Generator[Span, bytes | None, list[Model]]


def walk(bases: Sequence[int] = BASES) -> Walk:
    """Yields what to read next, is sent its registers or None where the device refuses; returns the chain.

    Raises ProfileError no_sunspec when no base holds the marker or the chain has no end.
    """
    return (yield from heads((yield from _first_model(bases))))


def heads(at: int) -> Walk:
    """The same from the register of a first model on."""
    models: list[Model] = []
    while at + HEAD_WORDS <= TOP:
        data = yield Span(at, HEAD_WORDS)
        if data is None:
            break  # some devices refuse the length behind the last id
        model_id, length = HEAD.unpack(data)
        model = Model(model_id, at, length)
        if model_id in (LAST_ID, NO_ID) or model.end > TOP:
            break
        models.append(model)
        if len(models) > MOST_MODELS:
            raise ProfileError("no_sunspec", f"more than {MOST_MODELS} models")
        at = model.end
    return models


def _first_model(bases: Sequence[int]) -> Generator[Span, bytes | None, int]:
    for base in bases:
        if (yield Span(base, len(MARKER) // 2)) == MARKER:
            return base + len(MARKER) // 2
    raise ProfileError("no_sunspec", "no marker at " + ", ".join(map(str, bases)))
