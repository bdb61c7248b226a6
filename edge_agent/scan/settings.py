"""Which line settings each protocol is tried with at one place, the likeliest first."""

from __future__ import annotations

from drivers.wire import Wire
from edge_agent.scan.place import Place

LONG = "modbus"  # its sweep of every unit takes minutes at each setting


class Settings:
    """What is known of a line's settings so far."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._heard: Wire | None = None  # at which something answered first
        self.refused: list[Wire] = []  # that the port does not take
        self.left_out = False  # whether a long sweep was made at one setting only

    def of(self, protocol: str) -> list[Wire | None]:
        """Those to try: of a line of unknown settings first the one that somebody answered at."""
        wires = [w for w in self._place.wires_for(protocol) if w not in self.refused]
        if self._heard is None or self._place.wires:
            return wires
        if protocol == LONG:
            self.left_out = True
            return [self._heard]
        return [self._heard, *(w for w in wires if w != self._heard)]

    @property
    def heard(self) -> Wire | None:
        """The setting at which something answered first."""
        return self._heard

    def answered(self, wire: Wire | None) -> None:
        """Somebody is there at this setting."""
        self._heard = self._heard or wire
