"""Readings as parallel columns: for a device that tells thousands of changes a second an object each is too dear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.reading import Quality, Reading


@dataclass(slots=True)
class Columns:
    """Row i is one reading; rows of one tag stand in the order of their times."""

    tags: list[str] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tags)

    def __iter__(self) -> Iterator[Reading]:
        return (self.row(place) for place in range(len(self.tags)))

    def row(self, place: int) -> Reading:
        """One row as a reading."""
        quality = Quality(self.qualities[place])
        return Reading(
            self.tags[place], self.values[place], quality, self.reasons[place], self.at[place], self.seen[place]
        )

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
