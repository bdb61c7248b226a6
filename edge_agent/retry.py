"""How long to wait after a failure: growing, with jitter, up to a ceiling. The one place for it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

CEILING_S = 60.0
JITTER = 0.1  # share of the wait by which devices that failed together drift apart


@dataclass
class Retry:
    """The waits of one device or one task."""

    first_s: float = 1.0
    ceiling_s: float = CEILING_S
    failures: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def next_wait(self) -> float:
        """Note a failure; answers the seconds to wait before the next try."""
        wait = min(self.first_s * 2.0**self.failures, self.ceiling_s)
        self.failures = min(self.failures + 1, 32)
        return wait * (1.0 + self.chance.uniform(-JITTER, JITTER))

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
