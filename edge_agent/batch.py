"""What one poll saw, kept as columns from the driver to the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from drivers.columns import Columns
from drivers.reading import Reading


@dataclass(slots=True)
class Batch(Columns):
    """The columns of one cycle. A batch is written whole or not at all."""

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Self:
        """The readings of one cycle as columns."""
        batch = cls()
        for r in readings:
            batch.add(r.tag, r.at, r.seen, r.value, r.quality, r.reason)
        return batch

    @classmethod
    def over(cls, found: Columns) -> Self:
        """Columns as they are, shared and not copied."""
        return cls(found.tags, found.at, found.seen, found.values, found.qualities, found.reasons)
