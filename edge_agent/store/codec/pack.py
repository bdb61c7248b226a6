"""Series of integers as few bytes: offsets from the smallest, byte planes, zlib; pure Python at the speed of C loops.

The byte order is little-endian, as on every machine the agent runs on.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, repeat
from operator import add, floordiv, mul, sub
from typing import Any

LEVEL = 6  # of zlib; 9 takes off less than a hundredth of what real meters give
_CODES = {1: "B", 2: "H", 3: "I", 4: "I", 5: "Q", 6: "Q", 7: "Q", 8: "Q"}  # array types by bytes a number needs
_PLAIN = 0  # where steps have their grain


class Packer:
    """Takes numbers, texts and series in turn; `packed` answers them as bytes for an Unpacker."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._planes: list[bytes] = []

    def number(self, number: int) -> None:
        """One integer of any sign and size."""
        rest = number << 1 if number >= 0 else ~number << 1 | 1
        while rest > 0x7F:
            self._head.append(rest & 0x7F | 0x80)
            rest >>= 7
        self._head.append(rest)

    def text(self, text: str) -> None:
        """One string."""
        said = text.encode("utf-8", "surrogatepass")
        self.number(len(said))
        self._planes.append(said)

    def series(self, values: Sequence[int], grain: int = 1) -> None:
        """Integers whose largest is less than 2**64 above the smallest: as they are or as steps, which is narrower.

        grain: divides every step.
        """
        low, high = min(values, default=0), max(values, default=0)
        steps = list(map(sub, values[1:], values))
        if grain > 1:
            steps = list(map(floordiv, steps, repeat(grain)))
        least, most = min(steps, default=0), max(steps, default=0)
        if most - least < high - low:
            self.number(grain)
            self.number(values[0])
            self._offsets(steps, least, most)
        else:
            self.number(_PLAIN)
            self._offsets(values, low, high)

    def raw(self, numbers: array[Any]) -> None:
        """Numbers of eight bytes as they lie in memory; quicker than a series."""
        raw = numbers.tobytes()
        self._planes += [raw[i::8] for i in range(8)]

    def packed(self, level: int = LEVEL) -> bytes:
        """Everything taken in; each byte plane gets a Huffman code of its own."""
        size = Packer()
        size.number(len(self._head))
        deflate = zlib.compressobj(level)
        found = [deflate.compress(bytes(size._head + self._head))]
        for plane in self._planes:
            found += deflate.flush(zlib.Z_BLOCK), deflate.compress(plane)
        return b"".join((*found, deflate.flush()))

    def _offsets(self, values: Sequence[int], low: int, high: int) -> None:
        width = ((high - low).bit_length() + 7) // 8
        self.number(low)
        self.number(width)
        if width:
            offsets = array(_CODES[width], map(sub, values, repeat(low)) if low else values)
            raw, size = offsets.tobytes(), offsets.itemsize
            self._planes += [raw[i::size] for i in range(width)]


class Unpacker:
    """Gives back what a Packer took, in the same turn; the caller knows how long each series is.

    What follows the packed bytes is not looked at. Raises zlib.error for bytes that were changed.
    """

    def __init__(self, body: bytes) -> None:
        inflate = zlib.decompressobj()
        self._raw = inflate.decompress(body)
        if not inflate.eof:
            raise zlib.error("the packed bytes end too early")
        self._at = 0
        length = self.number()
        self._plane = self._at + length

    def number(self) -> int:
        """One integer."""
        found = shift = 0
        while True:
            byte = self._raw[self._at]
            self._at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return ~(found >> 1) if found & 1 else found >> 1
            shift += 7

    def text(self) -> str:
        """One string."""
        return self._take(self.number()).decode("utf-8", "surrogatepass")

    def series(self, count: int) -> list[int]:
        """The integers of a series of `count`."""
        grain = self.number()
        if grain == _PLAIN:
            return list(self._offsets(count, self.number(), self.number()))
        first, low, width = self.number(), self.number(), self.number()
        if low and not width:  # an even pace
            return list(range(first, first + count * low * grain, low * grain))
        steps = self._offsets(count - 1, low, width)
        if grain > 1:
            steps = map(mul, steps, repeat(grain))
        return list(accumulate(steps, initial=first))

    def raw(self, code: str, count: int) -> array[Any]:
        """The `count` numbers of an array of this type."""
        return self._numbers(code, count, 8)

    def _offsets(self, count: int, low: int, width: int) -> Iterable[int]:
        if not width:
            return repeat(low, count)
        offsets = self._numbers(_CODES[width], count, width)
        return map(add, offsets, repeat(low)) if low else offsets

    def _numbers(self, code: str, count: int, width: int) -> array[Any]:
        numbers = array(code)
        raw = bytearray(numbers.itemsize * count)
        for i in range(width):
            raw[i :: numbers.itemsize] = self._take(count)
        numbers.frombytes(bytes(raw))
        return numbers

    def _take(self, count: int) -> bytes:
        self._plane += count
        return self._raw[self._plane - count : self._plane]
