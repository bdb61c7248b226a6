"""The chain of models that a SunSpec device shows, found without I/O.

It begins with a marker at one of three addresses; each model says its id and its length, so models
that nobody knows are skipped. Addresses are never fixed: makers order and fill the chain as they like.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from drivers.error import ProfileError
from drivers.modbus.pdu import MOST_REGISTERS

BASES = (40000, 0, 50000)  # 0-based, in the order of pysunspec2 1.3.7, sunspec2/modbus/client.py
MARKER = b"SunS"
HEAD = struct.Struct(">HH")  # id, length of what follows
HEAD_WORDS = 2
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


Walk = Generator[Span, bytes | None, list[Model]]


def walk(bases: Sequence[int] = BASES) -> Walk:
    """Yields what to read next, is sent its registers or None where the device refuses; returns the chain.

    Raises ProfileError no_sunspec when no base holds the marker or the chain has no end.
    """
    at = yield from _first_model(bases)
    models: list[Model] = []
    while at + HEAD_WORDS <= TOP:
        data = yield Span(at, HEAD_WORDS)
        if data is None:
            break  # some devices refuse the length behind the last id
        model_id, length = HEAD.unpack(data)
        end = at + HEAD_WORDS + length
        if model_id in (LAST_ID, NO_ID) or end > TOP:
            break
        models.append(Model(model_id, at, length))
        if len(models) > MOST_MODELS:
            raise ProfileError("no_sunspec", f"more than {MOST_MODELS} models")
        at = end
    return models


def spans(model: Model, most: int) -> list[Span]:
    """The reads for a model from its head on, at most `most` registers of it, in the least pieces."""
    end = model.start + min(HEAD_WORDS + model.length, most)
    starts = range(model.start, end, MOST_REGISTERS)
    return [Span(start, min(MOST_REGISTERS, end - start)) for start in starts]


def _first_model(bases: Sequence[int]) -> Generator[Span, bytes | None, int]:
    for base in bases:
        if (yield Span(base, len(MARKER) // 2)) == MARKER:
            return base + len(MARKER) // 2
    raise ProfileError("no_sunspec", "no marker at " + ", ".join(map(str, bases)))
