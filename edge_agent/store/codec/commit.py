"""One commit of readings of all tags as bytes: a row of the open hour, quick to write and quick to read by tag."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from edge_agent.store.codec.columns import Columns, Sample
from edge_agent.store.codec.pack import Packer, Unpacker
from edge_agent.store.codec.states import State, put_states, take_states

LEVEL = 3  # of zlib: what a commit holds is packed again within the hour


def encode(tags: Sequence[int], rows: Columns) -> bytes:
    """The bytes of at least one row, row i of tag i; the rows of a tag keep their order."""
    order = sorted(range(len(tags)), key=tags.__getitem__)
    rows, counts = rows.pick(order), Counter(tags)
    names = sorted(counts)
    packer = Packer()
    packer.number(len(names))
    packer.series(names)
    packer.series([counts[tag] for tag in names])
    packer.raw(array("q", rows.at))
    same = rows.seen == rows.at
    packer.number(same)
    if not same:
        packer.raw(array("q", rows.seen))
    kinds = [int(value is None) for value in rows.values] if None in rows.values else None
    put_states(packer, kinds, rows.qualities, rows.reasons)
    packer.raw(array("d", rows.values if kinds is None else [0.0 if value is None else value for value in rows.values]))
    return packer.packed(LEVEL)


class Commit:
    """The rows of a commit, tag by tag."""

    def __init__(self, body: bytes) -> None:
        unpacker = Unpacker(body)
        count = unpacker.number()
        # Arrays: an hour of commits is held at once, and a list of integers takes five times the memory.
        self._tags = array("q", unpacker.series(count))
        self._ends = array("q", accumulate(unpacker.series(count)))
        size = self._ends[-1]
        self._at: array[int] = unpacker.raw("q", size)
        self._seen: array[int] = self._at if unpacker.number() else unpacker.raw("q", size)
        self._states: list[State] | None = take_states(unpacker)
        self._values: array[float] = unpacker.raw("d", size)
        self.first_at, self.last_at = min(self._at), max(self._at)

    def __len__(self) -> int:
        return self._ends[-1]

    def tags(self) -> list[int]:
        """The tags that have rows here."""
        return self._tags.tolist()

    def rows(self, tag: int) -> Columns:
        """The rows of one tag in the order of writing."""
        place = bisect_left(self._tags, tag)
        if place == len(self._tags) or self._tags[place] != tag:
            return Columns()
        return self._slice(self._ends[place - 1] if place else 0, self._ends[place])

    def newest(self) -> Iterator[tuple[int, int, int]]:
        """Each tag with the moment and the number of its newest row."""
        start = 0
        for tag, end in zip(self._tags, self._ends, strict=True):
            row = end - 1
            if end - start > 1 and max(self._at[start:end]) > self._at[row]:
                row = max(range(start, end), key=lambda i: (self._at[i], i))
            yield tag, self._at[row], row
            start = end

    def sample(self, row: int) -> Sample:
        """The row of a number."""
        return self._slice(row, row + 1).sample(0)

    def _slice(self, start: int, end: int) -> Columns:
        at, seen = self._at[start:end].tolist(), self._seen[start:end].tolist()
        values: list[float | None] = [*self._values[start:end]]
        if self._states is None:
            return Columns(at, seen, values, [0] * (end - start), [None] * (end - start))
        states = self._states[start:end]
        values = [None if kind else value for value, (kind, _, _) in zip(values, states, strict=True)]
        return Columns(at, seen, values, [quality for _, quality, _ in states], [reason for _, _, reason in states])
