"""What one poll saw, kept as columns from the driver to the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drivers.reading import Quality, Reading


@dataclass(slots=True)
class Batch:
    """Parallel columns; row i is one reading. A batch is written whole or not at all."""

    tags: list[str] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tags)

    def add(self, tag: str, at: int, seen: int, value: float | None, quality: Quality, reason: str | None) -> None:
        """Append one row; a value without trust is refused here, so it cannot reach the store."""
        if (value is not None) and quality > Quality.UNCERTAIN:
            raise ValueError(f"{tag}: a {quality.code} reading carries no value")
        self.tags.append(tag)
        self.at.append(at)
        self.seen.append(seen)
        self.values.append(value)
        self.qualities.append(int(quality))
        self.reasons.append(reason)

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Batch:
        """The readings of one cycle as columns."""
        batch = cls()
        for r in readings:
            batch.add(r.tag, r.at, r.seen, r.value, r.quality, r.reason)
        return batch
