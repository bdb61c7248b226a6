"""How bytes stand on a serial line, and how long one takes."""

from __future__ import annotations

from dataclasses import dataclass

START_AND_DATA_BITS = 9


@dataclass(frozen=True, slots=True)
class Wire:
    """Line settings: 8 data bits; parity N, E or O; 1 or 2 stop bits."""

    baud: int = 2400
    parity: str = "E"
    stop: int = 1

    @property
    def byte_s(self) -> float:
        """Seconds that one byte takes."""
        return (START_AND_DATA_BITS + (self.parity != "N") + self.stop) / self.baud
