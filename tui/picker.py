"""Which row of a list is selected, and which rows are seen; the selection stays with its row when the list changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Picker:
    """A cursor over rows that have keys."""

    key: str = ""
    index: int = 0
    top: int = 0

    def follow(self, keys: Sequence[str]) -> None:
        """The list is now this one: stay on the same row, or near it when it is gone."""
        if self.key in keys:
            self.index = keys.index(self.key)
        self.index = max(min(self.index, len(keys) - 1), 0)
        self.key = keys[self.index] if keys else self.key

    def move(self, keys: Sequence[str], by: int) -> None:
        """Up or down, not past the ends."""
        self.follow(keys)
        if keys:
            self.index = max(min(self.index + by, len(keys) - 1), 0)
            self.key = keys[self.index]

    def window(self, count: int, height: int) -> range:
        """The rows that are seen in so many lines, the selected one among them."""
        height = max(height, 0)
        self.top = max(min(self.top, self.index, count - height), self.index - height + 1, 0)
        return range(self.top, min(self.top + height, count))
